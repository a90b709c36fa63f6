"""Workers that are killed, slow, or cut off from their database: nothing is lost, nothing overtakes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import psycopg
import pytest

from retailops.embedded import EmbeddedPostgres
from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.db import fetch
from retailops.hub.tasks.models import Attempt, Task
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from tests.hub.tasks.peers import Response, channel
from tests.hub.tasks.running import (
    enqueue_many,
    handlers_for,
    open_at,
    open_tasks,
    process,
    url_of_the_test,
    workers,
)
from tests.hub.tasks.support import new_task, wait_until

pytestmark = pytest.mark.usefixtures("quick_retries", "database_of_the_test")


@pytest.mark.slow
def test_killed_workers_are_taken_over_when_their_leases_end(live_queue):
    """kill -9 with calls in flight: every task is told, in order, and the lost attempts are on record."""
    killed = threading.Event()

    def script(lane: str, key: str, before: int) -> Response:
        return Response(seconds=0.0 if killed.is_set() else 3.0)

    wanted = enqueue_many(live_queue, 5, 3)
    with channel(script) as peer:
        urls = {live_queue.pk: peer.url}
        with process(url_of_the_test(), urls, name="doomed", lease=4.0) as doomed:
            wait_until(lambda: peer.in_flight == 5)
            doomed.kill()
            doomed.wait()
        killed.set()
        with process(url_of_the_test(), urls, name="heir", lease=4.0):
            wait_until(lambda: open_tasks() == 0, seconds=30)
    assert peer.told == wanted
    lost = Attempt.objects.filter(worker="doomed")
    assert {(attempt.outcome_class, attempt.ended_at) for attempt in lost} == {("unknown", None)}
    assert lost.count() == 5
    assert Task.objects.filter(ambiguous_attempts=1).count() == 5
    assert check_invariants() == []


@pytest.mark.slow
def test_a_slow_call_outlives_a_short_lease_because_it_is_renewed(live_queue):
    enqueue_tasks([new_task(live_queue, "order:1", "slow")])
    with channel(lambda *_: Response(seconds=5.0)) as peer:
        urls = {live_queue.pk: peer.url}
        with (
            process(url_of_the_test(), urls, name="one", lease=3.0),
            process(url_of_the_test(), urls, name="two", lease=3.0),
        ):
            wait_until(lambda: open_tasks() == 0)
    assert len(peer.arrived) == 1
    assert peer.overlaps == []


def test_lost_connections_during_delivery_lose_nothing(live_queue):
    """All of the workers' sessions are cut again and again, some of them in the middle of a commit."""
    wanted = enqueue_many(live_queue, 20, 4)
    cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
             AND pid <> pg_backend_pid() AND application_name = 'retailops'"""
    with (
        channel(lambda *_: Response(seconds=0.01)) as peer,
        # A claim whose answer was cut off leaves a lease that nobody knows of; it ends by itself.
        workers(handlers_for({live_queue.pk: peer.url}), count=2, lease=3.0),
    ):
        for _ in range(4):
            threading.Event().wait(0.25)
            fetch(cut)
        wait_until(lambda: open_tasks() == 0, seconds=60)
    assert peer.told == wanted
    assert peer.overlaps == []
    assert check_invariants() == []


@pytest.mark.slow
def test_a_database_restart_during_delivery_loses_nothing(data_dir):
    """A server of its own ends all sessions and stops with calls in flight, and is started again."""
    server = EmbeddedPostgres(data_dir, settings={"max_connections": "50", "shared_buffers": "16MB"})
    url = server.start()
    try:
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
        )
        with psycopg.connect(url, autocommit=True) as session:
            rows = session.execute(
                "INSERT INTO tasks_queue (name) VALUES ('channel:shop') RETURNING id"
            ).fetchall()
            queue_id = int(rows[0][0])
            session.execute("DELETE FROM tasks_schedule")  # the hub's own work has no handler here
            session.execute(
                "INSERT INTO tasks_lane (queue_id, name) SELECT %s, 'order:' || g FROM generate_series(1, 10) g",
                [queue_id],
            )
            session.execute(
                """INSERT INTO tasks_task (queue_id, lane, kind, key) SELECT %s, 'order:' || l, 'ping', l || '-' || k
                   FROM generate_series(1, 3) k, generate_series(1, 10) l ORDER BY k, l""",
                [queue_id],
            )
        with channel(lambda *_: Response(seconds=0.4)) as peer, process(url, {queue_id: peer.url}, lease=5.0):
            wait_until(lambda: peer.in_flight == 10)
            server.stop()
            server.start()
            wait_until(lambda: open_at(url) == 0, seconds=45)
        assert peer.told == {
            f"order:{lane}": [f"{lane}-{number}" for number in (1, 2, 3)] for lane in range(1, 11)
        }
        assert peer.overlaps == []
    finally:
        server.stop()
