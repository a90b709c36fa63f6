"""A scripted channel on loopback, and short ways to run interactions with and without it."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailops.contract.strict_json import parse
from retailops.hub.channels.handlers import HANDLERS
from retailops.hub.channels.models import Channel
from retailops.hub.db import fetch
from retailops.hub.jobs import JOB_HANDLERS
from retailops.hub.tasks.build import build
from retailops.hub.tasks.handlers import Answer, Built, Call, CallHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask, claim_tasks
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.settle import run_job, settle
from retailops.outbound.addresses import AddressPolicy, parse_networks
from retailops.outbound.aiohttp_client import GuardedSession, Reply
from retailops.outbound.errors import OutboundError

ALL_HANDLERS = {**HANDLERS, **JOB_HANDLERS}

_ids = itertools.count(1)


def make_task(
    kind: str,
    channel: Channel,
    subject_id: int | None = None,
    *,
    lane: str = "",
    order_id: int | None = None,
    attempts: int = 1,
    payload: Mapping[str, object] | None = None,
) -> ClaimedTask:
    """A task as a worker would have claimed it; not in the database."""
    task_id = next(_ids)
    return ClaimedTask(
        id=task_id, queue_id=channel.queue_id, lane=lane or f"lane:{task_id}", fence=1, kind=kind, key=f"key:{task_id}",
        subject_id=subject_id, order_id=order_id, payload=payload or {}, attempts=attempts, ambiguous_attempts=0,
        age_seconds=0.0,
    )  # fmt: skip


def handler(kind: str) -> CallHandler:
    found = HANDLERS[kind]
    assert isinstance(found, CallHandler)
    return found


def build_all(tasks: Sequence[ClaimedTask]) -> Built:
    return handler(tasks[0].kind).build(tasks)


def build_one(task: ClaimedTask) -> Call:
    built = build_all([task])
    assert (len(built.calls), list(built.settled)) == (1, [])
    return built.calls[0]


def sent(call: Call) -> Any:
    """The request's body."""
    return parse(call.body)


def replied(
    call: Call, body: object = None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return Answer(call, reply=Reply(status, headers or {}, raw, 0.01))


def apply_all(answers: Sequence[Answer]) -> list[Settlement]:
    return handler(answers[0].call.tasks[0].kind).apply(answers)


def apply_one(
    call: Call, body: object = None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Settlement:
    (settlement,) = apply_all([replied(call, body, status, headers)])
    return settlement


def error_event(message: str = "no", **associations: str) -> dict[str, object]:
    return {
        "event_type": "error",
        "code": "E",
        "message": message,
        "associations": [
            {"identifier_type": kind, "identifier": value} for kind, value in associations.items()
        ],
    }


def statements(function: Callable[[], object]) -> int:
    """How many SQL statements a function runs."""
    with CaptureQueriesContext(connection) as captured:
        function()
    return len(captured)


def dump_tables(prefixes: Iterable[str]) -> dict[str, list[str]]:
    """Every row of the tables whose names begin so, as text."""
    tables = [
        row[0]
        for prefix in prefixes
        for row in fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name LIKE %s",
            [prefix + "%"],
        )
    ]
    return {table: sorted(row[0] for row in fetch(f"SELECT t::text FROM {table} t")) for table in tables}


@dataclass
class Request:
    interaction: str
    headers: Mapping[str, str]
    body: Any


Script = Callable[[Request], tuple[int, object] | tuple[int, object, dict[str, str]] | None]


@dataclass
class ChannelServer:
    """Answers each interaction with what its script says ({} without one) and remembers what it was asked.

    A script that returns None closes the connection without an answer.
    """

    scripts: dict[str, Script] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                name = self.path.rpartition("/")[2].removesuffix("_v1")
                request = Request(name, dict(self.headers), json.loads(body))
                outer.requests.append(request)
                script = outer.scripts.get(name, _accept)
                answer = script(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, content, *more = answer
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                for key, value in (more[0] if more else {}).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/api/channel"

    def asked(self, interaction: str) -> list[Request]:
        return [request for request in self.requests if request.interaction == interaction]


def _accept(_: Request) -> tuple[int, object]:
    return 200, {}


def work_once() -> list[ClaimedTask]:
    """Claim what is due, make the calls, settle them, as a worker does; return the tasks."""
    batches = {kind: found.batch for kind, found in ALL_HANDLERS.items()}
    tasks = claim_tasks(worker="test", lease_seconds=30, limit=100, in_flight={}, batches=batches)
    work = build(tasks, ALL_HANDLERS)
    answers = asyncio.run(_deliver(work.calls))
    settled = [*work.settled, *(run_job(JOB_HANDLERS[job.kind], job) for job in work.jobs)]
    if settled:
        settle((), HANDLERS, settled)
    if answers:
        settle(answers, HANDLERS, ())
    return tasks


def work_until_idle(most: int = 50) -> None:
    for _ in range(most):
        if not work_once():
            return
    message = "work goes on and on"
    raise AssertionError(message)


async def _deliver(calls: Sequence[Call]) -> list[Answer]:
    async def one(session: GuardedSession, call: Call) -> Answer:
        try:
            return Answer(call, reply=await session.post_json(call.url, call.body, call.headers))
        except OutboundError as error:
            return Answer(call, error=error)

    async with GuardedSession(AddressPolicy(allow_networks=parse_networks(["127.0.0.0/8"]))) as session:
        return list(await asyncio.gather(*(one(session, call) for call in calls)))
