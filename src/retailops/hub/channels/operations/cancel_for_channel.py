"""The channel itself cancels orders: cancel what still can be, and ask a person about the rest."""

from __future__ import annotations

from collections.abc import Sequence

from retailops.hub.db import fetch
from retailops.hub.fulfilment.operations.cancel_orders import cancel_orders
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.purchasing.operations.count_po_items import PoFrozenError

REASON = "the channel cancelled it"


def cancel_for_channel(*, order_ids: Sequence[int], actor: str) -> None:
    """Cancel the unshipped units of orders without telling the channel, which knows. Orders with none are left alone."""
    rows = fetch(
        "SELECT DISTINCT order_id FROM orders_orderline WHERE order_id = ANY(%s) AND open + planned > 0 ORDER BY order_id",
        [sorted(order_ids)],
    )
    unshipped = [row[0] for row in rows]
    if not unshipped:
        return
    try:
        cancel_orders(order_ids=unshipped, actor=actor, reason=REASON, tell_channel=False)
    except PoFrozenError:
        for order_id in unshipped:
            _cancel_or_hold(order_id, actor)


def _cancel_or_hold(order_id: int, actor: str) -> None:
    try:
        cancel_orders(order_ids=[order_id], actor=actor, reason=REASON, tell_channel=False)
    except PoFrozenError as error:
        reason = f"the channel cancelled it, but it can't be cancelled any more: {error}"
        place_holds(holds={order_id: ("changed_at_channel", reason)}, actor=actor)
