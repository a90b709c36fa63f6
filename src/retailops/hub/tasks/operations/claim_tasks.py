"""Take up work: claim due lanes, each with the tasks at its head, under a lease and a fence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, takewhile

from retailops.hub.db import columns_of, execute, fetch, unit_of_work

#: How many tasks at the head of a lane are looked at; a handler's `batch` may take fewer.
HEAD_OF_LANE = 500


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A task that this worker runs now. `attempts` counts this attempt; `age_seconds` is since the first one."""

    id: int
    queue_id: int
    lane: str
    fence: int
    kind: str
    key: str
    subject_id: int | None
    order_id: int | None
    payload: Mapping[str, object]
    attempts: int
    ambiguous_attempts: int
    age_seconds: float

    @property
    def message_id(self) -> str:
        """What the receiver knows the message by: another name once newer contents have been put into it."""
        twin = self.payload.get("twin")
        return f"task_{self.id}_{twin}" if twin else f"task_{self.id}"


@unit_of_work
def claim_tasks(
    *, worker: str, lease_seconds: float, limit: int, in_flight: Mapping[int, int], batches: Mapping[str, int]
) -> list[ClaimedTask]:
    """Claim up to `limit` due lanes and mark the tasks at their heads as running.

    `in_flight` tells how many lanes of each queue this worker already holds; `batches` how many tasks of a kind are
    taken from one lane at once. A paused queue gives nothing, one whose breaker has just closed gives one lane.
    Unfinished attempts of a dead worker stay on record as "unknown".
    """
    lanes = _claim_lanes(worker, lease_seconds, limit, in_flight)
    if not lanes:
        return []
    heads = _heads_of_lanes([name for name, _, _ in lanes], batches)
    claimed = {name: (queue_id, fence) for name, queue_id, fence in lanes}
    tasks = _start(heads, claimed, worker)
    _close_empty({name: fence for name, _, fence in lanes if name not in {task.lane for task in tasks}})
    return tasks


def _claim_lanes(
    worker: str, lease_seconds: float, limit: int, in_flight: Mapping[int, int]
) -> list[tuple[str, int, int]]:
    """Return (lane, queue, fence) of lanes now held.

    Room is shared among the queues that have work, those that hold least first: destinations that hang can't take all.
    """
    rows = fetch(
        """WITH open_queue AS (
             SELECT q.id, coalesce(f.held, 0) AS held, ceil(%(limit)s::float / count(*) OVER ())::int AS share, least(
                 CASE WHEN q.failures_in_row > 0 AND q.not_before IS NOT NULL THEN 1 ELSE q.max_in_flight END
                   - coalesce(f.held, 0),
                 CASE WHEN q.rate_per_second IS NULL THEN %(limit)s ELSE floor(least(
                   greatest(q.rate_per_second, 1),
                   q.tokens + q.rate_per_second * extract(epoch FROM now() - q.tokens_at)))::int END) AS room
             FROM tasks_queue q LEFT JOIN unnest(%(queues)s::bigint[], %(held)s::int[]) f (id, held) ON f.id = q.id
             WHERE NOT q.paused AND (q.not_before IS NULL OR q.not_before <= now())
               AND EXISTS (SELECT 1 FROM tasks_lane l WHERE l.queue_id = q.id AND NOT l.blocked AND l.due_at <= now())
             ORDER BY held, q.id
           ), due AS (
             SELECT l.id FROM open_queue q CROSS JOIN LATERAL (
               SELECT id FROM tasks_lane WHERE queue_id = q.id AND NOT blocked AND due_at <= now()
               ORDER BY due_at LIMIT greatest(least(q.room, q.share), 0) FOR UPDATE SKIP LOCKED) l
             LIMIT %(limit)s
           )
           UPDATE tasks_lane SET due_at = now() + make_interval(secs => %(lease)s), fence = nextval('tasks_fence'),
             claimed_at = now(), worker = %(worker)s
           FROM due WHERE tasks_lane.id = due.id
           RETURNING tasks_lane.name, tasks_lane.queue_id, tasks_lane.fence""",
        {
            "limit": limit,
            "queues": list(in_flight.keys()),
            "held": list(in_flight.values()),
            "lease": lease_seconds,
            "worker": worker,
        },
    )
    if rows:
        _spend_tokens(sorted(row[1] for row in rows))
    return [(row[0], row[1], row[2]) for row in rows]


