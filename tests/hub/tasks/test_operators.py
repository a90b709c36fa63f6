"""What operators do with parked work, and the schedules."""

from __future__ import annotations

import pytest

from retailops.hub.audit.models import AuditEntry
from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.tasks.models import Attempt, Lane, Queue, Schedule, Task, Worker
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.hub.tasks.operations.keep_schedules import beat, prune_history, run_due_schedules
from retailops.hub.tasks.operations.replay_tasks import (
    pause_queue,
    replay_tasks,
    resume_queue,
    set_aside_tasks,
)
from retailops.hub.tasks.rules import OutcomeClass
from tests.hub.tasks.support import claim, keys, new_task, pass_time, run_together, settle_as, states


def _park(queue: Queue, lane: str, *names: str, blocks: bool = True) -> list[int]:
    """Queue tasks and park the first; return the ids."""
    enqueue_tasks([new_task(queue, lane, name) for name in names])
    settle_as(OutcomeClass.PERMANENT, *claim(limit=1), blocks=blocks)
    return list(Task.objects.filter(lane=lane).order_by("id").values_list("id", flat=True))


def test_a_replayed_task_runs_in_its_old_place_with_a_fresh_budget(queue):
    ids = _park(queue, "order:1", "a", "b")
    assert replay_tasks(task_ids=[ids[0]], actor="user:ann") == 1
    (task,) = claim()
    assert (task.key, task.ambiguous_attempts, task.age_seconds) == ("a", 0, 0.0)
    settle_as(OutcomeClass.OK, task)
    assert keys(claim()) == ["b"]
    assert AuditEntry.objects.get().action == "tasks.replay"


def test_replay_leaves_tasks_in_other_states_alone(queue):
    ids = _park(queue, "order:1", "a", "b")
    before = list(Task.objects.filter(pk=ids[1]).values())
    assert replay_tasks(task_ids=[ids[1], 10**9], actor="user:ann") == 0
    assert list(Task.objects.filter(pk=ids[1]).values()) == before
    assert Lane.objects.get().blocked


def test_a_parked_task_of_a_lane_that_is_gone_can_be_replayed(queue):
    ids = _park(queue, "inventory:1", "a", blocks=False)
    assert not Lane.objects.exists()
    assert replay_tasks(task_ids=ids, actor="user:ann") == 1
    assert keys(claim()) == ["a"]


def test_a_replayed_task_takes_over_its_twin_that_was_queued_since(queue):
    ids = _park(queue, "order:1", "a")
    enqueue_tasks([new_task(queue, "order:1", "between"), new_task(queue, "order:1", "a", newer=1)])
    assert replay_tasks(task_ids=ids, actor="user:ann") == 1
    assert states("order:1") == [("a", "queued"), ("between", "queued"), ("a", "succeeded")]
    twin = Task.objects.latest("id")
    assert twin.finished_at is not None
    assert [(task.id, task.payload) for task in claim()] == [(ids[0], {"newer": 1, "twin": twin.pk})]


def test_replaying_two_parked_twins_queues_one_of_them(queue):
    first = _park(queue, "inventory:1", "a", blocks=False)
    second = _park(queue, "inventory:1", "a", blocks=False)[-1:]
    replay_tasks(task_ids=[*first, *second], actor="user:ann")
    assert sorted(state for _, state in states("inventory:1")) == ["queued", "succeeded"]
    assert keys(claim()) == ["a"]


def test_a_lane_stays_blocked_while_another_of_its_tasks_is_parked(queue):
    ids = _park(queue, "order:1", "a", "b", "c")
    Task.objects.filter(pk=ids[1]).update(state="parked")
    replay_tasks(task_ids=[ids[1]], actor="user:ann")
    assert claim() == []
    replay_tasks(task_ids=[ids[0]], actor="user:ann")
    assert keys(claim()) == ["a"]


def test_replay_does_not_cut_short_what_is_in_flight(queue):
    ids = _park(queue, "inventory:1", "a", "b", blocks=False)
    (running,) = claim()
    assert running.key == "b"
    replay_tasks(task_ids=[ids[0]], actor="user:ann")
    assert claim() == []
    settle_as(OutcomeClass.OK, running)
    assert keys(claim()) == ["a"]


