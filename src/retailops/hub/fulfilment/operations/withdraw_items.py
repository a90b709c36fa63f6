"""Take planned units back from shipments: allocations are released, PO items cancelled, the lines are open again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from retailops.hub.db import Row, columns_of, execute, fetch
from retailops.hub.orders.operations.count_lines import LineChange, count_lines
from retailops.hub.orders.operations.wake_routing import wake_backorders_soon
from retailops.hub.purchasing.operations.count_po_items import cancel_po_items
from retailops.hub.stock.operations.post_moves import Move, post_moves


@dataclass(frozen=True, slots=True)
class PlannedUnits:
    """Units of a line that a shipment item still has to ship; `vendor_id` is empty for facilities."""

    item_id: int
    shipment_id: int
    line_id: int
    order_id: int
    units: int
    facility_id: int | None
    vendor_id: int | None


class NotPlannedError(Exception):
    """More units were to be taken back than a shipment item still has to ship."""


def planned_units(*, line_ids: Collection[int] = (), item_ids: Collection[int] = ()) -> list[PlannedUnits]:
    """Lock and return shipment items with units still to ship, the newest first: those are given up first."""
    rows = fetch(
        """SELECT i.id, i.shipment_id, i.order_line_id, s.order_id, i.quantity - i.shipped - i.cancelled, s.facility_id,
               s.vendor_id
           FROM fulfilment_shipmentitem i JOIN fulfilment_shipment s ON s.id = i.shipment_id
           WHERE (i.order_line_id = ANY(%s) OR i.id = ANY(%s)) AND i.quantity > i.shipped + i.cancelled
           ORDER BY i.id DESC FOR NO KEY UPDATE OF i, s""",
        [sorted(set(line_ids)), sorted(set(item_ids))],
    )
    return [PlannedUnits(*row) for row in rows]


def withdraw_items(
    *, quantities: Mapping[int, int], actor: str, reason: str, by_vendor: bool = False
) -> set[int]:
    """Take units (shipment item → units) back and return the SKUs that are free again at facilities.

    Orders that wait for such units are routed soon. The caller holds the orders' locks and recomputes their status.

    Raises `NotPlannedError`, and `PoFrozenError` where the vendor already works on the PO (unless the vendor itself
    gives the units up).
    """
    if not quantities:
        return set()
    items = {item.item_id: item for item in planned_units(item_ids=quantities)}
    for item_id, units in quantities.items():
        planned = items[item_id].units if item_id in items else 0
        if units < 1:
            message = f"shipment item {item_id}: take back at least 1 unit, not {units}"
            raise NotPlannedError(message)
        if units > planned:
            message = f"shipment item {item_id} has {planned} units left to ship; {units} can't be taken back"
            raise NotPlannedError(message)
    execute(
        """UPDATE fulfilment_shipmentitem i SET cancelled = i.cancelled + q.units
           FROM unnest(%s::bigint[], %s::int[]) AS q (id, units) WHERE i.id = q.id""",
        columns_of(sorted(quantities.items()), 2),
    )
    touched = _release(quantities, actor, reason)
    vendors = {item_id: units for item_id, units in quantities.items() if items[item_id].vendor_id}
    cancel_po_items(quantities=vendors, by_vendor=by_vendor)
    count_lines([LineChange(items[item_id].line_id, planned=-units) for item_id, units in quantities.items()])
    finish_shipments({item.shipment_id for item in items.values()})
    freed_by_vendors = () if by_vendor else {items[item_id].line_id for item_id in vendors}
    order_ids = {item.order_id for item in items.values()}
    wake_backorders_soon(sku_ids=touched | _skus_of(freed_by_vendors), besides=order_ids)
    return touched


def _skus_of(line_ids: Collection[int]) -> set[int]:
    if not line_ids:
        return set()
    rows = fetch("SELECT DISTINCT sku_id FROM orders_orderline WHERE id = ANY(%s)", [sorted(line_ids)])
    return {row[0] for row in rows}


def _release(quantities: Mapping[int, int], actor: str, reason: str) -> set[int]:
    rows = take_allocations(quantities)
    post_moves(
        [
            Move(
                "release", facility_id, sku_id, f"release:{allocation_id}:{left}", d_allocated=-units, reason=reason,
                shipment_item_id=item_id,
            )
            for allocation_id, item_id, facility_id, sku_id, units, left in rows
        ],
        actor=actor,
    )  # fmt: skip
    return {row[3] for row in rows}


def take_allocations(quantities: Mapping[int, int]) -> list[Row]:
    """Lower the allocations of shipment items (item → units of the item).

    Returns (allocation, item, facility, SKU, units of the SKU, units left), sorted as levels are locked.
    """
    rows = fetch(
        """UPDATE fulfilment_allocation a SET quantity = a.quantity - q.units * a.per_unit
           FROM unnest(%s::bigint[], %s::int[]) AS q (item_id, units) WHERE a.shipment_item_id = q.item_id
           RETURNING a.id, a.shipment_item_id, a.facility_id, a.sku_id, q.units * a.per_unit, a.quantity""",
        columns_of(sorted(quantities.items()), 2),
    )
    return sorted(rows, key=lambda row: (row[3], row[2], row[0]))


def finish_shipments(shipment_ids: Collection[int]) -> None:
    """Store the state that a shipment's items add up to."""
    execute(
        """UPDATE fulfilment_shipment s SET state = new.state,
               finished_at = CASE WHEN new.state IN ('shipped', 'cancelled') THEN now() END
           FROM (SELECT shipment_id, CASE
                   WHEN sum(quantity - shipped - cancelled) > 0 AND sum(shipped) > 0 THEN 'partially_shipped'
                   WHEN sum(quantity - shipped - cancelled) > 0 THEN 'released'
                   WHEN sum(shipped) > 0 THEN 'shipped' ELSE 'cancelled' END AS state
                 FROM fulfilment_shipmentitem WHERE shipment_id = ANY(%s) GROUP BY shipment_id) new
           WHERE s.id = new.shipment_id AND s.state <> new.state""",
        [sorted(set(shipment_ids))],
    )
