"""The other side of a worker in tests: a scripted channel on loopback, and handlers that talk to it."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from retailops.hub.tasks.handlers import Answer, Built, Call, CallHandler, JobHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.rules import OutcomeClass


@dataclass(frozen=True)
class Response:
    """What the channel answers, after so many seconds; `status` 0 hangs up instead."""

    status: int = 200
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


#: From (lane, key, how many requests for this task came before) to the answer.
Script = Callable[[str, str, int], Response]


class ScriptedChannel:
    """Answers by script and keeps record: requests that arrived and, apart, those that took effect."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.arrived: list[tuple[str, str]] = []
        self.told: dict[str, list[str]] = defaultdict(list)
        self.seconds: dict[str, float] = {}
        self.overlaps: list[str] = []
        self._in_flight: set[str] = set()
        self._lock = threading.Lock()
        self.url = ""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def take(self, lane: str, key: str) -> Response:
        with self._lock:
            if lane in self._in_flight:
                self.overlaps.append(lane)
            self._in_flight.add(lane)
            before = self.arrived.count((lane, key))
            self.arrived.append((lane, key))
        response = self.script(lane, key, before)
        time.sleep(response.seconds)
        with self._lock:
            self._in_flight.discard(lane)
            if response.status == 200 and key not in self.told[lane]:
                self.told[lane].append(key)
                self.seconds[key] = time.monotonic()
        return response


@contextmanager
def channel(script: Script = lambda *_: Response()) -> Iterator[ScriptedChannel]:
    peer = ScriptedChannel(script)

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            response = peer.take(body["lane"], body["key"])
            if not response.status:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Ping(CallHandler):
    """Tells of each task in a call of its own. Keys that begin with `unbuildable` or `inapplicable` trip it."""

    kind = "ping"

    def __init__(self, urls: Mapping[int, str]) -> None:
        self._urls = urls

    def build(self, tasks: Sequence[ClaimedTask]) -> Built:
        _trip(tasks, "unbuildable")
        return Built([self._call([task]) for task in tasks])

    def _call(self, tasks: Sequence[ClaimedTask]) -> Call:
        body = json.dumps({"lane": tasks[0].lane, "key": ",".join(task.key for task in tasks)}).encode()
        return Call(tasks, self._urls[tasks[0].queue_id], body, {"Content-Type": "application/json"})

    def apply(self, answers: Sequence[Answer]) -> list[Settlement]:
        settlements = []
        for answer in answers:
            _trip(answer.call.tasks, "inapplicable")
            settlements += [
                Settlement(task, *_judge(answer), blocks_lane=self.blocks_lane) for task in answer.call.tasks
            ]
        return settlements


class BatchPing(Ping):
    """Tells of all claimed tasks of a lane in one call, as inventory is told."""

    kind = "batch"
    batch: ClassVar[int] = 50
    blocks_lane: ClassVar[bool] = False

    def build(self, tasks: Sequence[ClaimedTask]) -> Built:
        _trip(tasks, "unbuildable")
        lanes: dict[str, list[ClaimedTask]] = defaultdict(list)
        for task in tasks:
            lanes[task.lane].append(task)
        return Built([self._call(of_lane) for of_lane in lanes.values()])


class Job(JobHandler):
    kind = "job"

    def __init__(self, run: Callable[[ClaimedTask], None]) -> None:
        self._run = run

    def run(self, task: ClaimedTask) -> Settlement:
        self._run(task)
        return Settlement(task, OutcomeClass.OK)


class UnexpectedTaskError(Exception):
    pass


def _trip(tasks: Sequence[ClaimedTask], word: str) -> None:
    for task in tasks:
        if task.key.startswith(word):
            raise UnexpectedTaskError(task.key)


def _judge(answer: Answer) -> tuple[OutcomeClass, str]:
    if answer.reply is None:
        assert answer.error is not None
        unknown = answer.error.effect == "unknown"
        return OutcomeClass.UNKNOWN if unknown else OutcomeClass.RETRYABLE, str(answer.error)
    status = answer.reply.status
    return (OutcomeClass.OK if status == 200 else OutcomeClass.RETRYABLE), f"HTTP {status}"
