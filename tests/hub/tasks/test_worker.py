"""The worker from end to end: real database, real sockets, several workers at once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.db import fetch
from retailops.hub.tasks import worker
from retailops.hub.tasks.models import Attempt, Lane, Queue, Task
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from tests.hub.tasks.peers import Job, Ping, Response, ScriptedChannel, channel
from tests.hub.tasks.running import LOOPBACK, enqueue_many, handlers_for, open_tasks, workers
from tests.hub.tasks.support import new_task, states, wait_until

pytestmark = pytest.mark.usefixtures("quick_retries", "database_of_the_test")


def test_order_is_kept_in_every_lane_by_four_workers_and_a_channel_that_fails(live_queue):
    def flaky(lane: str, key: str, before: int) -> Response:
        return Response(500 if hash_of(key) % 3 > before else 200, seconds=0.002)

    def hash_of(key: str) -> int:
        return sum(key.encode())

    wanted = enqueue_many(live_queue, 20, 6)
    with channel(flaky) as peer, workers(handlers_for({live_queue.pk: peer.url}), count=4, concurrency=8):
        wait_until(lambda: open_tasks() == 0, seconds=60)
    assert peer.told == wanted
    assert peer.overlaps == []
    retries = sum(hash_of(key) % 3 for keys in wanted.values() for key in keys)
    assert len(peer.arrived) == 120 + retries
    assert Attempt.objects.count() == 120 + retries
    assert not Lane.objects.exists()
    assert check_invariants() == []


def test_no_more_than_its_share_is_in_flight_to_a_channel(live_queue):
    Queue.objects.filter(pk=live_queue.pk).update(max_in_flight=3)
    most = 0

    def watch(lane: str, key: str, before: int) -> Response:
        nonlocal most
        most = max(most, peer.in_flight)
        return Response(seconds=0.02)

    enqueue_many(live_queue, 20, 1)
    with channel(watch) as peer, workers(handlers_for({live_queue.pk: peer.url})):
        wait_until(lambda: open_tasks() == 0)
    assert most == 3


def test_a_task_queued_while_the_worker_sleeps_is_told(live_queue):
    with channel() as peer, workers(handlers_for({live_queue.pk: peer.url})):
        for number in range(3):
            enqueue_tasks([new_task(live_queue, "order:1", f"k{number}")])
            wait_until(lambda: open_tasks() == 0)
    assert peer.told == {"order:1": ["k0", "k1", "k2"]}


def test_a_reply_that_never_comes_leaves_the_effect_unknown_and_is_asked_again(live_queue):
    enqueue_tasks([new_task(live_queue, "order:1", "k")])
    with (
        channel(lambda _lane, _key, before: Response(200 if before else 0)) as peer,
        workers(handlers_for({live_queue.pk: peer.url})),
    ):
        wait_until(lambda: open_tasks() == 0)
    assert peer.told == {"order:1": ["k"]}
    assert list(Attempt.objects.order_by("number").values_list("outcome_class", flat=True)) == [
        "unknown",
        "ok",
    ]
    assert Task.objects.get().ambiguous_attempts == 1


def test_a_stopped_worker_finishes_what_is_in_flight_and_takes_up_nothing_new(live_queue):
    enqueue_tasks([new_task(live_queue, "order:1", key) for key in ("a", "b")])
    with (
        channel(lambda *_: Response(seconds=0.7)) as peer,
        workers(handlers_for({live_queue.pk: peer.url})) as stop,
    ):
        wait_until(lambda: peer.in_flight == 1)
        stop.set()
    assert states("order:1") == [("a", "succeeded"), ("b", "queued")]
    assert peer.told == {"order:1": ["a"]}
    assert Lane.objects.get().fence is None


def test_a_worker_leaves_no_connection_behind(live_queue):
    def run(task: object) -> None:
        fetch("SELECT pg_sleep(0.05)")

    enqueue_tasks([new_task(live_queue, f"job:{number}", "k", kind="job") for number in range(8)])
    with workers({"job": Job(run)}):
        wait_until(lambda: open_tasks() == 0)
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: fetch(others)[0][0] == 0, seconds=5)


def test_what_cannot_be_built_or_applied_spoils_nothing_else(live_queue):
    enqueue_tasks(
        [new_task(live_queue, f"order:{key}", key) for key in ("unbuildable", "inapplicable", "fine")]
    )
    enqueue_tasks([new_task(live_queue, "stock:1", key, kind="batch") for key in ("a", "unbuildable", "b")])
    with channel() as peer, workers(handlers_for({live_queue.pk: peer.url})):
        wait_until(lambda: Task.objects.filter(state__in=["succeeded", "parked"]).count() >= 5)
        wait_until(lambda: not Lane.objects.filter(name="stock:1").exists())
    assert peer.told["order:fine"] == ["fine"]
    assert peer.told["stock:1"] == ["a,b"]
    assert states("order:unbuildable") == [("unbuildable", "parked")]
    assert states("stock:1") == [("a", "succeeded"), ("unbuildable", "parked"), ("b", "succeeded")]
    assert states("order:inapplicable")[0][1] in ("queued", "running")


def test_a_call_that_trips_the_client_itself_is_settled_as_unknown(live_queue, monkeypatch):
    async def trip(*_: object, **__: object) -> None:
        raise RuntimeError("not an outbound error")

    monkeypatch.setattr("retailops.outbound.aiohttp_client.GuardedSession.post_json", trip)
    enqueue_tasks([new_task(live_queue, "order:1", "k")])
    with workers(handlers_for({live_queue.pk: "http://127.0.0.1:9/"})):
        wait_until(lambda: Attempt.objects.filter(ended_at__isnull=False).exists())
    assert Attempt.objects.order_by("id")[0].outcome_class == "unknown"


def test_a_worker_whose_clockwork_fails_ends_so_that_it_is_started_again(live_queue, monkeypatch):
    def fail() -> None:
        raise RuntimeError("not the database")

    monkeypatch.setattr("retailops.hub.tasks.worker.run_due_schedules", fail)
    with pytest.raises(ExceptionGroup) as caught:
        worker.run_worker(threading.Event(), name="w", concurrency=1, handlers={}, policy=LOOPBACK)
    connections.close_all()
    assert [str(error) for error in caught.value.exceptions] == ["not the database"]


def test_a_settlement_that_cannot_be_written_does_not_stop_the_worker(live_queue):
    class Broken(Ping):
        def apply(self, answers):
            settlements = super().apply(answers)
            for settlement in settlements:
                if settlement.task.key == "broken":
                    # Not even the failure can be written: no smallint.
                    object.__setattr__(settlement.task, "id", 2**80)
            return settlements

    enqueue_tasks([new_task(live_queue, "order:1", "broken"), new_task(live_queue, "order:2", "fine")])
    with channel() as peer:
        handlers = {"ping": Broken({live_queue.pk: peer.url})}
        with workers(handlers):
            wait_until(lambda: states("order:2") == [("fine", "succeeded")])
            enqueue_tasks([new_task(live_queue, "order:3", "later")])
            wait_until(lambda: states("order:3") == [("later", "succeeded")])
    assert states("order:1") == [("broken", "running")]


def test_a_dead_channel_delays_no_other(live_queue):
    """p99 of a good channel beside dead ones against p99 alone; the bound is loose, the machine is shared."""
    dead = [Queue.objects.create(name=f"channel:dead{number}") for number in range(3)]

    def percentile(peer: ScriptedChannel, start: float) -> float:
        seconds = sorted(peer.seconds[key] - start for keys in peer.told.values() for key in keys)
        return seconds[int(len(seconds) * 0.99) - 1]

    def measure(prefix: str) -> float:
        wanted = enqueue_many(live_queue, 40, 3, prefix=prefix)
        start = time.monotonic()
        with channel(lambda *_: Response(seconds=0.005)) as good:
            urls = {live_queue.pk: good.url, **{queue.pk: hanging.url for queue in dead}}
            with workers(handlers_for(urls), concurrency=40):
                wait_until(lambda: good.told == wanted, seconds=60)
        return percentile(good, start)

    with channel(lambda *_: Response(500, seconds=1.0)) as hanging:
        alone = measure("alone")
        for number, queue in enumerate(dead):
            enqueue_many(queue, 60, 2, prefix=f"dead{number}-")
        beside = measure("beside")
    assert beside < 4 * alone + 1.5


def test_a_job_runs_beside_calls(live_queue):
    ran = []
    hub = Queue.objects.get(name="hub")
    enqueue_tasks([new_task(hub, "route:0", "due", kind="job"), new_task(live_queue, "order:1", "k")])
    with (
        channel() as peer,
        workers({**handlers_for({live_queue.pk: peer.url}), "job": Job(lambda task: ran.append(task.key))}),
    ):
        wait_until(lambda: open_tasks() == 0)
    assert ran == ["due"]
    assert peer.told == {"order:1": ["k"]}
