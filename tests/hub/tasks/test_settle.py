"""Writing down what came of attempts: fences, parked heads, twins, and lanes that go and come back."""

from __future__ import annotations

import pytest

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.tasks.models import Attempt, Lane, Queue, Task
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.hub.tasks.operations.settle_tasks import FencedError, Settlement, settle_tasks
from retailops.hub.tasks.rules import OutcomeClass
from tests.hub.tasks.support import claim, keys, new_task, pass_time, settle_as, states


@pytest.mark.parametrize("outcome", [OutcomeClass.OK, OutcomeClass.OK_WITH_ERRORS, OutcomeClass.REFUSED])
def test_what_was_told_is_done_and_its_lane_goes_away(queue, outcome):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim()
    settle_tasks(
        settlements=[Settlement(task, outcome, "as it was said", http_status=200, response_excerpt="{}")]
    )
    stored = Task.objects.get()
    assert (stored.state, stored.outcome, stored.message) == ("succeeded", outcome.value, "as it was said")
    assert stored.finished_at is not None
    attempt = Attempt.objects.get()
    assert (attempt.outcome_class, attempt.http_status, attempt.response_excerpt) == (
        outcome.value,
        200,
        "{}",
    )
    assert attempt.ended_at is not None
    assert not Lane.objects.exists()
    enqueue_tasks([new_task(queue, "order:1", "k2")])
    assert keys(claim()) == ["k2"]


def test_a_retry_waits_and_nothing_overtakes_it(queue):
    enqueue_tasks([new_task(queue, "order:1", key) for key in "ab"])
    settle_as(OutcomeClass.RETRYABLE, *claim())
    assert states("order:1") == [("a", "queued"), ("b", "queued")]
    pass_time(1.4)
    assert claim() == []
    pass_time(1.2)
    (task,) = claim()
    assert (task.key, task.attempts, task.ambiguous_attempts) == ("a", 2, 0)


