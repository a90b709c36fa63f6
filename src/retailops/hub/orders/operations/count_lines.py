"""The one writer of the line counters and of the order status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from retailops.hub.db import columns_of, execute, fetch
from retailops.hub.orders.rules import OrderFacts, derive_status


@dataclass(frozen=True, slots=True)
class LineChange:
    """By how much each counter of a line changes. Units move: what is planned comes out of what is open."""

    line_id: int
    ordered: int = 0
    planned: int = 0
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0


def lock_orders(order_ids: Collection[int]) -> list[int]:
    """Lock orders for the rest of the transaction, in the order that all operations use; return those that exist."""
    rows = fetch(
        "SELECT id FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        [sorted(set(order_ids))],
    )
    return [row[0] for row in rows]


def count_lines(changes: Sequence[LineChange]) -> None:
    """Add changes to the counters of lines whose orders the caller has locked.

    The table's CHECKs refuse counters below zero or above what was ordered (`IntegrityError`); operations check before.
    """
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for change in changes:
        values = (change.ordered, change.planned, change.shipped, change.cancelled, change.returned)
        sums[change.line_id] = [a + b for a, b in zip(sums[change.line_id], values, strict=True)]
    rows = [(line_id, *values) for line_id, values in sorted(sums.items()) if any(values)]
    if not rows:
        return
    execute(
        """UPDATE orders_orderline l SET ordered = l.ordered + c.ordered, planned = l.planned + c.planned,
               shipped = l.shipped + c.shipped, cancelled = l.cancelled + c.cancelled, returned = l.returned + c.returned
           FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
                AS c (id, ordered, planned, shipped, cancelled, returned)
           WHERE l.id = c.id""",
        columns_of(rows, 6),
    )


def recompute_orders(order_ids: Collection[int]) -> dict[int, OrderFacts]:
    """Derive and store the status of orders the caller has locked and changed; return the facts it was derived from."""
    rows = fetch(
        """SELECT o.id, coalesce(sum(l.ordered), 0)::int, coalesce(sum(l.open), 0)::int,
               coalesce(sum(l.planned), 0)::int, coalesce(sum(l.shipped), 0)::int, o.cancelled_at IS NOT NULL,
               o.completed_at IS NOT NULL,
               EXISTS (SELECT 1 FROM orders_orderhold h WHERE h.order_id = o.id AND h.released_at IS NULL),
               o.routed_at IS NOT NULL, o.acknowledged_at IS NOT NULL, o.channel_incomplete
           FROM orders_order o LEFT JOIN orders_orderline l ON l.order_id = o.id AND l.item_type = 'ship'
           WHERE o.id = ANY(%s) GROUP BY o.id""",
        [sorted(set(order_ids))],
    )
    facts = {row[0]: OrderFacts(*row[1:]) for row in rows}
    statuses = [(row[0], derive_status(facts[row[0]])) for row in rows]
    execute(
        """UPDATE orders_order o SET status = s.status, updated_at = now()
           FROM unnest(%s::bigint[], %s::text[]) AS s (id, status) WHERE o.id = s.id""",
        columns_of(statuses, 2),
    )
    return facts
