"""Queueing work: order, coalescing, and that a change written while a worker is busy is never missed."""

from __future__ import annotations

import random
import threading

import pytest
from django.db import transaction

from retailops.hub.db import execute, fetch
from retailops.hub.tasks.models import Lane, Task
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.hub.tasks.rules import OutcomeClass
from tests.hub.tasks.support import (
    claim,
    keys,
    new_task,
    run_together,
    sessions,
    settle_as,
    states,
    wait_for_waiter,
)


def test_nothing_is_nothing(queue):
    enqueue_tasks([])
    assert not Lane.objects.exists()


def test_tasks_of_a_lane_run_in_the_order_in_which_they_were_queued(queue):
    wanted = [f"k{number}" for number in (3, 1, 2, 9, 0, 5)]
    enqueue_tasks([new_task(queue, "order:1", key) for key in wanted[:4]])
    enqueue_tasks(
        [new_task(queue, "order:2", "other"), *(new_task(queue, "order:1", key) for key in wanted[4:])]
    )
    told = []
    for _ in wanted:
        (task,) = [task for task in claim() if task.lane == "order:1"]
        told.append(task.key)
        settle_as(OutcomeClass.OK, task)
    assert told == wanted


def test_a_queued_task_stands_for_later_ones_with_all_payloads(queue):
    enqueue_tasks([new_task(queue, "l", "k", force=True, a=1)])
    enqueue_tasks([new_task(queue, "l", "k", a=2)])
    assert Task.objects.get().payload == {"force": True, "a": 2}


def test_twins_in_one_call_keep_all_payloads(queue):
    enqueue_tasks(
        [
            new_task(queue, "l", "k", force=True, a=1),
            new_task(queue, "l", "x"),
            new_task(queue, "l", "k", a=2),
        ]
    )
    assert states("l") == [("k", "queued"), ("x", "queued")]
    assert Task.objects.get(key="k").payload == {"force": True, "a": 2}


def test_other_kinds_keys_and_lanes_stay_apart(queue):
    enqueue_tasks([
        new_task(queue, "l", "k"), new_task(queue, "l", "k2"), new_task(queue, "m", "k"), new_task(queue, "l", "k", kind="pong"),
    ])  # fmt: skip
    assert Task.objects.count() == 4


def test_a_running_task_does_not_stand_for_a_later_one(queue):
    enqueue_tasks([new_task(queue, "l", "k")])
    (running,) = claim()
    enqueue_tasks([new_task(queue, "l", "k", newer=True)])
    assert states("l") == [("k", "running"), ("k", "queued")]
    assert claim() == []
    settle_as(OutcomeClass.OK, running)
    assert [task.payload for task in claim()] == [{"newer": True}]


def test_rolled_back_work_leaves_no_task(queue):
    with transaction.atomic():
        enqueue_tasks([new_task(queue, "l", "k")])
        transaction.set_rollback(True)
    assert not Task.objects.exists()
    assert not Lane.objects.exists()


def _hold(function, opened, go_on):
    """Run `function` in a transaction that stays open until `go_on` is set."""
    with transaction.atomic():
        result = function()
        opened.set()
        assert go_on.wait(30)
    return result


@pytest.fixture
def events():
    return threading.Event(), threading.Event()


def test_a_change_that_is_not_committed_yet_is_not_claimed_and_then_is(live_queue, events):
    opened, go_on = events
    enqueue_tasks([new_task(live_queue, "l", "k", a=1)])
    with sessions(1) as (other,):
        change = other.begin(
            _hold, lambda: enqueue_tasks([new_task(live_queue, "l", "k", b=2)]), opened, go_on
        )
        assert opened.wait(30)
        assert claim() == []
        go_on.set()
        change.result(timeout=30)
    assert [task.payload for task in claim()] == [{"a": 1, "b": 2}]


def test_a_change_during_a_claim_waits_and_becomes_a_task_of_its_own(live_queue, events):
    opened, go_on = events
    enqueue_tasks([new_task(live_queue, "l", "k", a=1)])
    with sessions(2) as (worker, writer):
        claiming = worker.begin(_hold, claim, opened, go_on)
        assert opened.wait(30)
        writing = writer.begin(enqueue_tasks, [new_task(live_queue, "l", "k", b=2)])
        wait_for_waiter()
        go_on.set()
        (running,) = claiming.result(timeout=30)
        writing.result(timeout=30)
    assert states("l") == [("k", "running"), ("k", "queued")]
    settle_as(OutcomeClass.OK, running)
    assert [task.payload for task in claim()] == [{"b": 2}]


def test_a_change_while_the_lane_is_given_up_brings_the_lane_back(live_queue, events):
    opened, go_on = events
    enqueue_tasks([new_task(live_queue, "l", "k")])
    running = claim()
    with sessions(2) as (worker, writer):
        settling = worker.begin(_hold, lambda: settle_as(OutcomeClass.OK, *running), opened, go_on)
        assert opened.wait(30)
        writing = writer.begin(enqueue_tasks, [new_task(live_queue, "l", "k2")])
        wait_for_waiter()
        go_on.set()
        settling.result(timeout=30)
        writing.result(timeout=30)
    assert keys(claim()) == ["k2"]


def test_a_lane_with_an_uncommitted_change_is_not_given_up(live_queue, events):
    opened, go_on = events
    enqueue_tasks([new_task(live_queue, "l", "k")])
    running = claim()
    with sessions(2) as (writer, worker):
        writing = writer.begin(_hold, lambda: enqueue_tasks([new_task(live_queue, "l", "k2")]), opened, go_on)
        assert opened.wait(30)
        settling = worker.begin(settle_as, OutcomeClass.OK, *running)
        wait_for_waiter()
        go_on.set()
        writing.result(timeout=30)
        settling.result(timeout=30)
    assert keys(claim()) == ["k2"]


def test_no_change_is_missed_by_writers_and_workers_at_once(live_queue):
    """Writers raise revisions; workers tell what they read after claiming; in the end every last revision is told."""
    subjects, writers, rounds = 5, 3, 40
    execute("CREATE TABLE IF NOT EXISTS told (subject int PRIMARY KEY, revision int, told int DEFAULT 0)")
    execute("TRUNCATE told")
    execute("INSERT INTO told SELECT g, 0 FROM generate_series(1, %s) g", [subjects])
    done = threading.Event()

    def write(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(rounds):
            with transaction.atomic():
                subject = dice.randint(1, subjects)
                execute("UPDATE told SET revision = revision + 1 WHERE subject = %s", [subject])
                enqueue_tasks([new_task(live_queue, f"lane:{subject % 2}", f"s:{subject}")])

    def work() -> None:
        while not (done.is_set() and not Task.objects.filter(state="queued").exists()):
            tasks = claim(limit=2, batches={"ping": 3})
            read = fetch(
                "SELECT subject, revision FROM told WHERE subject = ANY(%s)",
                [[int(t.key[2:]) for t in tasks]],
            )
            with transaction.atomic():
                for subject, revision in read:
                    execute(
                        "UPDATE told SET told = greatest(told, %s) WHERE subject = %s", [revision, subject]
                    )
                settle_as(OutcomeClass.OK, *tasks)

    def write_all() -> None:
        try:
            run_together(*(lambda seed=seed: write(seed) for seed in range(writers)))
        finally:
            done.set()

    try:
        run_together(write_all, work, work)
        assert fetch("SELECT sum(revision) FROM told")[0][0] == writers * rounds
        assert fetch("SELECT count(*) FROM told WHERE told <> revision")[0][0] == 0
    finally:
        execute("DROP TABLE told")
    assert not Lane.objects.exists()
