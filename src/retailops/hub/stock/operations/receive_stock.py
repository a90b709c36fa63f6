"""Goods arrive at a facility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.db import unit_of_work
from retailops.hub.orders.operations.count_lines import lock_orders
from retailops.hub.orders.operations.wake_routing import backordered, wake_backorders
from retailops.hub.stock.operations.post_moves import Move, post_moves


@dataclass(frozen=True, slots=True)
class Receipt:
    """Units of a SKU put on the shelf. `key` names the delivery, so that telling of it twice counts it once."""

    facility_id: int
    sku_id: int
    quantity: int
    key: str
    po_item_id: int | None = None


@unit_of_work
def receive_stock(*, receipts: Sequence[Receipt], actor: str, reason: str = "") -> list[str]:
    """Add received units and return the keys that were new. Backordered lines are routed, channels told."""
    wrong = [receipt for receipt in receipts if receipt.quantity <= 0]
    if wrong:
        message = f"receipt {wrong[0].key}: quantity must be at least 1, not {wrong[0].quantity}"
        raise ValueError(message)
    lock_orders(backordered(sku_ids={receipt.sku_id for receipt in receipts}))
    new = post_moves(
        [
            Move(
                "receive",
                receipt.facility_id,
                receipt.sku_id,
                f"receive:{receipt.key}",
                d_on_hand=receipt.quantity,
                reason=reason,
                po_item_id=receipt.po_item_id,
            )
            for receipt in receipts
        ],
        actor=actor,
    )
    touched = {receipt.sku_id for receipt in receipts if f"receive:{receipt.key}" in set(new)}
    wake_backorders(sku_ids=touched)
    publish_inventory(sku_ids=touched)
    return new
