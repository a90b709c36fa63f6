"""Taking up work: one lane at a time, every destination its share, and what a dead worker leaves behind."""

from __future__ import annotations

from collections import Counter

import pytest

from retailops.hub.tasks.models import Attempt, Lane, Queue, Task
from retailops.hub.tasks.operations.claim_tasks import renew_leases
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.hub.tasks.operations.replay_tasks import pause_queue, resume_queue
from retailops.hub.tasks.rules import OutcomeClass
from tests.hub.tasks.support import claim, keys, new_task, pass_time, run_together, settle_as, states


def _fill(queue: Queue, lanes: int, *, prefix: str = "order") -> None:
    enqueue_tasks([new_task(queue, f"{prefix}:{number}", "k") for number in range(lanes)])


def test_a_claimed_task_says_what_it_is(queue):
    enqueue_tasks([new_task(queue, "order:1", "k", force=True)])
    (task,) = claim(worker="w7")
    stored = Task.objects.get()
    assert (task.id, task.queue_id, task.lane, task.kind, task.key) == (
        stored.pk,
        queue.pk,
        "order:1",
        "ping",
        "k",
    )
    assert (task.payload, task.attempts, task.ambiguous_attempts, task.age_seconds) == (
        {"force": True},
        1,
        0,
        0.0,
    )
    lane = Lane.objects.get()
    assert (lane.fence, lane.worker) == (task.fence, "w7")
    assert stored.state == "running"


