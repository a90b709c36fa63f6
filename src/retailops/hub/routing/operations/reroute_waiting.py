"""Look again at orders that wait for a source."""

from __future__ import annotations

from retailops.hub.db import fetch, unit_of_work
from retailops.hub.orders.operations.wake_routing import wake_routing


@unit_of_work
def reroute_waiting() -> int:
    """Route orders whose lines routing left open, since the rules are new; return how many were left open."""
    rows = fetch(
        "SELECT DISTINCT order_id FROM orders_orderline WHERE open > 0 AND item_type = 'ship' AND routing_reason <> ''"
    )
    wake_routing(order_ids=[row[0] for row in rows])
    return len(rows)
