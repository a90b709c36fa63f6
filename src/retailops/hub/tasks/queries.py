"""How work stands: by queue, and task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retailops.hub.db import fetch


@dataclass(frozen=True, slots=True)
class QueueState:
    """One destination. `oldest_seconds` is how long its oldest waiting task has waited."""

    id: int
    name: str
    paused: bool
    pause_reason: str
    not_before: datetime | None
    waiting: int
    running: int
    parked: int
    blocked_lanes: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as lists show it."""

    id: int
    queue: str
    lane: str
    kind: str
    key: str
    state: str
    outcome: str
    attempts: int
    message: str
    created_at: datetime
    due_at: datetime
    order_id: int | None


def queue_states() -> list[QueueState]:
    """Return every queue with its counts; finished tasks are not looked at."""
    rows = fetch(
        """SELECT q.id, q.name, q.paused, q.pause_reason, CASE WHEN q.not_before > now() THEN q.not_before END,
               coalesce(t.waiting, 0), coalesce(t.running, 0), coalesce(t.parked, 0),
               (SELECT count(*) FROM tasks_lane l WHERE l.queue_id = q.id AND l.blocked),
               coalesce(extract(epoch FROM now() - t.oldest), 0)::float
           FROM tasks_queue q LEFT JOIN (
             SELECT queue_id, count(*) FILTER (WHERE state = 'queued') AS waiting,
                 count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'parked') AS parked,
                 min(created_at) FILTER (WHERE state = 'queued') AS oldest
             FROM tasks_task WHERE state IN ('queued', 'running') OR state = 'parked' GROUP BY queue_id) t
             ON t.queue_id = q.id ORDER BY q.name"""
    )
    return [QueueState(*row) for row in rows]


def list_tasks(
    *, states: Sequence[str], queue: str = "", kind: str = "", limit: int = 50, before: int = 0
) -> list[TaskRow]:
    """Return tasks in these states, the newest first; `before` is the id of the last one already seen."""
    rows = fetch(
        """SELECT t.id, q.name, t.lane, t.kind, t.key, t.state, t.outcome, t.attempts, t.message, t.created_at, t.due_at,
               t.order_id
           FROM tasks_task t JOIN tasks_queue q ON q.id = t.queue_id
           WHERE t.state = ANY(%(states)s) AND (%(queue)s = '' OR q.name = %(queue)s)
             AND (%(kind)s = '' OR t.kind = %(kind)s) AND (%(before)s = 0 OR t.id < %(before)s)
           ORDER BY t.id DESC LIMIT %(limit)s""",
        {"states": list(states), "queue": queue, "kind": kind, "before": before, "limit": limit},
    )
    return [TaskRow(*row) for row in rows]


def parked_ids(*, queue: str = "", kind: str = "") -> list[int]:
    """Return the ids of parked tasks, oldest first."""
    rows = fetch(
        """SELECT t.id FROM tasks_task t JOIN tasks_queue q ON q.id = t.queue_id WHERE t.state = 'parked'
             AND (%(queue)s = '' OR q.name = %(queue)s) AND (%(kind)s = '' OR t.kind = %(kind)s) ORDER BY t.id""",
        {"queue": queue, "kind": kind},
    )
    return [row[0] for row in rows]