def test_the_attempt_is_on_record_as_unknown_before_the_call(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim(worker="w7")
    attempt = Attempt.objects.get()
    assert (attempt.task_id, attempt.number, attempt.worker, attempt.fence) == (task.id, 1, "w7", task.fence)
    assert (attempt.outcome_class, attempt.ended_at) == ("unknown", None)


def test_one_task_of_a_lane_is_in_flight(queue):
    enqueue_tasks([new_task(queue, "order:1", key) for key in "abc"])
    assert keys(claim()) == ["a"]
    assert claim() == []


def test_a_batch_takes_leading_tasks_of_one_kind_only(queue):
    enqueue_tasks([new_task(queue, "l", key) for key in "ab"])
    enqueue_tasks([new_task(queue, "l", "c", kind="pong"), new_task(queue, "l", "d")])
    first = claim(batches={"ping": 10})
    assert keys(first) == ["a", "b"]
    settle_as(OutcomeClass.OK, *first)
    second = claim(batches={"ping": 10})
    assert keys(second) == ["c"]
    settle_as(OutcomeClass.OK, *second)
    assert keys(claim(batches={"ping": 10})) == ["d"]


def test_a_batch_is_not_longer_than_its_kind_allows(queue):
    enqueue_tasks([new_task(queue, "l", str(number)) for number in range(5)])
    assert keys(claim(batches={"ping": 3})) == ["0", "1", "2"]


def test_no_more_lanes_than_asked_for(queue):
    _fill(queue, 5)
    assert len(claim(limit=3)) == 3
    assert len(claim(limit=3)) == 2


def test_a_queue_gives_no_more_lanes_to_a_worker_than_its_share(queue):
    Queue.objects.filter(pk=queue.pk).update(max_in_flight=4)
    _fill(queue, 9)
    assert len(claim(limit=100)) == 4
    assert claim(limit=100, in_flight={queue.pk: 4}) == []
    assert len(claim(limit=100, in_flight={queue.pk: 1})) == 3


def test_every_queue_gets_its_share_when_room_is_short(queue):
    others = [Queue.objects.create(name=f"channel:{number}") for number in range(2)]
    for number, each in enumerate([queue, *others]):
        _fill(each, 20, prefix=f"q{number}")
    counts = Counter(task.queue_id for task in claim(limit=6))
    assert counts == {queue.pk: 2, others[0].pk: 2, others[1].pk: 2}


def test_the_queue_that_holds_least_goes_first(queue):
    other = Queue.objects.create(name="channel:other")
    _fill(queue, 20, prefix="a")
    _fill(other, 20, prefix="b")
    assert [task.queue_id for task in claim(limit=1, in_flight={queue.pk: 9, other.pk: 2})] == [other.pk]
    assert [task.queue_id for task in claim(limit=1, in_flight={queue.pk: 1, other.pk: 2})] == [queue.pk]


def test_room_that_one_queue_does_not_need_goes_to_the_others(queue):
    other = Queue.objects.create(name="channel:other")
    _fill(queue, 1, prefix="a")
    _fill(other, 20, prefix="b")
    claimed = [*claim(limit=8), *claim(limit=3)]
    assert len(claimed) > 6
    assert len({task.lane for task in claimed}) == len(claimed)


def test_a_paused_queue_gives_nothing_until_it_is_resumed(queue):
    _fill(queue, 2)
    pause_queue(queue_id=queue.pk, reason="stocktake", actor="user:ann")
    assert claim() == []
    resume_queue(queue_id=queue.pk, actor="user:ann")
    assert len(claim()) == 2


def _open_breaker(queue: Queue) -> None:
    _fill(queue, 12)
    settle_as(OutcomeClass.RETRYABLE, *claim(limit=12))
    queue.refresh_from_db()
    assert queue.failures_in_row == 12
    assert queue.not_before is not None


def test_an_open_breaker_gives_nothing_then_lets_one_lane_through(queue):
    Queue.objects.filter(pk=queue.pk).update(max_in_flight=32)
    _open_breaker(queue)
    _fill(queue, 30, prefix="fresh")
    assert claim(limit=100) == []
    pass_time(60)
    (probe,) = claim(limit=100)
    assert claim(limit=100, in_flight={queue.pk: 1}) == []
    settle_as(OutcomeClass.OK, probe)
    assert len(claim(limit=100)) == 32


def test_a_failed_probe_opens_the_breaker_again(queue):
    _open_breaker(queue)
    pass_time(60)
    settle_as(OutcomeClass.RETRYABLE, *claim(limit=100))
    assert claim(limit=100) == []


def test_an_open_breaker_holds_up_no_other_queue(queue):
    other = Queue.objects.create(name="channel:other")
    _open_breaker(queue)
    _fill(other, 3, prefix="other")
    assert len(claim(limit=100)) == 3


def test_a_rate_limit_is_a_bucket_of_one_second(queue):
    Queue.objects.filter(pk=queue.pk).update(rate_per_second=5)
    _fill(queue, 40)
    assert claim(limit=100) == []
    pass_time(1)
    assert len(claim(limit=100)) == 5
    assert claim(limit=100) == []
    pass_time(0.4)
    assert len(claim(limit=100)) == 2
    pass_time(3600)
    assert len(claim(limit=100)) == 5


def test_a_rate_below_one_a_second_still_gives_one_at_a_time(queue):
    Queue.objects.filter(pk=queue.pk).update(rate_per_second=0.1)
    _fill(queue, 5)
    pass_time(9)
    assert claim() == []
    pass_time(1)
    assert len(claim()) == 1
    pass_time(9)
    assert claim() == []


def test_the_tasks_of_a_dead_worker_are_run_again_and_count_as_ambiguous(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (first,) = claim(worker="dead", lease=45)
    pass_time(44)
    assert claim(worker="alive") == []
    pass_time(1)
    (second,) = claim(worker="alive")
    assert (second.id, second.attempts, second.ambiguous_attempts) == (first.id, 2, 1)
    assert second.fence > first.fence
    assert [a.outcome_class for a in Attempt.objects.order_by("number")] == ["unknown", "unknown"]
    settle_as(OutcomeClass.OK, second)
    assert [a.outcome_class for a in Attempt.objects.order_by("number")] == ["unknown", "ok"]


def test_a_renewed_lease_lasts(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim(lease=45)
    pass_time(40)
    assert renew_leases(lanes={"order:1": task.fence}, lease_seconds=45) == {"order:1"}
    pass_time(40)
    assert claim() == []
    pass_time(5)
    assert keys(claim()) == ["k"]


def test_a_lost_lease_is_not_renewed(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (late,) = claim(lease=45)
    pass_time(45)
    (holder,) = claim(lease=45)
    assert renew_leases(lanes={"order:1": late.fence}, lease_seconds=9999) == set()
    pass_time(45)
    assert claim() != []
    assert holder.fence > late.fence


def test_a_lane_without_tasks_is_dropped(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    Task.objects.all().delete()
    assert claim() == []
    assert not Lane.objects.exists()


@pytest.mark.parametrize("workers", [4])
def test_workers_at_once_never_claim_the_same_lane(live_queue, workers):
    _fill(live_queue, 200)

    def work() -> list[str]:
        claimed = []
        while tasks := claim(limit=7):
            claimed += [task.lane for task in tasks]
        return claimed

    lanes = [lane for claimed in run_together(*[work] * workers) for lane in claimed]
    # A worker may stop early because the others' locks hide what is left; nobody has a lane twice.
    lanes += work()
    assert sorted(lanes) == sorted(f"order:{number}" for number in range(200))
    assert states("order:0") == [("k", "running")]
