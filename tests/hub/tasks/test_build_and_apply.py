"""From claimed tasks to calls and from answers to settlements: one bad task spoils nothing but itself."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError

from retailops.hub.db import execute
from retailops.hub.tasks.build import build
from retailops.hub.tasks.handlers import Answer
from retailops.hub.tasks.models import Queue, Task
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.hub.tasks.operations.settle_tasks import settle_tasks
from retailops.hub.tasks.rules import OutcomeClass
from retailops.hub.tasks.settle import run_job, settle
from retailops.outbound.aiohttp_client import Reply
from tests.hub.tasks.peers import BatchPing, Job, Ping
from tests.hub.tasks.support import claim, new_task, pass_time, states

OK = Reply(200, {}, b"{}", 0.1)


@pytest.fixture
def handlers(queue):
    urls = {queue.pk: "http://127.0.0.1:9/"}
    return {handler.kind: handler for handler in (Ping(urls), BatchPing(urls), Job(lambda _: None))}


def _claimed(queue: Queue, lane: str, *names: str, kind: str = "ping") -> list[ClaimedTask]:
    enqueue_tasks([new_task(queue, lane, name, kind=kind) for name in names])
    return claim(batches={"batch": 50})


def test_calls_and_jobs_are_told_apart(queue, handlers):
    enqueue_tasks(
        [
            new_task(queue, "a", "a"),
            new_task(queue, "b", "b", kind="job"),
            new_task(queue, "c", "c", kind="x"),
        ]
    )
    work = build(claim(), handlers)
    assert [call.tasks[0].key for call in work.calls] == ["a"]
    assert [job.key for job in work.jobs] == ["b"]
    assert [(s.task.key, s.outcome, s.message) for s in work.settled] == [
        ("c", OutcomeClass.PERMANENT, "this version doesn't know tasks of kind 'x'")
    ]


def test_a_task_that_cannot_be_built_is_parked_alone(queue, handlers):
    enqueue_tasks([new_task(queue, f"order:{key}", key) for key in ("a", "unbuildable", "b")])
    work = build(claim(), handlers)
    assert sorted(call.tasks[0].key for call in work.calls) == ["a", "b"]
    assert [(s.task.key, s.outcome, s.blocks_lane) for s in work.settled] == [
        ("unbuildable", OutcomeClass.PERMANENT, True)
    ]


def test_within_a_batch_nothing_is_called_while_a_culprit_is_settled(queue, handlers):
    """A call in flight for a lane that its neighbour's settlement gives away could be made twice at once."""
    work = build(_claimed(queue, "inventory:1", "a", "unbuildable", "b", kind="batch"), handlers)
    assert work.calls == []
    settle_tasks(settlements=work.settled)
    assert states("inventory:1") == [("a", "queued"), ("unbuildable", "parked"), ("b", "queued")]
    work = build(claim(batches={"batch": 50}), handlers)
    assert [[task.key for task in call.tasks] for call in work.calls] == [["a", "b"]]
    assert work.settled == []


def test_an_answer_that_cannot_be_applied_parks_only_its_own_task(queue, handlers):
    enqueue_tasks([new_task(queue, f"order:{key}", key) for key in ("a", "inapplicable", "b")])
    for attempt in range(25):
        work = build(claim(), handlers)
        settle([Answer(call, reply=OK) for call in work.calls], handlers, ())
        assert [states("order:a"), states("order:b")] == [[("a", "succeeded")], [("b", "succeeded")]]
        assert states("order:inapplicable") == [("inapplicable", "parked" if attempt == 24 else "queued")]
        pass_time(10_000)
    assert "UnexpectedTaskError('inapplicable')" in Task.objects.get(key="inapplicable").message


def test_an_inapplicable_answer_in_a_coalescing_lane_does_not_block_it(queue, handlers):
    for _ in range(25):
        tasks = _claimed(queue, "inventory:1", kind="batch") or _claimed(
            queue, "inventory:1", "inapplicable", kind="batch"
        )
        settle([Answer(call, reply=OK) for call in build(tasks, handlers).calls], handlers, ())
        pass_time(10_000)
    assert states("inventory:1") == [("inapplicable", "parked")]
    (task,) = _claimed(queue, "inventory:1", "next", kind="batch")
    assert task.key == "next"


def test_a_failed_batch_is_one_failure_of_its_destination(queue, handlers):
    tasks = _claimed(queue, "inventory:1", *(str(number) for number in range(20)), kind="batch")
    settle(
        [Answer(call, reply=Reply(500, {}, b"", 0.1)) for call in build(tasks, handlers).calls], handlers, ()
    )
    queue.refresh_from_db()
    assert (queue.failures_in_row, queue.not_before) == (1, None)


def test_a_lost_lease_drops_only_its_own_answer(queue, handlers):
    enqueue_tasks([new_task(queue, f"order:{key}", key) for key in ("a", "b")])
    work = build(claim(), handlers)
    execute("UPDATE tasks_lane SET fence = nextval('tasks_fence') WHERE name = 'order:a'")
    settle([Answer(call, reply=OK) for call in work.calls], handlers, ())
    assert [states("order:a"), states("order:b")] == [[("a", "running")], [("b", "succeeded")]]


def test_effects_of_an_answer_and_its_settlement_are_one_commit(queue, handlers):
    class Effective(Ping):
        def apply(self, answers):
            execute("UPDATE tasks_queue SET pause_reason = pause_reason || 'x' WHERE id = %s", [queue.pk])
            return super().apply(answers)

    handlers["ping"] = Effective({queue.pk: "http://127.0.0.1:9/"})
    work = build(_claimed(queue, "order:1", "a"), handlers)
    execute("UPDATE tasks_lane SET fence = nextval('tasks_fence')")
    settle([Answer(call, reply=OK) for call in work.calls], handlers, ())
    queue.refresh_from_db()
    assert queue.pause_reason == ""


def test_an_absent_database_is_not_taken_for_a_bad_answer(queue, handlers):
    class Away(Ping):
        def apply(self, answers):  # noqa: ARG002
            raise OperationalError("server closed the connection")

    handlers["ping"] = Away({queue.pk: "http://127.0.0.1:9/"})
    work = build(_claimed(queue, "order:1", "a"), handlers)
    with pytest.raises(OperationalError):
        settle([Answer(call, reply=OK) for call in work.calls], handlers, ())
    assert states("order:1") == [("a", "running")]


def test_an_answer_the_database_refuses_is_a_bad_answer(queue, handlers):
    class Refused(Ping):
        def apply(self, answers):
            Queue.objects.create(name=queue.name)
            return super().apply(answers)

    handlers["ping"] = Refused({queue.pk: "http://127.0.0.1:9/"})
    work = build(_claimed(queue, "order:1", "a"), handlers)
    settle([Answer(call, reply=OK) for call in work.calls], handlers, ())
    assert states("order:1") == [("a", "queued")]
    assert IntegrityError.__name__ in Task.objects.get().message


def test_a_job_that_fails_is_tried_again_and_does_not_block_its_lane(queue):
    def fail(task: ClaimedTask) -> None:
        raise ZeroDivisionError

    (task,) = _claimed(queue, "route:0", "due", kind="job")
    settlement = run_job(Job(fail), task)
    assert (settlement.outcome, settlement.message, settlement.blocks_lane) == (
        OutcomeClass.RETRYABLE, "ZeroDivisionError: ", False,
    )  # fmt: skip
