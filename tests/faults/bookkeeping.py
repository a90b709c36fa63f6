"""Compares what the hub and the storefront hold after everything, order by order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx

from tests.faults.deployment import Deployment

#: Interactions that tell of one order, in the lane of that order.
OF_ONE_ORDER = frozenset(
    {
        "order_update",
        "order_shipment_submit",
        "order_settle_payment",
        "order_cancel",
        "order_complete",
        "order_returned",
    }
)


class Books:
    """Both sides' records, read once."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        with httpx.Client(base_url=deployment.storefront_url, timeout=30) as http:
            self.judgement = http.get("/admin/judgement").json()["violations"]
            self.shop = {order["refnum"]: order for order in _pages(http, "orders", "position")}
            self.journal = list(_pages(http, "journal", "sequence"))
        self.hub = {
            row[0]: row
            for row in deployment.rows(
                """SELECT o.channel_refnum, o.id, o.status, o.acknowledged_at IS NOT NULL, coalesce(p.captured, 0),
                       coalesce(p.refunded, 0)
                   FROM orders_order o LEFT JOIN payments_payment p ON p.order_id = o.id ORDER BY o.id"""
            )
        }

    def differences(self) -> list[str]:
        """Everything on which the two don't agree; empty is the good answer."""
        found = [
            f"in one only: {refnum}"
            for refnum in sorted(set(self.shop) ^ {str(refnum) for refnum in self.hub})
        ]
        [(rows, orders)] = self._deployment.rows(
            "SELECT count(*), count(DISTINCT channel_refnum) FROM orders_order"
        )
        if rows != orders:
            found.append(f"{rows} rows for {orders} orders")
        units = self._units()
        for refnum, order in self.shop.items():
            if refnum in self.hub:
                found.extend(_differences(order, self.hub[refnum], units))
        return found

    def story(self, refnum: str) -> str:
        """Everything that both sides noted about an order's messages, to find out what went wrong with it."""
        tasks = self._deployment.rows(
            """SELECT t.id, t.kind, t.state, t.outcome, t.message, a.number, a.worker, a.started_at::time, a.ended_at::time,
                   a.outcome_class, a.error, a.response_excerpt
               FROM tasks_task t JOIN orders_order o ON o.id = t.order_id LEFT JOIN tasks_attempt a ON a.task_id = t.id
               WHERE o.channel_refnum = %s ORDER BY t.id, a.number, a.id""",
            refnum,
        )
        arrived = [entry for entry in self.journal if refnum in entry["refnums"]]
        return "\n".join(map(str, [refnum, *tasks, *arrived]))

    def _units(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(Order, item) → units shipped and returned, as the hub has it."""
        rows = self._deployment.rows(
            """SELECT o.channel_refnum, l.channel_item_refnum, sum(l.shipped), sum(l.returned) FROM orders_orderline l
               JOIN orders_order o ON o.id = l.order_id WHERE l.item_type = 'ship' GROUP BY 1, 2"""
        )
        return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in rows}  # type: ignore[call-overload, misc]

    def disorder(self) -> list[str]:
        """Orders whose messages did not first take effect, or first arrive, in the order in which the hub has them."""
        effective: dict[str, list[str]] = defaultdict(list)
        arrived: dict[str, list[int]] = defaultdict(list)
        for entry in self.journal:
            for refnum in entry["refnums"]:
                if entry["effect"] == "applied":
                    effective[refnum].append(entry["interaction"])
                if entry["interaction"] in OF_ONE_ORDER:
                    task = int(entry["webhook_id"].removeprefix("task_"))
                    if task not in arrived[refnum]:
                        arrived[refnum].append(task)
        found = [f"{refnum}: {told}" for refnum, told in effective.items() if not _in_order(told)]
        return found + [f"{refnum}: tasks {ids}" for refnum, ids in arrived.items() if ids != sorted(ids)]

    def oversold(self) -> list[tuple[object, ...]]:
        """Units that somebody bought and nobody can ship, and levels that promise more than there is."""
        return [
            *self._deployment.rows("SELECT order_id, sku_code, open FROM orders_orderline WHERE open <> 0"),
            *self._deployment.rows(
                "SELECT facility_id, sku_id, on_hand, allocated FROM stock_stocklevel WHERE allocated > on_hand OR on_hand < 0"
            ),
        ]

    def broken_invariants(self) -> str:
        """What `retailops audit` complains about."""
        done = self._deployment.command("audit")
        lines = [line for line in done.stdout.splitlines() if not line.startswith("ok ")]
        return "\n".join(lines) if done.returncode == 0 else "\n".join([*lines, done.stderr])


def _differences(
    order: Mapping[str, Any], hub: Sequence[Any], units: Mapping[tuple[str, str], tuple[int, int]]
) -> Iterator[str]:
    refnum, hub_id, status, acknowledged, captured, refunded = hub
    if (order["hub_order_id"], order["acknowledged_at"] is not None) != (hub_id, acknowledged):
        yield f"{refnum}: the storefront knows it as {order['hub_order_id']}, the hub as {hub_id}, told: {acknowledged}"
    if (money := (Decimal(str(order["captured"])), Decimal(str(order["refunded"])))) != (captured, refunded):
        yield f"{refnum}: captured and refunded {money} at the storefront, {captured, refunded} in the hub"
    for item in order["items"]:
        ours = units.get((refnum, item["item_refnum"]), (0, 0))
        if (item["shipped"], item["returned"]) != ours:
            yield f"{refnum}, {item['item_refnum']}: {item} at the storefront, {ours} in the hub"
    # A shopper's own cancellation is not told back to the storefront.
    if status != order["status"] and not (status == "cancelled" and order["cancel_requested"]):
        yield f"{refnum}: {order['status']} at the storefront, {status} in the hub"


def _in_order(told: Sequence[str]) -> bool:
    """Acknowledged first, and no shipment after completion."""
    completed = told.index("order_complete") if "order_complete" in told else len(told)
    return told[0] == "order_acknowledge" and "order_shipment_submit" not in told[completed:]


def _pages(http: httpx.Client, what: str, position: str) -> Iterator[dict[str, Any]]:
    """All rows of one of the storefront's lists; the others are asked for behind their ends."""
    after, beyond = (
        0,
        {name: 10**14 for name in ("orders_after", "journal_after") if not name.startswith(what)},
    )
    while True:
        reply = http.get("/admin/state", params={**beyond, f"{what}_after": after, "limit": 1000})
        reply.raise_for_status()
        page = reply.json()[what]
        yield from page
        if len(page) < 1000:
            return
        after = page[-1][position]
