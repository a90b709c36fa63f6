"""Who trades while processes die: shoppers, two warehouses, a vendor, an operator. Each repeats what got no answer."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from retailops.client import CallFailed, ConnectionFailed, RetailOps
from tests.faults.deployment import Deployment
from tests.faults.seeding import KIT, PLENTIFUL, SCARCE, SOFA, SOFA_VPC

SHIP_CLASS = 7
SOFAS = 100_000
#: The hub can't now, its database is away: the caller is to try again.
RETRY = "RETRY"


class Trade:
    """What the players share. `shopping` and `going_on` tell them when to stop; `failures` is what must not happen."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self.deployment = deployment
        self.seed = seed
        self.shopping = threading.Event()
        self.going_on = threading.Event()
        self.placed: set[str] = set()
        self.counts = Counter[str]()
        self.refusals = Counter[str]()
        self.failures: list[str] = []

    def random(self, name: str) -> random.Random:
        """A player's own randomness: the same for the same seed."""
        return random.Random(f"{self.seed} {name}")

    def api(self, key: str) -> RetailOps:
        """The hub's API, as the holder of a key sees it."""
        return RetailOps(self.deployment.keys[key], self.deployment.url, timeout=20, tries=1)

    def insist(self, what: str, call: Callable[[], object]) -> bool:
        """Repeat a call until it is answered; whether the answer was yes. Gives up when trade is over."""
        while self.going_on.is_set():
            try:
                call()
            except ConnectionFailed:
                self.counts[f"{what}: no answer"] += 1
                time.sleep(0.2)
            except CallFailed as error:
                codes = {issue.code for issue in error.issues} or {error.code}
                if RETRY not in codes:
                    self.refusals.update(f"{what}: {code}" for code in codes)
                    return False
                self.counts[f"{what}: to be tried again"] += 1
                time.sleep(0.2)
            else:
                self.counts[what] += 1
                return True
        return False


@contextmanager
def trading(trade: Trade) -> Iterator[None]:
    """Let the players trade until the end of the block."""
    players: dict[str, Callable[[Trade], None]] = {
        "shoppers": shop,
        "east": lambda trade: _repeat(trade, Warehouse(trade, "EAST").step),
        "west": lambda trade: _repeat(trade, Warehouse(trade, "WEST").step),
        "vendor": lambda trade: _repeat(trade, Vendor(trade).step),
        "operator": lambda trade: _repeat(trade, Operator(trade).step),
    }

    def run(name: str) -> None:
        try:
            players[name](trade)
        except Exception as error:  # noqa: BLE001 - told by the test
            trade.failures.append(f"{name}: {error!r}")

    trade.shopping.set()
    trade.going_on.set()
    threads = [threading.Thread(target=run, args=(name,), name=name) for name in players]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        trade.shopping.clear()
        trade.going_on.clear()
        for thread in threads:
            thread.join()


def _repeat(trade: Trade, step: Callable[[], None]) -> None:
    while trade.going_on.is_set():
        try:
            step()
        except (ConnectionFailed, psycopg.Error):
            pass  # what it wanted to look at is away for the moment
        except CallFailed as error:
            if error.code != RETRY:
                raise
        time.sleep(0.3)


def shop(trade: Trade) -> None:
    """Orders come in steadily; some shoppers change their minds before the hub has told that it has the order."""
    chance = trade.random("shoppers")
    with httpx.Client(base_url=trade.deployment.storefront_url, timeout=30) as http:
        while trade.shopping.is_set():
            for _ in range(chance.randint(1, 3)):
                reply = http.post(
                    "/shop/orders", json={"items": _basket(chance), "customer": {"full_name": "Ada Byron"}}
                )
                if reply.status_code == httpx.codes.CONFLICT:
                    trade.counts["sold out"] += 1
                    continue
                reply.raise_for_status()
                refnum = reply.json()["refnum"]
                trade.placed.add(refnum)
                if chance.random() < 0.08:
                    cancelled = http.post(f"/shop/orders/{refnum}/cancel", json={})
                    trade.counts[f"cancelled by shopper: {cancelled.status_code}"] += 1
            time.sleep(chance.uniform(0.1, 0.5))


def _basket(chance: random.Random) -> list[dict[str, object]]:
    wanted: list[str] = []
    if chance.random() < 0.35:
        wanted.append(chance.choice(list(SCARCE)))
    if chance.random() < 0.1:
        wanted.append(KIT)
    if chance.random() < 0.1:
        wanted.append(SOFA)
    if not wanted or chance.random() < 0.5:
        wanted.extend(chance.sample(PLENTIFUL, chance.randint(1, 2)))
    return [{"sku": sku, "quantity": chance.randint(1, 2)} for sku in wanted]


