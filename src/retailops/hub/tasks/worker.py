"""The worker: claims lanes, makes their calls from one event loop, settles what came of them in batches.

Database work runs in three threads (claiming, settling, jobs), each with its own connection; no transaction is open
while a call is in flight. A worker that dies leaves leases that run out and attempts on record as "unknown".
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connections

from retailops.hub.tasks.build import Work, build
from retailops.hub.tasks.handlers import Answer, Call, Handler, JobHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask, claim_tasks, renew_leases
from retailops.hub.tasks.operations.enqueue_tasks import WAKE_UP
from retailops.hub.tasks.operations.keep_schedules import beat, run_due_schedules
from retailops.hub.tasks.settle import run_job, settle
from retailops.outbound.addresses import AddressPolicy
from retailops.outbound.aiohttp_client import GuardedSession
from retailops.outbound.errors import OutboundError

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

#: Longer than a call may take by far; renewed every third of it.
LEASE_SECONDS = 45.0
#: How long a worker without work sleeps if no notification wakes it: retries and schedules come due silently.
IDLE_SECONDS = 0.5
#: How long running calls may take to end when the worker is told to stop.
STOP_SECONDS = 16.0
SETTLE_AT_ONCE = 128
#: Connections to one destination. Lanes taken up beyond that wait here: they make the batches that the database likes.
CONNECTIONS = 16
JOB_THREADS = 2


def run_worker(
    stop: threading.Event,
    *,
    name: str,
    concurrency: int,
    handlers: Mapping[str, Handler],
    policy: AddressPolicy,
    lease_seconds: float = LEASE_SECONDS,
) -> None:
    """Work until `stop` is set, then let what is in flight end. `concurrency` bounds the lanes held at once."""
    worker = Worker(
        name=name, concurrency=concurrency, handlers=handlers, policy=policy, lease_seconds=lease_seconds
    )
    asyncio.run(worker.run(stop))


@dataclass(slots=True)
class Lease:
    """A lane that this worker holds; `until` is by the monotonic clock, and never later than what the database has."""

    queue_id: int
    fence: int
    until: float


class Worker:
    """One worker process. Not to be shared between event loops."""

    def __init__(
        self,
        *,
        name: str,
        concurrency: int,
        handlers: Mapping[str, Handler],
        policy: AddressPolicy,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._name = name
        self._concurrency = concurrency
        self._handlers = handlers
        self._policy = policy
        self._lease_seconds = lease_seconds
        self._batches = {kind: handler.batch for kind, handler in handlers.items()}
        self._held: dict[str, Lease] = {}
        self._connections: dict[int, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(CONNECTIONS))
        self._wake = asyncio.Event()
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()
        self._claim_thread = ThreadPoolExecutor(1, thread_name_prefix="claim")
        self._settle_thread = ThreadPoolExecutor(1, thread_name_prefix="settle")
        self._job_threads = ThreadPoolExecutor(JOB_THREADS, thread_name_prefix="job")
        self._clock_thread = ThreadPoolExecutor(1, thread_name_prefix="clock")

    async def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. If one of the helping loops fails, all of it does: others take over the leases."""
        async with GuardedSession(self._policy) as self._session, asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(loop()) for loop in (self._listen, self._keep_time, self._settle_loop)
            ]
            await self._claim_loop(stop)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    while self._held:
                        self._wake.clear()
                        await self._wake.wait()
            for helper in (*helpers, *self._running):
                helper.cancel()
        for pool in (self._claim_thread, self._settle_thread, self._clock_thread):
            _close(pool, threads=1)
        _close(self._job_threads, threads=JOB_THREADS)

    async def _in_thread(
        self, pool: ThreadPoolExecutor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run database work in a thread, with a connection that is known to be usable."""

        def work() -> R:
            close_old_connections()
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def _claim_loop(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                found = await self._claim()
            except (DatabaseError, InterfaceError) as error:
                log.warning("worker.database_unavailable", error=str(error))
                await asyncio.sleep(IDLE_SECONDS)
                continue
            if not found:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)

    async def _claim(self) -> bool:
        room = self._concurrency - len(self._held)
        if room <= 0:
            return False
        in_flight = Counter(lease.queue_id for lease in self._held.values())
        until = time.monotonic() + self._lease_seconds
        work = await self._in_thread(self._claim_thread, self._claim_and_build, room, in_flight)
        for task in work.tasks:
            self._held[task.lane] = Lease(task.queue_id, task.fence, until)
        for call in work.calls:
            self._spawn(self._deliver(call))
        for job in work.jobs:
            self._spawn(self._run_job(job))
        if work.settled:
            self._spawn(self._settle_until_done((), work.settled))
        return bool(work.tasks)

    def _claim_and_build(self, room: int, in_flight: Mapping[int, int]) -> Work:
        tasks = claim_tasks(
            worker=self._name,
            lease_seconds=self._lease_seconds,
            limit=room,
            in_flight=in_flight,
            batches=self._batches,
        )
        return build(tasks, self._handlers)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Say so if it failed in a way that nobody foresaw."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("worker.task_failed", exc_info=error)

    async def _deliver(self, call: Call) -> None:
        try:
            async with self._connections[call.tasks[0].queue_id]:
                if not self._still_holds(call.tasks):
                    # Others may have told it by now, and what follows it: telling it once more could overtake that.
                    log.warning("worker.lease_lost", lanes=sorted(task.lane for task in call.tasks))
                    self._let_go({(task.lane, task.fence) for task in call.tasks})
                    return
                reply = await self._session.post_json(call.url, call.body, call.headers)
            answer = Answer(call, reply=reply)
        except OutboundError as error:
            answer = Answer(call, error=error)
        except Exception as error:  # without an answer, the lanes would be held until the worker ends
            log.exception("worker.call_failed", url=call.url)
            answer = Answer(call, error=OutboundError(repr(error), effect="unknown"))
        await self._answers.put(answer)

    def _still_holds(self, tasks: Sequence[ClaimedTask]) -> bool:
        """Whether no lease has run out unnoticed: this process may have been stopped, or the database been away."""
        leases = [(self._held.get(task.lane), task.fence) for task in tasks]
        now = time.monotonic()
        return all(lease and lease.fence == fence and lease.until > now for lease, fence in leases)

    async def _run_job(self, task: ClaimedTask) -> None:
        handler = self._handlers[task.kind]
        assert isinstance(handler, JobHandler)  # noqa: S101 - `build` sorted jobs from calls
        settlement = await self._in_thread(self._job_threads, run_job, handler, task)
        await self._settle_until_done((), [settlement])

    async def _settle_loop(self) -> None:
        while True:
            answers = [await self._answers.get()]
            while len(answers) < SETTLE_AT_ONCE and not self._answers.empty():
                answers.append(self._answers.get_nowait())
            await self._settle_until_done(answers, ())

    async def _settle_until_done(self, answers: Sequence[Answer], settled: Sequence[object]) -> None:
        """Settle; while the database is away, keep the answers and try again: the calls have been made.

        What can't be settled at all is left to its lease: it runs out, and the tasks are run again.
        """
        held = {(task.lane, task.fence) for answer in answers for task in answer.call.tasks}
        held |= {(settlement.task.lane, settlement.task.fence) for settlement in settled}  # type: ignore[attr-defined]
        while True:
            try:
                await self._in_thread(self._settle_thread, settle, answers, self._handlers, settled)  # type: ignore[arg-type]
                break
            except (OperationalError, InterfaceError) as error:
                log.warning("worker.database_unavailable", error=str(error))
                await asyncio.sleep(IDLE_SECONDS)
            except Exception:
                log.exception("worker.settle_failed", lanes=sorted(lane for lane, _ in held))
                break
        self._let_go(held)

    def _let_go(self, held: set[tuple[str, int]]) -> None:
        """Forget lanes, each by the fence it was held under: it may have been taken up again since."""
        for lane, fence in held:
            if lane in self._held and self._held[lane].fence == fence:
                del self._held[lane]
        self._wake.set()

    async def _keep_time(self) -> None:
        """Turn schedules, show that we live, renew the leases of what is in flight."""
        turn = 0
        renew_every = max(1, int(self._lease_seconds / 3))
        while True:
            try:
                if await self._in_thread(self._clock_thread, run_due_schedules):
                    self._wake.set()
                if turn % 5 == 0:
                    await self._in_thread(self._clock_thread, beat, worker=self._name)
                if turn % renew_every == renew_every - 1 and self._held:
                    await self._renew_leases()
            except (DatabaseError, InterfaceError) as error:
                log.warning("worker.database_unavailable", error=str(error))
            turn += 1
            await asyncio.sleep(1)

    async def _renew_leases(self) -> None:
        lanes = {lane: lease.fence for lane, lease in self._held.items()}
        until = time.monotonic() + self._lease_seconds
        renewed = await self._in_thread(
            self._clock_thread, renew_leases, lanes=lanes, lease_seconds=self._lease_seconds
        )
        for lane in renewed & self._held.keys():
            if self._held[lane].fence == lanes[lane]:
                self._held[lane].until = until

    async def _listen(self) -> None:
        """Wake up when somebody has queued work."""
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                async with await psycopg.AsyncConnection.connect(
                    settings.RETAILOPS_DATABASE_URL, autocommit=True
                ) as listener:
                    await listener.execute(f"LISTEN {WAKE_UP}")
                    async for _ in listener.notifies():
                        self._wake.set()
            await asyncio.sleep(1)


def _close(pool: ThreadPoolExecutor, *, threads: int) -> None:
    """Close the connections of a pool's threads, each in its own thread, and end them."""
    together = threading.Barrier(threads)

    def close() -> None:
        together.wait()
        connections.close_all()

    for _ in range(threads):
        pool.submit(close)
    pool.shutdown(wait=True)
