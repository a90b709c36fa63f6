"""What others ask about orders."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import fetch


def ordered_skus(order_ids: Collection[int]) -> set[int]:
    """Return the SKUs on orders."""
    rows = fetch(
        "SELECT DISTINCT sku_id FROM orders_orderline WHERE order_id = ANY(%s) AND sku_id IS NOT NULL",
        [sorted(order_ids)],
    )
    return {row[0] for row in rows}


def awaiting_pushes(order_ids: Collection[int]) -> set[int]:
    """Return the orders whose acknowledgement was first taken up while an inventory push, still on its way, was under way.

    Such a push may have been computed without the order; one that was started later has seen it.
    """
    rows = fetch(
        """SELECT o.id FROM orders_order o
           JOIN tasks_task t ON t.order_id = o.id AND t.kind = 'order_acknowledge' AND t.state = 'running'
           JOIN tasks_lane l ON l.name = 'inventory:' || o.channel_id
           WHERE o.id = ANY(%s) AND l.fence IS NOT NULL AND l.claimed_at <= t.first_attempt_at""",
        [sorted(order_ids)],
    )
    return {row[0] for row in rows}
