"""Write down what came of attempts, and let their lanes go on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retailops.hub.db import columns_of, execute, fetch, unit_of_work
from retailops.hub.tasks.operations.absorb_twins import absorb_twins
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import LONGEST_RETRY_AFTER_SECONDS, OutcomeClass, Verdict, breaker_delay, judge

EXCERPT_LENGTH = 4000


class FencedError(Exception):
    """The lease of these lanes ran out and others hold them now: nothing of the settlement was written."""

    def __init__(self, lanes: set[str]) -> None:
        super().__init__(f"lease lost on {len(lanes)} lanes")
        self.lanes = lanes


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of one task's attempt.

    `again` asks for another run, not as a retry: at once (the next page of a pull, whose age counts from there), or after
    `retry_after` seconds (it had to wait; its age goes on).
    """

    task: ClaimedTask
    outcome: OutcomeClass
    message: str = ""
    http_status: int | None = None
    request_excerpt: str = ""
    response_excerpt: str = ""
    retry_after: float | None = None
    moves_money: bool = False
    blocks_lane: bool = True
    again: bool = False


@unit_of_work
def settle_tasks(*, settlements: Sequence[Settlement], calls: Mapping[int, int] | None = None) -> None:
    """Settle attempts in one transaction (the caller's, if it has one, with the effects of the replies).

    `calls` names the call that each task (id) was told in: a call that fails is one failure of its destination, however
    many tasks and lanes it was about. Without it, the tasks of a lane are taken for one call.

    Raises `FencedError`, having written nothing, if any of the lanes is no longer held under its fence.
    """
    lanes = _lock_lanes(settlements)
    verdicts = [_judge(settlement) for settlement in settlements]
    _write_attempts(settlements)
    _write_tasks(settlements, verdicts)
    blocked = {
        settlement.task.lane
        for settlement, verdict in zip(settlements, verdicts, strict=True)
        if verdict.state == "parked" and settlement.blocks_lane
    }
    _release_lanes(lanes, blocked)
    _feed_breakers(settlements, calls or {})


def _judge(settlement: Settlement) -> Verdict:
    if settlement.again and settlement.outcome.told:
        return Verdict("queued", settlement.retry_after or 0.0)
    task = settlement.task
    return judge(
        settlement.outcome,
        attempts=task.attempts,
        ambiguous_attempts=task.ambiguous_attempts + settlement.outcome.ambiguous,
        age_seconds=task.age_seconds,
        moves_money=settlement.moves_money,
        retry_after=settlement.retry_after,
        jitter=random.random(),  # noqa: S311 - spreads retries; nothing secret depends on it
    )


def _lock_lanes(settlements: Sequence[Settlement]) -> list[str]:
    held = {settlement.task.lane: settlement.task.fence for settlement in settlements}
    rows = fetch(
        """SELECT tasks_lane.name FROM tasks_lane JOIN unnest(%s::text[], %s::bigint[]) AS l (name, fence)
             ON tasks_lane.name = l.name AND tasks_lane.fence = l.fence
           ORDER BY tasks_lane.name FOR UPDATE OF tasks_lane""",
        [list(held), list(held.values())],
    )
    lost = set(held) - {row[0] for row in rows}
    if lost:
        raise FencedError(lost)
    return sorted(held)


def _write_attempts(settlements: Sequence[Settlement]) -> None:
    rows = [
        (
            s.task.id,
            s.task.fence,
            s.outcome.value,
            s.http_status,
            _excerpt(s.request_excerpt),
            _excerpt(s.response_excerpt),
            "" if s.outcome is OutcomeClass.OK else _excerpt(s.message),
        )
        for s in settlements
    ]
    execute(
        """UPDATE tasks_attempt a SET ended_at = clock_timestamp(), outcome_class = s.outcome, http_status = s.status,
               request_excerpt = s.request, response_excerpt = s.response, error = s.error
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[])
                AS s (task_id, fence, outcome, status, request, response, error)
           WHERE a.task_id = s.task_id AND a.fence = s.fence""",
        columns_of(rows, 7),
    )


