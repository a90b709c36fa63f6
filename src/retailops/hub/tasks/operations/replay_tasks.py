"""What an operator can do with parked work: replay it, or set it aside."""

from __future__ import annotations

from collections.abc import Sequence

from retailops.hub.audit.operations.record import record
from retailops.hub.db import execute, fetch, unit_of_work
from retailops.hub.tasks.operations.absorb_twins import absorb_twins
from retailops.hub.tasks.operations.enqueue_tasks import WAKE_UP


@unit_of_work
def replay_tasks(*, task_ids: Sequence[int], actor: str) -> int:
    """Queue parked tasks again, in their old places, and return how many were. Tasks in another state are left alone.

    A parked task whose twin has been queued since stands for both.
    """
    rows = _take_parked(task_ids)
    ids = [row[0] for row in rows]
    closed = absorb_twins(ids)
    execute(
        """UPDATE tasks_task SET state = 'queued', first_attempt_at = NULL, attempts = 0, ambiguous_attempts = 0,
             due_at = now(), finished_at = NULL
           WHERE id = ANY(%s)""",
        [[task_id for task_id in ids if task_id not in closed]],
    )
    _reopen_lanes(rows)
    record(actor=actor, action="tasks.replay", subject="tasks", data={"ids": [row[0] for row in rows]})
    return len(rows)


@unit_of_work
def set_aside_tasks(*, task_ids: Sequence[int], actor: str, reason: str) -> int:
    """Close parked tasks without telling them, so that what waits behind them goes on; return how many were."""
    rows = _take_parked(task_ids)
    execute(
        "UPDATE tasks_task SET state = 'succeeded', outcome = 'refused', message = %s WHERE id = ANY(%s)",
        [f"set aside by {actor}: {reason}", [row[0] for row in rows]],
    )
    _reopen_lanes(rows)
    record(
        actor=actor,
        action="tasks.set_aside",
        subject="tasks",
        data={"ids": [row[0] for row in rows], "reason": reason},
    )
    return len(rows)


def _take_parked(task_ids: Sequence[int]) -> list[tuple[int, str, int]]:
    """Lock the lanes, then return (id, lane, queue) of those tasks that are parked."""
    execute(
        """INSERT INTO tasks_lane (queue_id, name) SELECT DISTINCT queue_id, lane FROM tasks_task
           WHERE id = ANY(%s) AND state = 'parked' ORDER BY lane ON CONFLICT (name) DO UPDATE SET name = excluded.name""",
        [list(task_ids)],
    )
    rows = fetch(
        "SELECT id, lane, queue_id FROM tasks_task WHERE id = ANY(%s) AND state = 'parked' ORDER BY id FOR UPDATE",
        [list(task_ids)],
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _reopen_lanes(rows: Sequence[tuple[int, str, int]]) -> None:
    """Let lanes run again unless an earlier task is still parked in them."""
    execute(
        """UPDATE tasks_lane SET due_at = CASE WHEN fence IS NULL THEN now() ELSE due_at END,
             blocked = blocked AND EXISTS (SELECT 1 FROM tasks_task WHERE lane = tasks_lane.name AND state = 'parked')
           WHERE name = ANY(%s)""",
        [sorted({row[1] for row in rows})],
    )
    execute("SELECT pg_notify(%s, '')", [WAKE_UP])


@unit_of_work
def pause_queue(*, queue_id: int, reason: str, actor: str) -> None:
    """Stop telling a destination anything; work piles up and nothing is lost."""
    execute("UPDATE tasks_queue SET paused = true, pause_reason = %s WHERE id = %s", [reason[:300], queue_id])
    record(actor=actor, action="queue.pause", subject=f"queue:{queue_id}", data={"reason": reason})


@unit_of_work
def resume_queue(*, queue_id: int, actor: str) -> None:
    """Let a paused queue, or one whose breaker is open, go on at once."""
    execute(
        "UPDATE tasks_queue SET paused = false, pause_reason = '', not_before = NULL, failures_in_row = 0 WHERE id = %s",
        [queue_id],
    )
    execute("SELECT pg_notify(%s, '')", [WAKE_UP])
    record(actor=actor, action="queue.resume", subject=f"queue:{queue_id}", data={})