def test_set_aside_closes_a_task_untold_and_lets_the_next_go(queue):
    ids = _park(queue, "order:1", "a", "b")
    assert set_aside_tasks(task_ids=[ids[0]], actor="user:ann", reason="told by phone") == 1
    task = Task.objects.get(pk=ids[0])
    assert (task.state, task.outcome, task.message) == (
        "succeeded",
        "refused",
        "set aside by user:ann: told by phone",
    )
    assert keys(claim()) == ["b"]
    assert AuditEntry.objects.get().data == {"ids": [ids[0]], "reason": "told by phone"}


def test_setting_the_last_task_aside_leaves_nothing_to_do(queue):
    ids = _park(queue, "order:1", "a")
    set_aside_tasks(task_ids=ids, actor="user:ann", reason="x")
    assert claim() == []
    assert not Lane.objects.exists()
    assert check_invariants() == []


def test_resuming_closes_the_breaker_too(queue):
    enqueue_tasks([new_task(queue, f"order:{number}", "k") for number in range(10)])
    settle_as(OutcomeClass.RETRYABLE, *claim(limit=10))
    pause_queue(queue_id=queue.pk, reason="x" * 1000, actor="user:ann")
    pass_time(4)
    assert claim() == []
    resume_queue(queue_id=queue.pk, actor="user:ann")
    assert len(claim(limit=100)) == 10


@pytest.fixture
def schedule(queue):
    Schedule.objects.all().delete()  # the hub's own
    return Schedule.objects.create(queue=queue, kind="ping", lane="pull:1", every_seconds=60)


def test_a_schedule_puts_its_task_into_its_lane(queue, schedule):
    assert run_due_schedules() == 1
    assert run_due_schedules() == 0
    assert states("pull:1") == [("scheduled", "queued")]


def test_missed_turns_are_not_made_up_for(queue, schedule):
    run_due_schedules()
    settle_as(OutcomeClass.OK, *claim())
    pass_time(10 * 3600)
    assert [run_due_schedules() for _ in range(3)] == [1, 0, 0]
    pass_time(59)
    assert run_due_schedules() == 0
    pass_time(1)
    assert run_due_schedules() == 1


def test_a_turn_that_still_waits_is_not_queued_twice(queue, schedule):
    run_due_schedules()
    pass_time(60)
    assert run_due_schedules() == 1
    assert states("pull:1") == [("scheduled", "queued")]


def test_a_disabled_schedule_sleeps(queue, schedule):
    Schedule.objects.update(enabled=False)
    assert run_due_schedules() == 0


def test_workers_at_once_take_a_turn_once(live_queue):
    Schedule.objects.all().delete()  # the hub's own
    for number in range(20):
        Schedule.objects.create(queue=live_queue, kind="ping", lane=f"pull:{number}", every_seconds=3600)
    assert sum(run_together(*[run_due_schedules] * 4)) == 20
    assert Task.objects.count() == 20


def test_a_heartbeat_is_one_row_and_the_long_gone_are_forgotten(queue):
    beat(worker="old")
    pass_time(86401)
    beat(worker="new")
    beat(worker="new")
    assert list(Worker.objects.values_list("name", flat=True)) == ["new"]


def test_history_is_pruned_only_where_it_is_old_and_done(queue):
    for number in range(3):
        enqueue_tasks([new_task(queue, f"order:{number}", "k")])
        settle_as(OutcomeClass.OK if number else OutcomeClass.PERMANENT, *claim())
    pass_time(91 * 86400)
    enqueue_tasks([new_task(queue, "order:9", "k")])
    settle_as(OutcomeClass.OK, *claim())
    assert prune_history(keep_days=90, limit=1) == 1
    assert prune_history(keep_days=90) == 1
    assert prune_history(keep_days=90) == 0
    assert sorted(Task.objects.values_list("lane", flat=True)) == ["order:0", "order:9"]
    assert Attempt.objects.count() == 2
