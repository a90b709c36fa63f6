"""Turn routing's decisions into shipments: allocate stock, raise POs, count the units as planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.db import copy_rows, next_ids
from retailops.hub.fulfilment.models import Allocation, Shipment, ShipmentItem
from retailops.hub.orders.operations.count_lines import LineChange, count_lines
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.purchasing.operations.raise_pos import DropshipItem, DropshipOrder, raise_dropship_pos
from retailops.hub.stock.operations.post_moves import Move, post_moves


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """Units of a line that one facility (`parts`: component SKU and units in one) or one vendor will ship."""

    order_id: int
    line_id: int
    quantity: int
    facility_id: int | None = None
    parts: Sequence[tuple[int, int]] = ()
    vendor_id: int | None = None
    vendor_sku_id: int | None = None
    unit_cost: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class _Item:
    id: int
    shipment_id: int
    planned: PlannedItem


def plan_shipments(*, items: Sequence[PlannedItem], actor: str) -> list[int]:
    """Create one shipment for each order and source; return their ids. The caller holds the orders' locks.

    Raises `NotEnoughStockError` if a facility doesn't have the units free.
    """
    if not items:
        return []
    sources = list(dict.fromkeys((item.order_id, item.facility_id, item.vendor_id) for item in items))
    shipment_ids = dict(zip(sources, next_ids(Shipment, len(sources)), strict=True))
    rows = [
        _Item(item_id, shipment_ids[item.order_id, item.facility_id, item.vendor_id], item)
        for item_id, item in zip(next_ids(ShipmentItem, len(items)), items, strict=True)
    ]
    copy_rows(
        Shipment,
        ("id", "order_id", "facility_id", "vendor_id"),
        ((shipment_id, *source) for source, shipment_id in shipment_ids.items()),
    )
    copy_rows(
        ShipmentItem,
        ("id", "shipment_id", "order_line_id", "quantity"),
        ((row.id, row.shipment_id, row.planned.line_id, row.planned.quantity) for row in rows),
    )
    _allocate([row for row in rows if row.planned.facility_id], actor)
    _order_from_vendors([row for row in rows if row.planned.vendor_id])
    count_lines([LineChange(item.line_id, planned=item.quantity) for item in items])
    log_events(
        [
            (
                order_id,
                "shipment_planned",
                {"shipment": shipment_id, "facility": facility_id, "vendor": vendor_id},
            )
            for (order_id, facility_id, vendor_id), shipment_id in shipment_ids.items()
        ],
        actor=actor,
    )
    return list(shipment_ids.values())


def _allocate(rows: Sequence[_Item], actor: str) -> None:
    allocations = [
        (row, sku_id, per_unit, row.planned.quantity * per_unit)
        for row in rows
        for sku_id, per_unit in row.planned.parts
    ]
    copy_rows(
        Allocation,
        ("shipment_item_id", "facility_id", "sku_id", "per_unit", "quantity"),
        (
            (row.id, row.planned.facility_id, sku_id, per_unit, units)
            for row, sku_id, per_unit, units in allocations
        ),
    )
    post_moves(
        [
            Move(
                "allocate", row.planned.facility_id or 0, sku_id, f"allocate:{row.id}:{sku_id}", d_allocated=units,
                shipment_item_id=row.id,
            )
            for row, sku_id, _, units in allocations
        ],
        actor=actor,
    )  # fmt: skip


def _order_from_vendors(rows: Sequence[_Item]) -> None:
    by_shipment: dict[int, list[_Item]] = defaultdict(list)
    for row in rows:
        by_shipment[row.shipment_id].append(row)
    raise_dropship_pos(
        orders=[
            DropshipOrder(
                order_id=of_shipment[0].planned.order_id,
                vendor_id=of_shipment[0].planned.vendor_id or 0,
                currency=of_shipment[0].planned.currency,
                items=[
                    DropshipItem(
                        row.id, row.planned.vendor_sku_id or 0, row.planned.quantity, row.planned.unit_cost
                    )
                    for row in of_shipment
                ],
            )
            for of_shipment in by_shipment.values()
        ]
    )