def test_a_retry_keeps_the_age_of_its_first_attempt_and_parks_after_the_window(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    settle_as(OutcomeClass.RETRYABLE, *claim())
    pass_time(76 * 3600)
    (task,) = claim()
    assert task.age_seconds >= 76 * 3600
    settle_as(OutcomeClass.RETRYABLE, task)
    assert states("order:1") == [("k", "parked")]
    assert Task.objects.get().finished_at is not None


def test_the_25th_unknown_parks(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    for _ in range(24):
        settle_as(OutcomeClass.UNKNOWN, *claim())
        assert states("order:1") == [("k", "queued")]
        pass_time(9000)
    settle_as(OutcomeClass.UNKNOWN, *claim())
    assert states("order:1") == [("k", "parked")]


def test_with_money_the_8th_unknown_parks_crashes_included(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    for _ in range(7):
        claim()  # and the worker dies
        pass_time(45)
    (task,) = claim()
    settle_tasks(settlements=[Settlement(task, OutcomeClass.UNKNOWN, moves_money=True)])
    assert states("order:1") == [("k", "parked")]


def test_retry_after_of_a_throttled_call_holds_up_the_whole_queue(queue):
    enqueue_tasks([new_task(queue, "order:1", "a"), new_task(queue, "order:2", "b")])
    (task,) = claim(limit=1)
    settle_as(OutcomeClass.THROTTLED, task, retry_after=120)
    assert claim() == []
    pass_time(119)
    assert claim() == []
    pass_time(14)
    assert sorted(keys(claim())) == ["a", "b"]


def test_wrong_settings_pause_the_queue_and_lose_nothing(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim()
    settle_tasks(settlements=[Settlement(task, OutcomeClass.AUTH, "HTTP 401")])
    queue.refresh_from_db()
    assert (queue.paused, queue.pause_reason) == (True, "HTTP 401")
    assert states("order:1") == [("k", "queued")]


def test_a_late_writer_changes_nothing(queue):
    enqueue_tasks([new_task(queue, "order:1", "k"), new_task(queue, "order:2", "other")])
    late = claim()
    pass_time(45)
    (second,) = [task for task in claim(worker="w2") if task.key == "k"]
    before = [list(model.objects.order_by("pk").values()) for model in (Task, Lane, Attempt, Queue)]
    with pytest.raises(FencedError) as error:
        settle_as(OutcomeClass.OK, *late)
    assert error.value.lanes == {"order:1", "order:2"}
    assert [list(model.objects.order_by("pk").values()) for model in (Task, Lane, Attempt, Queue)] == before
    settle_as(OutcomeClass.OK, second)
    assert states("order:1") == [("k", "succeeded")]


def test_one_lost_lane_of_several_lets_nothing_through(queue):
    enqueue_tasks([new_task(queue, "order:1", "a"), new_task(queue, "order:2", "b")])
    mine = claim()
    Lane.objects.filter(name="order:2").update(fence=10**9)
    with pytest.raises(FencedError):
        settle_as(OutcomeClass.OK, *mine)
    assert [states("order:1"), states("order:2")] == [[("a", "running")], [("b", "running")]]


def test_settling_twice_is_fenced(queue):
    enqueue_tasks([new_task(queue, "order:1", "k"), new_task(queue, "order:1", "k2")])
    tasks = claim()
    settle_as(OutcomeClass.OK, *tasks)
    with pytest.raises(FencedError):
        settle_as(OutcomeClass.OK, *tasks)


def test_a_parked_head_blocks_an_order_lane(queue):
    enqueue_tasks([new_task(queue, "order:1", key) for key in "ab"])
    settle_as(OutcomeClass.PERMANENT, *claim())
    enqueue_tasks([new_task(queue, "order:1", "c")])
    pass_time(10**6)
    assert claim() == []
    assert states("order:1") == [("a", "parked"), ("b", "queued"), ("c", "queued")]
    assert Lane.objects.get().blocked
    assert check_invariants() == []


def test_a_parked_head_does_not_block_a_coalescing_lane(queue):
    enqueue_tasks([new_task(queue, "inventory:1", key) for key in "ab"])
    settle_as(OutcomeClass.PERMANENT, *claim(), blocks=False)
    assert keys(claim()) == ["b"]


def test_the_last_parked_task_of_a_coalescing_lane_leaves_no_lane(queue):
    enqueue_tasks([new_task(queue, "inventory:1", "a")])
    settle_as(OutcomeClass.PERMANENT, *claim(), blocks=False)
    assert not Lane.objects.exists()


def test_a_retry_takes_over_its_twin_that_was_queued_meanwhile(queue):
    enqueue_tasks([new_task(queue, "order:1", "k", force=True)])
    (task,) = claim()
    enqueue_tasks([new_task(queue, "order:1", "between"), new_task(queue, "order:1", "k", newer=1)])
    settle_as(OutcomeClass.RETRYABLE, task)
    assert states("order:1") == [("k", "queued"), ("between", "queued"), ("k", "succeeded")]
    old, _, twin = Task.objects.order_by("id")
    assert old.payload == {"force": True, "newer": 1, "twin": twin.pk}
    assert twin.finished_at is not None
    pass_time(10)
    (again,) = claim()
    assert (again.id, again.attempts) == (old.pk, 2)


def test_a_message_with_newer_contents_has_a_name_of_its_own(queue):
    """A receiver that knows the name would take it for a repetition, and not look inside."""
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim()
    assert task.message_id == f"task_{task.id}"
    enqueue_tasks([new_task(queue, "order:1", "k")])
    twin = Task.objects.latest("id")
    settle_as(OutcomeClass.UNKNOWN, task)
    pass_time(10)
    assert [task.message_id for task in claim()] == [f"task_{task.id}_{twin.pk}"]


def test_a_dead_workers_task_and_its_twin_claimed_together_go_on_as_one(queue):
    enqueue_tasks([new_task(queue, "inventory:1", "k", force=True)])
    claim(batches={"ping": 10})
    enqueue_tasks([new_task(queue, "inventory:1", "k", newer=1)])
    pass_time(45)
    both = claim(batches={"ping": 10})
    assert keys(both) == ["k", "k"]
    settle_as(OutcomeClass.RETRYABLE, *both)
    assert states("inventory:1") == [("k", "queued"), ("k", "succeeded")]
    pass_time(10)
    (task,) = claim(batches={"ping": 10})
    assert task.payload == {"force": True, "newer": 1, "twin": both[1].id}


def test_twins_claimed_together_take_over_a_third(queue):
    enqueue_tasks([new_task(queue, "inventory:1", "k", a=1)])
    claim(batches={"ping": 10})
    enqueue_tasks([new_task(queue, "inventory:1", "k", a=2)])
    pass_time(45)
    both = claim(batches={"ping": 10})
    enqueue_tasks([new_task(queue, "inventory:1", "k", a=3)])
    settle_as(OutcomeClass.RETRYABLE, *both)
    assert states("inventory:1") == [("k", "queued"), ("k", "succeeded"), ("k", "succeeded")]
    assert Task.objects.earliest("id").payload == {"a": 3, "twin": Task.objects.latest("id").pk}


def test_again_queues_another_turn_at_once(queue):
    enqueue_tasks([new_task(queue, "pull:1", "k")])
    (task,) = claim()
    settle_tasks(settlements=[Settlement(task, OutcomeClass.OK, again=True)])
    assert states("pull:1") == [("k", "queued")]
    (turn,) = claim()
    assert (turn.id, turn.attempts) == (task.id, 1)
    settle_as(OutcomeClass.OK, turn)
    assert states("pull:1") == [("k", "succeeded")]


def test_turns_that_went_well_do_not_age_a_task(queue):
    """A task that goes on and on must not be parked by its first failure after 76 hours, nor wait long for it."""
    enqueue_tasks([new_task(queue, "pull:1", "k")])
    for _ in range(20):
        (task,) = claim()
        settle_tasks(settlements=[Settlement(task, OutcomeClass.OK, again=True)])
        pass_time(4 * 3600)
    (task,) = claim()
    settle_as(OutcomeClass.RETRYABLE, task)
    assert states("pull:1") == [("k", "queued")]
    pass_time(3)
    assert keys(claim()) == ["k"]


def test_a_task_that_had_to_wait_keeps_its_age(queue):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim()
    settle_tasks(settlements=[Settlement(task, OutcomeClass.OK, again=True, retry_after=5)])
    pass_time(4)
    assert claim() == []
    pass_time(1)
    (task,) = claim()
    assert (task.attempts, task.age_seconds) == (1, 5.0)


def test_a_failed_call_counts_once_however_many_tasks_it_told_of(queue):
    enqueue_tasks([new_task(queue, "inventory:1", str(number)) for number in range(50)])
    tasks = claim(batches={"ping": 100})
    assert len(tasks) == 50
    settle_as(OutcomeClass.RETRYABLE, *tasks)
    queue.refresh_from_db()
    assert (queue.failures_in_row, queue.not_before) == (1, None)


def test_a_call_over_many_lanes_counts_once_too(queue):
    enqueue_tasks([new_task(queue, f"order:{number}", "k") for number in range(30)])
    tasks = claim(limit=30)
    settlements = [Settlement(task, OutcomeClass.RETRYABLE) for task in tasks]
    settle_tasks(settlements=settlements, calls={task.id: tasks[0].id for task in tasks})
    queue.refresh_from_db()
    assert queue.failures_in_row == 1


def test_success_closes_the_breaker(queue):
    enqueue_tasks([new_task(queue, f"order:{number}", "k") for number in range(9)])
    tasks = claim(limit=9)
    settle_as(OutcomeClass.UNKNOWN, *tasks[:8])
    queue.refresh_from_db()
    assert queue.failures_in_row == 8
    settle_as(OutcomeClass.REFUSED, tasks[8])
    queue.refresh_from_db()
    assert queue.failures_in_row == 0


@pytest.mark.parametrize("text", ["zero \x00 byte", "lone \ud800 surrogate", "x" * 100_000])
def test_any_text_can_be_written_down(queue, text):
    enqueue_tasks([new_task(queue, "order:1", "k")])
    (task,) = claim()
    settle_tasks(
        settlements=[
            Settlement(task, OutcomeClass.RETRYABLE, text, request_excerpt=text, response_excerpt=text)
        ]
    )
    assert states("order:1") == [("k", "queued")]
    assert len(Task.objects.get().message) == len(Attempt.objects.get().error) == min(len(text), 4000)