def _write_tasks(settlements: Sequence[Settlement], verdicts: Sequence[Verdict]) -> None:
    """Store states. A retry whose twin was queued meanwhile, or claimed beside it, stands for both."""
    closed = absorb_twins(
        [s.task.id for s, verdict in zip(settlements, verdicts, strict=True) if verdict.state == "queued"]
    )
    rows = [
        (
            s.task.id,
            verdict.state,
            verdict.delay_seconds,
            s.outcome.value if s.outcome.told else "",
            _excerpt(s.message),
            int(s.outcome.ambiguous),
            s.again and s.outcome.told,
            s.retry_after is None,
        )
        for s, verdict in zip(settlements, verdicts, strict=True)
        if s.task.id not in closed
    ]
    execute(
        """UPDATE tasks_task t SET
               state = new.state, outcome = new.outcome, message = new.message,
               attempts = CASE WHEN new.again THEN 0 ELSE attempts END,
               ambiguous_attempts = CASE WHEN new.again THEN 0 ELSE ambiguous_attempts + new.ambiguous END,
               first_attempt_at = CASE WHEN NOT (new.again AND new.at_once) THEN first_attempt_at END,
               due_at = now() + make_interval(secs => new.delay),
               finished_at = CASE WHEN new.state = 'queued' THEN NULL ELSE now() END
           FROM unnest(%s::bigint[], %s::text[], %s::float[], %s::text[], %s::text[], %s::int[], %s::bool[], %s::bool[])
             AS new (id, state, delay, outcome, message, ambiguous, again, at_once)
           WHERE t.id = new.id""",
        columns_of(rows, 8),
    )


def _release_lanes(lanes: list[str], blocked: set[str]) -> None:
    """Give lanes back: due when their next task is, blocked behind a parked one, gone when nothing is left."""
    going_on = [lane for lane in lanes if lane not in blocked]
    if blocked:
        execute(
            "UPDATE tasks_lane SET blocked = true, fence = NULL, worker = '' WHERE name = ANY(%s)",
            [sorted(blocked)],
        )
    execute(
        """WITH next AS (
             SELECT l.name, t.due_at FROM unnest(%(lanes)s::text[]) AS l (name) CROSS JOIN LATERAL (
               SELECT due_at FROM tasks_task WHERE lane BETWEEN l.name AND l.name AND state IN ('queued', 'running')
               ORDER BY lane, id LIMIT 1) t
           ), kept AS (
             UPDATE tasks_lane SET due_at = next.due_at, fence = NULL, worker = '' FROM next
             WHERE tasks_lane.name = next.name RETURNING tasks_lane.name
           )
           DELETE FROM tasks_lane WHERE name = ANY(%(lanes)s) AND name NOT IN (SELECT name FROM next)""",
        {"lanes": going_on},
    )


def _feed_breakers(settlements: Sequence[Settlement], calls: Mapping[int, int]) -> None:
    """Tell each queue how its destination is doing: close or open its breaker, honour Retry-After, pause it."""
    for queue_id in sorted({s.task.queue_id for s in settlements}):
        of_queue = [s for s in settlements if s.task.queue_id == queue_id]
        stopper = next((s for s in of_queue if s.outcome.stops_queue), None)
        if stopper:
            execute(
                "UPDATE tasks_queue SET paused = true, pause_reason = %s WHERE id = %s AND NOT paused",
                [_excerpt(stopper.message)[:300], queue_id],
            )
        waits = [s.retry_after for s in of_queue if s.outcome is OutcomeClass.THROTTLED and s.retry_after]
        if waits:
            execute(
                "UPDATE tasks_queue SET not_before = now() + make_interval(secs => %s) WHERE id = %s",
                [min(max(waits), LONGEST_RETRY_AFTER_SECONDS), queue_id],
            )
        if all(s.outcome.blames_destination for s in of_queue):
            _count_failures(queue_id, len({calls.get(s.task.id, s.task.fence) for s in of_queue}))
        elif any(s.outcome.told for s in of_queue):
            execute(
                "UPDATE tasks_queue SET failures_in_row = 0, not_before = NULL WHERE id = %s AND failures_in_row > 0",
                [queue_id],
            )


def _count_failures(queue_id: int, count: int) -> None:
    failures = fetch(
        "UPDATE tasks_queue SET failures_in_row = failures_in_row + %s WHERE id = %s RETURNING failures_in_row",
        [count, queue_id],
    )[0][0]
    delay = breaker_delay(failures)
    if delay is not None:
        execute(
            "UPDATE tasks_queue SET not_before = now() + make_interval(secs => %s) WHERE id = %s",
            [delay, queue_id],
        )


def _excerpt(text: str) -> str:
    """Shorten a text and make it one that PostgreSQL can store: a reply may hold anything."""
    return text[:EXCERPT_LENGTH].replace("\x00", "\ufffd").encode(errors="replace").decode()
