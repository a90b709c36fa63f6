"""A channel has accepted that its orders are in the hub."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import fetch, unit_of_work
from retailops.hub.orders.operations.count_lines import lock_orders, recompute_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.wake_routing import wake_routing


@unit_of_work
def acknowledge_orders(*, order_ids: Collection[int], actor: str) -> list[int]:
    """Mark orders as acknowledged and wake routing for them; return those that were not before."""
    rows = fetch(
        "UPDATE orders_order SET acknowledged_at = now() WHERE id = ANY(%s) AND acknowledged_at IS NULL RETURNING id",
        [lock_orders(order_ids)],
    )
    acknowledged = sorted(row[0] for row in rows)
    if acknowledged:
        log_events([(order_id, "acknowledged", {}) for order_id in acknowledged], actor=actor)
        recompute_orders(acknowledged)
        wake_routing(order_ids=acknowledged)
    return acknowledged
