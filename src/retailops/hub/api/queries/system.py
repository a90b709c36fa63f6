"""How the hub is doing, in a few statements whose cost is bounded."""

from __future__ import annotations

from dataclasses import dataclass

from retailops.hub.db import fetch
from retailops.hub.orders.models import Order

#: Counting stops here: a status page must not read ten million orders.
COUNTED_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """`oldest_seconds`: since when the first task that is due has been waiting."""

    queue: str
    queued: int
    running: int
    parked: int
    oldest_seconds: float


def orders_by_status() -> dict[str, int]:
    """Return status → orders, counted up to `COUNTED_AT_MOST` each."""
    rows = fetch(
        """SELECT w.status, (SELECT count(*) FROM (SELECT 1 FROM orders_order o WHERE o.status = w.status LIMIT %s) AS counted)
           FROM unnest(%s::text[]) AS w (status)""",
        [COUNTED_AT_MOST, list(Order.Status.values)],
    )
    return dict(rows)


def queue_depths() -> list[QueueDepth]:
    """Return each queue's unfinished tasks."""
    rows = fetch(
        """SELECT q.name, count(*) FILTER (WHERE t.state = 'queued'), count(*) FILTER (WHERE t.state = 'running'),
               count(*) FILTER (WHERE t.state = 'parked'),
               coalesce(extract(epoch FROM now()
                 - min(t.due_at) FILTER (WHERE t.state = 'queued' AND t.due_at <= now())), 0)::float
           FROM tasks_queue q LEFT JOIN (
             SELECT queue_id, state, due_at FROM tasks_task WHERE state IN ('queued', 'running')
             UNION ALL SELECT queue_id, state, due_at FROM tasks_task WHERE state = 'parked') t ON t.queue_id = q.id
           GROUP BY q.id, q.name ORDER BY q.name"""
    )
    return [QueueDepth(*row) for row in rows]
