"""What the tests of the queue share: short forms of its operations, time that passes at will, sessions side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import connections

from retailops.hub.db import execute, fetch
from retailops.hub.tasks.models import Queue
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask, claim_tasks
from retailops.hub.tasks.operations.enqueue_tasks import NewTask
from retailops.hub.tasks.operations.settle_tasks import Settlement, settle_tasks
from retailops.hub.tasks.rules import OutcomeClass

P = ParamSpec("P")
R = TypeVar("R")


def new_task(queue: Queue, lane: str, key: str, *, kind: str = "ping", **payload: object) -> NewTask:
    return NewTask(queue.pk, lane, kind, key, payload=payload)


def claim(
    *,
    limit: int = 10,
    worker: str = "w1",
    lease: float = 45.0,
    in_flight: Mapping[int, int] | None = None,
    batches: Mapping[str, int] | None = None,
) -> list[ClaimedTask]:
    return claim_tasks(
        worker=worker, lease_seconds=lease, limit=limit, in_flight=in_flight or {}, batches=batches or {}
    )


def settle_as(
    outcome: OutcomeClass, *tasks: ClaimedTask, retry_after: float | None = None, blocks: bool = True
) -> None:
    settle_tasks(
        settlements=[Settlement(task, outcome, retry_after=retry_after, blocks_lane=blocks) for task in tasks]
    )


def pass_time(seconds: float) -> None:
    """Let time pass, by moving everything that is stored into the past."""
    for table, columns in {
        "tasks_lane": ("due_at",),
        "tasks_task": ("due_at", "first_attempt_at", "finished_at"),
        "tasks_queue": ("not_before", "tokens_at"),
        "tasks_schedule": ("next_due_at",),
        "tasks_worker": ("seen_at",),
    }.items():
        moved = ", ".join(f"{column} = {column} - make_interval(secs => %(seconds)s)" for column in columns)
        execute(f"UPDATE {table} SET {moved}", {"seconds": seconds})


def states(lane: str) -> list[tuple[str, str]]:
    """Return (key, state) of a lane's tasks, the oldest first."""
    return [
        (row[0], row[1])
        for row in fetch("SELECT key, state FROM tasks_task WHERE lane = %s ORDER BY id", [lane])
    ]


def keys(tasks: list[ClaimedTask]) -> list[str]:
    return [task.key for task in tasks]


class Session:
    """A thread with a database connection of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def begin(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Start `function` and don't wait for it."""
        return self._thread.submit(function, *args, **kwargs)

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self.begin(function, *args, **kwargs).result(timeout=60)

    def close(self) -> None:
        self._thread.submit(connections.close_all).result(timeout=60)
        self._thread.shutdown()


@contextmanager
def sessions(count: int) -> Iterator[list[Session]]:
    opened = [Session() for _ in range(count)]
    try:
        yield opened
    finally:
        for session in opened:
            session.close()


def run_together(*functions: Callable[[], R]) -> list[R]:
    """Run functions at once, each in a session of its own, and return what they return; the first error is raised."""
    with sessions(len(functions)) as opened:
        futures = [session.begin(function) for session, function in zip(opened, functions, strict=True)]
        return [future.result(timeout=90) for future in futures]


def wait_until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.01)


def wait_for_waiter(count: int = 1) -> None:
    """Wait until that many other connections to this database wait for a lock."""
    query = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
               AND pid <> pg_backend_pid()"""
    wait_until(lambda: fetch(query)[0][0] >= count)
