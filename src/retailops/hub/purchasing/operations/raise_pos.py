"""Order from vendors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.db import copy_rows, next_ids
from retailops.hub.purchasing.models import PoItem, PurchaseOrder


@dataclass(frozen=True, slots=True)
class DropshipItem:
    """Units of a shipment item to be ordered from the vendor; `unit_cost` in the PO's currency."""

    shipment_item_id: int
    vendor_sku_id: int
    quantity: int
    unit_cost: Decimal


@dataclass(frozen=True, slots=True)
class DropshipOrder:
    """What one vendor is to ship of one order."""

    order_id: int
    vendor_id: int
    currency: str
    items: Sequence[DropshipItem]


def raise_dropship_pos(*, orders: Sequence[DropshipOrder]) -> list[int]:
    """Raise one ready PO for each; return their ids. The caller holds the locks of orders and vendor SKUs."""
    if not orders:
        return []
    ids = next_ids(PurchaseOrder, len(orders))
    copy_rows(
        PurchaseOrder,
        ("id", "number", "vendor_id", "kind", "order_id", "currency"),
        (
            (po_id, f"D{po_id}", order.vendor_id, "dropship", order.order_id, order.currency)
            for po_id, order in zip(ids, orders, strict=True)
        ),
    )
    copy_rows(
        PoItem,
        ("po_id", "vendor_sku_id", "shipment_item_id", "quantity", "unit_cost"),
        (
            (po_id, item.vendor_sku_id, item.shipment_item_id, item.quantity, item.unit_cost)
            for po_id, order in zip(ids, orders, strict=True)
            for item in order.items
        ),
    )
    return ids
