"""Workers in threads and processes of the test's own, and what they are given to do."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from django.db import connection, connections
from psycopg.conninfo import make_conninfo

from retailops.hub.tasks import worker
from retailops.hub.tasks.handlers import Handler
from retailops.hub.tasks.models import Queue, Task
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.outbound.addresses import AddressPolicy, parse_networks
from tests.hub.tasks.peers import BatchPing, Ping
from tests.hub.tasks.support import new_task

LOOPBACK = AddressPolicy(allow_networks=parse_networks(["127.0.0.0/8"]))


def url_of_the_test() -> str:
    return make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])


def handlers_for(urls: Mapping[int, str]) -> dict[str, Handler]:
    return {handler.kind: handler for handler in (Ping(urls), BatchPing(urls))}


@contextmanager
def workers(
    handlers: Mapping[str, Handler], *, count: int = 1, concurrency: int = 32, lease: float = 45.0
) -> Iterator[threading.Event]:
    """Run workers in threads; leaving stops them and raises what went wrong in them."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            worker.run_worker(
                stop,
                name=f"w{number}",
                concurrency=concurrency,
                handlers=handlers,
                policy=LOOPBACK,
                lease_seconds=lease,
            )
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []


def open_tasks() -> int:
    return Task.objects.filter(state__in=["queued", "running"]).count()


def enqueue_many(
    queue: Queue, lanes: int, tasks: int, *, kind: str = "ping", prefix: str = "order"
) -> dict[str, list[str]]:
    """Queue `tasks` in each lane and return lane → keys in order."""
    wanted = {
        f"{prefix}:{lane}": [f"{prefix}{lane}-{number}" for number in range(tasks)] for lane in range(lanes)
    }
    for number in range(tasks):
        enqueue_tasks([new_task(queue, lane, keys[number], kind=kind) for lane, keys in wanted.items()])
    return wanted


@contextmanager
def process(
    url: str, urls: Mapping[int, str], *, name: str = "process", lease: float = 45.0
) -> Iterator[subprocess.Popen[bytes]]:
    options = {"urls": urls, "name": name, "concurrency": 16, "lease_seconds": lease}
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.hub.tasks.worker_process", json.dumps(options)],
        env={**os.environ, "DATABASE_URL": url}, stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started
    finally:
        assert started.stdin is not None
        started.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(25)
        started.kill()
        started.wait()


def open_at(url: str) -> int:
    with psycopg.connect(url) as session:
        row = session.execute("SELECT count(*) FROM tasks_task WHERE state <> 'succeeded'").fetchone()
    assert row is not None
    return int(row[0])
