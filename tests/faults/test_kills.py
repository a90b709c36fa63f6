"""Processes die by kill -9 while orders are placed, shipped, edited and taken back, and while the storefront misbehaves.

`FAULT_SEED` and `FAULT_KILLS` choose another run. Nothing may be lost, doubled, oversold or out of order.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import httpx
import psycopg
import pytest

from retailops.hub.tasks.rules import AMBIGUOUS_ATTEMPTS, AMBIGUOUS_ATTEMPTS_WITH_MONEY
from tests.faults.bookkeeping import Books
from tests.faults.deployment import Deployment, resident_megabytes, running_deployment, wait_until
from tests.faults.killer import Killer
from tests.faults.players import Trade, trading
from tests.faults.seeding import PLENTIFUL, SCARCE

SEED = int(os.environ.get("FAULT_SEED", "1"))
KILLS = int(os.environ.get("FAULT_KILLS", "210"))
WORKER_MEGABYTES = 250
#: About every fifth call goes wrong. A redirect or a 401 would stop the channel until a person resumes it: test_stops.
FAULTS = (
    "drop-before-effect:0.02,drop-after-effect:0.03,half-body:0.02,wrong-length:0.01,status-500:0.02,html-502:0.01,"
    "status-503:0.004:1,status-429:0.004:1,slow:0.04:300,html-200:0.01,invalid-json:0.01,nan-money:0.01,wrong-types:0.01,"
    "duplicate-keys:0.01,nul:0.01,lone-surrogate:0.01,deep-nesting:0.005,huge-body:0.001:16,endless-pages:0.03,"
    "repeated-token:0.03,duplicate-order:0.05,mutated-order:0.05"
)


def test_a_few_kills(data_dir):
    _trade_and_kill(data_dir.parent, seed=SEED + 1000, kills=15)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_two_hundred_kills(data_dir):
    _trade_and_kill(data_dir.parent, seed=SEED, kills=KILLS)


def _trade_and_kill(directory, *, seed: int, kills: int) -> None:
    with running_deployment(directory) as deployment:
        _wait_for_stock(deployment)
        trade, killer = Trade(deployment, seed), Killer(deployment, seed)
        with trading(trade):
            _set_faults(deployment, FAULTS, seed)
            started = time.monotonic()
            killer.run(kills)
            killed = time.monotonic()
            _set_faults(deployment, "", seed)
            trade.shopping.clear()
            parked = _settle(deployment, trade)
        took = f"{killed - started:.0f} s of kills, settled {time.monotonic() - killed:.0f} s later"
        said = [f"seed {seed}: {took}", len(trade.placed), killer.done, trade.counts, trade.refusals, parked]
        print(*said, sep="\n")  # noqa: T201 - for those who watch, with -s
        assert killer.kills >= kills
        assert trade.failures == []
        assert not [refusal for refusal in trade.refusals if refusal.endswith("INTERNAL")]
        _check(deployment, trade)
        for message in parked:
            assert _is_legitimate(message), message


def _check(deployment: Deployment, trade: Trade) -> None:
    books = Books(deployment)
    assert set(books.shop) == trade.placed
    wrong = {
        "both sides agree": books.differences(),
        "nothing oversold": books.oversold(),
        "the storefront's judgement": books.judgement,
        "in order": books.disorder(),
        "invariants": books.broken_invariants(),
        "leases": deployment.rows("SELECT name FROM tasks_lane WHERE fence IS NOT NULL AND due_at < now()"),
    }
    told = "\n\n".join(map(books.story, sorted(set(re.findall(r"S\d{7}", str(wrong))))[:3]))
    assert not any(wrong.values()), f"{wrong}\n{told}"
    assert max(map(resident_megabytes, deployment.workers)) < WORKER_MEGABYTES
    # None of it would mean much if nothing had happened.
    shipped = sum(item["shipped"] for order in books.shop.values() for item in order["items"])
    assert shipped > 0
    assert any(call["fault"] and call["effect"] == "applied" for call in books.journal)
    assert any(order["refunded"] for order in books.shop.values()) or len(books.shop) < 200


def _settle(deployment: Deployment, trade: Trade) -> list[str]:
    """Wait until nothing is left to do, replaying what was parked; returns why it was."""
    parked: list[str] = []

    def settled() -> bool:
        assert trade.failures == []
        parked.extend(_replay(deployment))
        try:
            return _unfinished(deployment) == []
        except psycopg.OperationalError:
            return False

    def told() -> list[tuple[object, ...]]:
        try:
            return deployment.rows("SELECT max(id) FROM orders_orderevent")
        except psycopg.OperationalError:
            return []

    # How long it takes in all depends on the machine; what is stuck tells of nothing any more.
    wait_until("everything told", settled, seconds=90, describe=_standing(deployment), progress=told)
    return parked


def _unfinished(deployment: Deployment) -> list[tuple[object, ...]]:
    orders = {row[0] for row in deployment.rows("SELECT channel_refnum FROM orders_order")}
    with httpx.Client(base_url=deployment.storefront_url) as http:
        newest = http.get(
            "/admin/state", params={"orders_after": max(0, len(orders) - 1), "journal_after": 10**14}
        )
    missing = [
        (order["refnum"], "missing") for order in newest.json()["orders"] if order["refnum"] not in orders
    ]
    return missing + deployment.rows(
        """SELECT id, status FROM orders_order WHERE status NOT IN ('completed', 'cancelled')
           UNION ALL SELECT id, kind FROM tasks_task WHERE state IN ('queued', 'running') AND kind <> 'order_pull'
           UNION ALL SELECT id, name FROM tasks_queue WHERE paused"""
    )


def _replay(deployment: Deployment) -> list[str]:
    """What an operator does with parked tasks once the storefront is well again; returns what they said."""
    parked = deployment.rows(
        "SELECT id, kind, message, ambiguous_attempts FROM tasks_task WHERE state = 'parked'"
    )
    if parked:
        done = deployment.command("tasks", "replay", *(str(row[0]) for row in parked))
        assert done.returncode == 0, done.stderr
    return [f"{row[1]} after {row[3]} unclear attempts: {row[2]}" for row in parked]


def _is_legitimate(message: str) -> bool:
    """A task may be given up only after as many attempts with unknown effect as the policy allows."""
    kind, _, rest = message.partition(" after ")
    money = kind in {"order_settle_payment", "order_returned", "payment_credit"}
    return int(rest.split()[0]) >= (AMBIGUOUS_ATTEMPTS_WITH_MONEY if money else AMBIGUOUS_ATTEMPTS)


def _standing(deployment: Deployment) -> Callable[[], str]:
    def describe() -> str:
        tasks = deployment.rows(
            "SELECT id, lane, kind, state, attempts, message, due_at - now() FROM tasks_task WHERE state <> 'succeeded' LIMIT 10"
        )
        unfinished = _unfinished(deployment)[:10]
        orders = [row[0] for row in unfinished]
        known = [
            row
            for table in ("orders_orderline", "fulfilment_shipment", "orders_orderhold", "orders_orderevent")
            for row in deployment.rows(
                f"SELECT to_jsonb(t) FROM {table} t WHERE order_id = ANY(%s::bigint[]) ORDER BY id",
                [order for order in orders if isinstance(order, int)],
            )
        ]
        return "\n".join(map(str, [*unfinished, *known, *tasks, deployment.log()[-3000:]]))

    return describe


def _wait_for_stock(deployment: Deployment) -> None:
    def shown() -> bool:
        rows = httpx.get(f"{deployment.storefront_url}/shop/catalog").json()["skus"]
        return {row["sku"] for row in rows if row["available"]} >= {*SCARCE, *PLENTIFUL}

    wait_until("stock is shown", shown, seconds=60, describe=deployment.log)


def _set_faults(deployment: Deployment, spec: str, seed: int) -> None:
    reply = httpx.post(f"{deployment.storefront_url}/admin/faults", json={"faults": spec, "seed": seed})
    reply.raise_for_status()
