"""The operator: looks at what waits, edits, cancels, releases holds, restocks, and takes goods back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from retailops.demo.api import Api
from retailops.demo.catalog import WEST
from retailops.demo.day import Day
from retailops.demo.scenario import RETURNED, Fate
from retailops.demo.watch import HubLine, HubOrder, Watch

#: What the customer who calls wants on top.
ADDED_SKU = "NOTEBOOK"
ADDED_PRICE = "7.25"
#: Holds that the operator clears up with the customer; orders with another hold are cancelled.
CLEARED_UP = frozenset({"address"})
#: Orders whose rest nobody can ship are given up; the rest of others is bought in.
GIVEN_UP = frozenset({Fate.SHORT_SHIPPED, Fate.REJECTED_BY_VENDOR})
ARRIVING = 20
#: Restocked orders are routed long before that.
QUIET_SECONDS = 15.0


class Operator:
    """One person at the hub. `kits` is kit → component → units: kits are restocked as what they are made of."""

    def __init__(
        self, day: Day, api: Api, watch: Watch, *, kits: Mapping[str, Mapping[str, int]], run: int
    ) -> None:
        self._day = day
        self._api = api
        self._watch = watch
        self._kits = kits
        self._run = run
        self._unseen: dict[str, HubOrder] = {}
        self._done: set[str] = set()
        self._deliveries = 0
        self._quiet_since = time.monotonic()

    def step(self) -> bool:
        """Look at what has changed and do what it asks for; returns whether there was anything."""
        changed = self._watch.look()
        self._unseen.update({order.refnum: order for order in changed})
        while self._unseen:
            self._see_to(next(iter(self._unseen.values())))
            # Only now: if the hub could not be reached, the order is seen to at the next step.
            del self._unseen[next(iter(self._unseen))]
        orders = self._watch.orders()
        self._restock(orders)
        if changed:
            self._quiet_since = time.monotonic()
        elif self._day.shopping_over.is_set() and self._is_settled(orders):
            self._day.settled.set()
        return bool(changed)

    def _is_settled(self, orders: Mapping[str, HubOrder]) -> bool:
        """Whether every order has ended, or waits for a stated reason and has done so for a while."""
        if len(orders) < len(self._day.placed):
            return False
        left = [order for order in orders.values() if not order.has_ended]
        quiet = time.monotonic() - self._quiet_since > QUIET_SECONDS
        return not left or (quiet and all(order.holds or order.waits for order in left))

    def _see_to(self, order: HubOrder) -> None:
        fate = self._day.fate(order.refnum)
        if order.status in ("received", "cancelled"):
            return
        if order.holds:
            self._once(f"hold {order.refnum}", lambda: self._clear_up(order))
        elif fate in (Fate.EDITED_MORE, Fate.EDITED_LESS) and order.status != "ready":
            self._once(f"edit {order.refnum}", lambda: self._edit(order, more=fate is Fate.EDITED_MORE))
        elif fate is Fate.CANCELLED_BY_OPERATOR:
            self._once(
                f"cancel {order.refnum}",
                lambda: self._cancel(order, "the customer called", "cancelled by the operator"),
            )
        elif fate in GIVEN_UP and order.waits:
            self._once(f"give up {order.refnum}", lambda: self._cancel(order, "can't be shipped", "given up"))
        elif fate in RETURNED and order.status == "completed":
            self._once(
                f"return {order.refnum}", lambda: self._take_back(order, credit=fate is Fate.STORE_CREDIT)
            )

    def _once(self, name: str, act: Callable[[], None]) -> None:
        if name not in self._done:
            act()
            self._done.add(name)

    def _clear_up(self, order: HubOrder) -> None:
        if set(order.holds) <= CLEARED_UP:
            if self._api.attempt("Customer.Order.ReleaseHold", order_id=order.id, kinds=sorted(order.holds)):
                self._day.tally.add("holds released")
        else:
            self._cancel(order, "; ".join(order.holds.values()), "cancelled on hold")

    def _edit(self, order: HubOrder, *, more: bool) -> None:
        change: dict[str, object] = {"sku": ADDED_SKU, "quantity": 1, "unit_price": ADDED_PRICE}
        if not more:
            line = max(order.lines, key=lambda line: line.ordered)
            change = {"order_line_id": line.id, "quantity": line.ordered - line.cancelled - 1}
        if self._api.attempt("Customer.Order.Edit", order_id=order.id, lines=[change]):
            self._day.tally.add("edited")
        self._day.seen_to(order.refnum)

    def _cancel(self, order: HubOrder, reason: str, count_as: str) -> None:
        if self._api.attempt("Customer.Order.Cancel", order_id=order.id, reason=reason):
            self._day.tally.add(count_as)
        self._day.seen_to(order.refnum)

    def _take_back(self, order: HubOrder, *, credit: bool) -> None:
        line = next(line for line in order.lines if line.shipped)
        done = self._api.attempt(
            "Customer.Return.Receive",
            rma=f"RMA-{order.refnum}",
            order_id=order.id,
            facility=WEST,
            refund_action="storecredit" if credit else "refund",
            items=[{"order_line_id": line.id, "quantity": 1, "reason": "not as expected"}],
        )
        if done:
            self._day.tally.add("returned")

    def _restock(self, orders: Mapping[str, HubOrder]) -> None:
        """Buy in what orders wait for: once for each line, in one delivery."""
        wanted: Counter[str] = Counter()
        for order in orders.values():
            if self._day.fate(order.refnum) in GIVEN_UP or order.holds:
                continue
            for line in filter(_is_short, order.lines):
                name = f"restock {order.refnum} {line.id} {line.open}"
                if name not in self._done:
                    self._done.add(name)
                    for sku, units in self._kits.get(line.sku, {line.sku: 1}).items():
                        wanted[sku] += units * line.open
        if not wanted:
            return
        self._deliveries += 1
        records = [
            {
                "facility": WEST,
                "sku": sku,
                "quantity": units + ARRIVING,
                "reference": f"{self._run}-{self._deliveries}",
            }
            for sku, units in wanted.items()
        ]
        done = self._api.batch("Inventory.Stock.Receive", records)
        self._day.tally.add("SKUs restocked", sum(done))


def _is_short(line: HubLine) -> bool:
    return bool(line.open and line.reason)