def _spend_tokens(queue_ids: Sequence[int]) -> None:
    """Take the claimed calls out of the buckets of queues that have a rate limit."""
    execute(
        """UPDATE tasks_queue SET tokens_at = now(), tokens = least(greatest(rate_per_second, 1),
               tokens + rate_per_second * extract(epoch FROM now() - tokens_at)) - spent.calls
           FROM (SELECT id, count(*) AS calls FROM unnest(%s::bigint[]) AS u (id) GROUP BY id) spent
           WHERE tasks_queue.id = spent.id AND rate_per_second IS NOT NULL""",
        [list(queue_ids)],
    )


def _heads_of_lanes(lanes: list[str], batches: Mapping[str, int]) -> list[tuple[int, str, str]]:
    """Return (task id, lane, kind) of the leading tasks of one kind in each lane, as many as the kind's batch.

    BETWEEN, not "=": with one lane for certain, the planner takes ORDER BY to be by id alone and may walk the whole
    table by its primary key.
    """
    rows = fetch(
        """SELECT t.id, t.lane, t.kind FROM unnest(%s::text[]) AS l (name) CROSS JOIN LATERAL (
             SELECT id, lane, kind FROM tasks_task WHERE lane BETWEEN l.name AND l.name AND state IN ('queued', 'running')
             ORDER BY lane, id LIMIT %s) t""",
        [lanes, HEAD_OF_LANE],
    )
    heads: list[tuple[int, str, str]] = []
    for _, lane_rows in groupby(rows, key=lambda row: row[1]):
        tasks = list(lane_rows)
        kind = tasks[0][2]
        same_kind = takewhile(lambda task, kind=kind: task[2] == kind, tasks)  # type: ignore[misc]
        heads.extend(islice(same_kind, batches.get(kind, 1)))
    return heads


def _start(
    heads: list[tuple[int, str, str]], claimed: Mapping[str, tuple[int, int]], worker: str
) -> list[ClaimedTask]:
    """Mark tasks as running and write their attempts down."""
    if not heads:
        return []
    rows = fetch(
        """UPDATE tasks_task SET state = 'running', attempts = attempts + 1,
               ambiguous_attempts = ambiguous_attempts + (state = 'running')::int,
               first_attempt_at = coalesce(first_attempt_at, now())
           WHERE id = ANY(%s)
           RETURNING id, lane, kind, key, subject_id, order_id, payload::text, attempts, ambiguous_attempts,
               extract(epoch FROM now() - first_attempt_at)::float""",
        [[task_id for task_id, _, _ in heads]],
    )
    tasks = [
        ClaimedTask(
            id=row[0],
            queue_id=claimed[row[1]][0],
            lane=row[1],
            fence=claimed[row[1]][1],
            kind=row[2],
            key=row[3],
            subject_id=row[4],
            order_id=row[5],
            payload=json.loads(row[6]),
            attempts=row[7],
            ambiguous_attempts=row[8],
            age_seconds=row[9],
        )
        for row in sorted(rows)
    ]
    attempts = [(task.id, task.attempts, worker, task.fence) for task in tasks]
    execute(
        """INSERT INTO tasks_attempt (task_id, number, worker, fence)
           SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[])""",
        columns_of(attempts, 4),
    )
    return tasks


def _close_empty(lanes: Mapping[str, int]) -> None:
    """Drop claimed lanes that turned out to have no tasks left."""
    if lanes:
        execute(
            "DELETE FROM tasks_lane USING unnest(%s::text[], %s::bigint[]) AS l (name, fence)"
            " WHERE tasks_lane.name = l.name AND tasks_lane.fence = l.fence",
            [list(lanes), list(lanes.values())],
        )


@unit_of_work
def renew_leases(*, lanes: Mapping[str, int], lease_seconds: float) -> set[str]:
    """Extend the leases of lanes (name → fence) still held; return the names that are."""
    rows = fetch(
        """UPDATE tasks_lane SET due_at = now() + make_interval(secs => %s)
           FROM unnest(%s::text[], %s::bigint[]) AS l (name, fence)
           WHERE tasks_lane.name = l.name AND tasks_lane.fence = l.fence RETURNING tasks_lane.name""",
        [lease_seconds, list(lanes), list(lanes.values())],
    )
    return {row[0] for row in rows}
