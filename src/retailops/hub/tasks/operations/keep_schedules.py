"""Schedules and heartbeats: the small clockwork that every worker turns."""

from __future__ import annotations

from retailops.hub.db import execute, fetch, unit_of_work
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks


@unit_of_work
def run_due_schedules() -> int:
    """Queue a task for each schedule that is due and return their number. Turns that were missed are not made up for."""
    rows = fetch(
        """UPDATE tasks_schedule SET last_due_at = next_due_at, next_due_at = now() + make_interval(secs => every_seconds)
           WHERE id IN (SELECT id FROM tasks_schedule WHERE enabled AND next_due_at <= now()
                        ORDER BY id FOR UPDATE SKIP LOCKED)
           RETURNING queue_id, lane, kind"""
    )
    enqueue_tasks([NewTask(queue_id=row[0], lane=row[1], kind=row[2], key="scheduled") for row in rows])
    return len(rows)


@unit_of_work
def beat(*, worker: str) -> None:
    """Note that a worker is alive; forget those not seen for a day."""
    execute(
        "INSERT INTO tasks_worker (name) VALUES (%s) ON CONFLICT (name) DO UPDATE SET seen_at = now()",
        [worker],
    )
    execute("DELETE FROM tasks_worker WHERE seen_at < now() - interval '1 day'")


@unit_of_work
def prune_history(*, keep_days: int, limit: int = 10_000) -> int:
    """Delete up to `limit` finished tasks, with their attempts, that ended more than `keep_days` ago; return how many."""
    return len(
        fetch(
            """WITH old AS (SELECT id FROM tasks_task WHERE finished_at < now() - make_interval(days => %s)
                            AND state = 'succeeded' ORDER BY finished_at LIMIT %s),
                    gone AS (DELETE FROM tasks_attempt USING old WHERE task_id = old.id)
               DELETE FROM tasks_task USING old WHERE tasks_task.id = old.id RETURNING tasks_task.id""",
            [keep_days, limit],
        )
    )
