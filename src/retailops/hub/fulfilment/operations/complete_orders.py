"""Orders end when nothing is left to ship: cancelled if all of it was cancelled, complete otherwise."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import execute
from retailops.hub.fulfilment.operations.tell_channel import tell_order
from retailops.hub.orders.operations.count_lines import recompute_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.payments.operations.request_captures import request_captures


def finish_orders(*, order_ids: Collection[int], actor: str, tell_channel: bool = True) -> list[int]:
    """Recompute orders the caller has locked, end those with nothing left to do, and ask for the money that is due.

    Returns the orders that were completed. `tell_channel=False`: the channel itself asked for the cancellation.
    """
    if not order_ids:
        return []
    facts = recompute_orders(order_ids)
    ended = {
        order_id: order
        for order_id, order in facts.items()
        if not (order.open or order.planned or order.completed or order.cancelled or order.channel_incomplete)
    }
    completed = sorted(order_id for order_id, order in ended.items() if order.shipped or not order.ordered)
    cancelled = sorted(order_id for order_id, order in ended.items() if not order.shipped and order.ordered)
    if completed:
        execute(
            "UPDATE orders_order SET completed_at = now(), routing_due_at = NULL WHERE id = ANY(%s)",
            [completed],
        )
    if cancelled:
        execute(
            "UPDATE orders_order SET cancelled_at = now(), routing_due_at = NULL WHERE id = ANY(%s)",
            [cancelled],
        )
    request_captures(order_ids=order_ids, actor=actor)
    log_events([(order_id, "completed", {}) for order_id in completed], actor=actor)
    log_events([(order_id, "cancelled", {}) for order_id in cancelled], actor=actor)
    if completed:
        tell_order(order_ids=completed, kind="order_complete", key="complete")
    if cancelled and tell_channel:
        tell_order(order_ids=cancelled, kind="order_cancel", key="cancel")
    if ended:
        recompute_orders(ended)
    return completed