class Warehouse:
    """Ships what is released to it. A package that got no answer is told again, under the same tracking number."""

    def __init__(self, trade: Trade, code: str) -> None:
        self._trade = trade
        self._code = code
        self._api = trade.api(code)
        self._chance = trade.random(code)
        self._packed = 0

    def step(self) -> None:
        for shipment in list(self._api.iter_shipments(limit=50, with_ship_address=0)):
            self._ship(shipment)

    def _ship(self, shipment: Mapping[str, Any]) -> None:
        items = {i["shipment_item_id"]: i["quantity_open"] for i in shipment["items"] if i["quantity_open"]}
        if self._chance.random() < 0.3:  # in two portions: the rest is shipped when it is looked at again
            item, units = next(iter(items.items()))
            items = {item: (units + 1) // 2}
        self._packed += 1
        package = {
            "ship_class_id": SHIP_CLASS,
            "tracking_number": f"{self._code}{self._packed:08d}",
            "items": [{"shipment_item_id": item, "quantity": units} for item, units in items.items()],
        }
        record = {"id": shipment["id"], "packages": [package]}
        times = 2 if self._chance.random() < 0.1 else 1  # some say everything twice
        for _ in range(times):
            self._trade.insist("ship", lambda: self._api.complete_shipments([record]))


class Vendor:
    """Takes up POs, ships them, and tells after each what is left."""

    def __init__(self, trade: Trade) -> None:
        self._trade = trade
        self._api = trade.api("ACME")
        self._left = SOFAS
        self._advise()

    def step(self) -> None:
        ready = [{"po": po["po"]} for po in self._api.iter_pos(status="ready", limit=100)]
        if ready:
            self._trade.insist("take up POs", lambda: self._api.mark_pos_submitted(ready))
        for po in list(self._api.iter_pos(status="submitted", limit=100, with_items=1)):
            self._ship(po)
        self._advise()

    def _ship(self, po: Mapping[str, Any]) -> None:
        items = [{"vpc": i["vpc"], "quantity": i["quantity_open"]} for i in po["items"] if i["quantity_open"]]
        package = {"ship_class_id": SHIP_CLASS, "tracking_number": f"ACME{po['id']:08d}", "items": items}
        if self._trade.insist("ship PO", lambda: self._api.complete_po(po["po"], [package])):
            self._left -= sum(int(str(item["quantity"])) for item in items)

    def _advise(self) -> None:
        record = {"vpc": SOFA_VPC, "quantity": self._left}
        self._trade.insist("advise", lambda: self._api.update_external_skus([record]))


class Operator:
    """Edits, cancels and takes back some orders; an edit that got no answer is not repeated."""

    def __init__(self, trade: Trade) -> None:
        self._trade = trade
        self._api = trade.api("operator")
        self._chance = trade.random("operator")
        self._seen_to: set[tuple[str, int]] = set()

    def step(self) -> None:
        if not self._trade.shopping.is_set():
            return
        rows = self._trade.deployment.rows(
            """SELECT o.id, o.status, min(l.id) FILTER (WHERE l.item_type = 'ship' AND l.shipped > 0),
                   min(l.id) FILTER (WHERE l.ordered - l.cancelled > 1 AND l.shipped = 0)
               FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
               WHERE o.status <> 'cancelled' GROUP BY o.id ORDER BY o.id DESC LIMIT 60"""
        )
        for order_id, status, shipped_line, open_line in rows:
            phase = "back" if status == "completed" else "on the way"
            if (phase, order_id) not in self._seen_to:
                self._seen_to.add((phase, int(str(order_id))))
                self._see_to(int(str(order_id)), phase, shipped_line, open_line)

    def _see_to(self, order_id: int, phase: str, shipped_line: object, open_line: object) -> None:
        what = self._chance.random()
        if phase == "back" and what < 0.15 and shipped_line:
            items = [{"order_line_id": shipped_line, "quantity": 1, "reason": "too small"}]
            where = {"order_id": order_id, "facility": "WEST"}
            self._trade.insist("return", lambda: self._api.receive_return(f"RMA-{order_id}", items, **where))
        elif phase == "on the way" and what < 0.08:
            self._trade.insist("cancel", lambda: self._api.cancel_orders([{"order_id": order_id}]))
        elif phase == "on the way" and what < 0.16:
            change = {"order_line_id": open_line, "quantity": 1} if open_line else self._addition()
            self._edit(order_id, change)

    def _addition(self) -> dict[str, object]:
        return {"sku": self._chance.choice(PLENTIFUL), "quantity": 1, "unit_price": "9.95"}

    def _edit(self, order_id: int, change: Mapping[str, object]) -> None:
        try:
            self._api.edit_order([change], order_id=order_id)
            self._trade.counts["edit"] += 1
        except ConnectionFailed:
            self._trade.counts["edit: no answer"] += 1
        except CallFailed as error:
            self._trade.refusals[f"edit: {error.code}"] += 1
