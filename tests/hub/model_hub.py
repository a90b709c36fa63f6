"""A model of the hub for random tests.

It knows what was ordered, shipped, cancelled and returned of every line, what is on hand at every facility, and what
vendors physically have. It does not know how routing decides; it knows what no decision may break.
"""

from __future__ import annotations

from collections import defaultdict
from typing import ClassVar

from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.db import Row, fetch
from retailops.hub.fulfilment.operations.ship_packages import NewPackage
from tests.hub.factories import make_channel, make_facility, make_sku, make_vendor, stock_up

CHECK_EVERY = 8
#: How much of each product the vendor has in its own warehouse; it takes no orders but ours.
AT_VENDOR = {"V-A": 40, "V-B": 25}
KIT = {"A": 2, "B": 1}


class HubModel(RuleBasedStateMachine):
    """The hub, and what we know of it by ourselves: of lines, of shelves, of the vendor."""

    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.scope = transaction.atomic()
        self.scope.__enter__()
        self.number = self.step = 0
        self.orders: dict[str, int] = {}
        self.wanted: dict[int, dict[str, int]] = {}  # line → ordered, shipped, cancelled, returned
        self.on_hand: dict[tuple[int, int], int] = defaultdict(int)
        self.packages: list[tuple[NewPackage, int]] = []

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            transaction.set_rollback(True)
            self.scope.__exit__(None, None, None)

    @initialize()
    def set_up(self) -> None:
        self.channel = make_channel()
        self.skus = {"A": make_sku("A"), "B": make_sku("B")}
        self.skus["KIT"] = make_sku("KIT", kit_of={self.skus[code]: count for code, count in KIT.items()})
        self.facilities = [make_facility("EAST"), make_facility("WEST", priority=200)]
        self.vendor = make_vendor(
            "acme", {vpc: (self.skus[vpc[2:]], quantity) for vpc, quantity in AT_VENDOR.items()},
            change_after_submit=True, feed_latency_seconds=60,
        )  # fmt: skip
        for facility in self.facilities:
            stock_up(facility, {self.skus["A"]: 10, self.skus["B"]: 10})
            for code in KIT:
                self.on_hand[facility.pk, self.skus[code].pk] = 10

    # --- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def count_steps(self) -> None:
        HubModel.steps += 1
        self.step += 1
        if self.step % CHECK_EVERY == 0:
            self.check()

    def check(self) -> None:
        if not hasattr(self, "vendor"):
            return
        assert self.counts() == {
            line_id: (line["ordered"], line["shipped"], line["cancelled"], line["returned"])
            for line_id, line in self.wanted.items()
        }
        levels = {
            (row[0], row[1]): row[2]
            for row in fetch("SELECT facility_id, sku_id, on_hand FROM stock_stocklevel")
        }
        assert levels == {
            level: on_hand for level, on_hand in self.on_hand.items() if level in levels or on_hand
        }
        promised = fetch(
            """SELECT vs.vpc, sum(i.quantity - i.cancelled)::int FROM purchasing_poitem i
               JOIN purchasing_vendorsku vs ON vs.id = i.vendor_sku_id GROUP BY 1"""
        )
        assert [(vpc, sold) for vpc, sold in promised if sold > AT_VENDOR[vpc]] == []
        assert check_invariants() == []

    # --- helpers ---------------------------------------------------------------------------------------------------

    def next(self) -> int:
        self.number += 1
        return self.number

    def order(self, which: int) -> int:
        return list(self.orders.values())[which % len(self.orders)]

    def learn_lines(self, order_id: int) -> None:
        for line_id, ordered in fetch(
            "SELECT id, ordered FROM orders_orderline WHERE order_id = %s ORDER BY id", [order_id]
        ):
            fresh = {"order": order_id, "ordered": ordered, "shipped": 0, "cancelled": 0, "returned": 0}
            self.wanted.setdefault(line_id, fresh)

    def code_of(self, line_id: int) -> str:
        return str(fetch("SELECT sku_code FROM orders_orderline WHERE id = %s", [line_id])[0][0])

    def counts(self) -> dict[int, tuple[int, int, int, int]]:
        return {
            row[0]: row[1:]
            for row in fetch("SELECT id, ordered, shipped, cancelled, returned FROM orders_orderline")
        }

    def planned_item(self, which: int) -> Row | None:
        """Return (item, shipment, line, units left, facility, SKU code) of one that has units left to ship."""
        rows = fetch(
            """SELECT i.id, i.shipment_id, i.order_line_id, i.quantity - i.shipped - i.cancelled, s.facility_id, l.sku_code
               FROM fulfilment_shipmentitem i JOIN fulfilment_shipment s ON s.id = i.shipment_id
               JOIN orders_orderline l ON l.id = i.order_line_id
               WHERE i.quantity > i.shipped + i.cancelled ORDER BY i.id"""
        )
        return rows[which % len(rows)] if rows else None

    def done(self, refusal, operation) -> bool:
        """Run an operation that may be refused; a refused one changes nothing."""
        before = self.counts()
        try:
            operation()
        except refusal:
            assert self.counts() == before
            return False
        return True

    def refused(self, refusal, operation) -> None:
        assert not self.done(refusal, operation), "it should have been refused"
