"""The client against answers it is made to get, over a real socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from retailops.client import CallFailed, ConnectionFailed, PartialFailure, RetailOps

Scripted = tuple[int, object, dict[str, str]]

OK: Scripted = (200, {"success": 1, "records": [{"id": 1}], "request_id": "r1"}, {})


@dataclass
class Script:
    """A server that gives the next answer of its list to each call, and remembers the calls."""

    answers: list[Scripted]
    calls: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    url: str = ""

    @contextlib.contextmanager
    def served(self) -> Iterator[Script]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                script.calls.append((self.path, headers, json.loads(body)))
                status, content, extra = script.answers[min(len(script.calls), len(script.answers)) - 1]
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@contextlib.contextmanager
def client(waits: list[float], *answers: Scripted) -> Iterator[tuple[RetailOps, Script]]:
    with (
        Script(list(answers)).served() as script,
        RetailOps("a key", script.url, timeout=10, sleep=waits.append) as made,
    ):
        yield made, script


def test_a_call_sends_the_key_in_the_header_and_the_version_in_the_path(waits: list[float]) -> None:
    with client(waits, OK) as (hub, script):
        hub.call("Vendor.PO.Fetch", limit=5)
        hub.update_external_skus([{"vpc": "V", "quantity": 1}])
    (first, headers, body), (second, _, _) = script.calls
    assert (first, headers["apikey"], headers["content-type"], body) == (
        "/Vendor/PO/Fetch.json", "a key", "application/json", {"limit": 5},
    )  # fmt: skip
    assert second == "/Product/ExternalSku/Update~2.json"


def test_a_result_has_records_warnings_and_the_request_id(waits: list[float]) -> None:
    with client(waits, OK) as (hub, _):
        result = hub.fetch_orders()
    assert (result.records, result.warnings, result.request_id, result.next_after) == (
        [{"id": 1}],
        [],
        "r1",
        None,
    )


@pytest.mark.parametrize("status", [429, 503])
def test_429_and_503_are_tried_again_after_what_the_server_asks_for(waits: list[float], status: int) -> None:
    busy: Scripted = (
        status,
        {"success": 0, "ERRORCODE": "RATE_LIMITED", "ERROR": "slow down"},
        {"Retry-After": "7"},
    )
    with client(waits, busy, busy, OK) as (hub, script):
        assert hub.fetch_pos().records == [{"id": 1}]
    assert (len(script.calls), waits) == (3, [7.0, 7.0])


def test_retries_end(waits: list[float]) -> None:
    busy: Scripted = (503, {"success": 0, "ERRORCODE": "RETRY", "ERROR": "busy"}, {"Retry-After": "9" * 9})
    with client(waits, busy) as (hub, script), pytest.raises(CallFailed, match="RETRY: busy"):
        hub.fetch_pos()
    assert (len(script.calls), waits) == (4, [30.0, 30.0, 30.0])


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500])
def test_nothing_else_is_tried_again(waits: list[float], status: int) -> None:
    with (
        client(waits, (status, {"success": 0, "ERRORCODE": "X", "ERROR": "no"}, {})) as (hub, script),
        pytest.raises(CallFailed),
    ):
        hub.fetch_pos()
    assert len(script.calls) == 1


def test_an_edit_is_never_tried_again(waits: list[float]) -> None:
    busy: Scripted = (503, {"success": 0, "ERRORCODE": "RETRY", "ERROR": "busy"}, {})
    with client(waits, busy, OK) as (hub, script), pytest.raises(CallFailed):
        hub.edit_order([{"sku": "A", "quantity": 1}], order_id=1)
    assert (len(script.calls), waits) == (1, [])


def test_an_unreachable_hub_is_tried_and_told(waits: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with (
            RetailOps("key", url, sleep=waits.append) as hub,
            pytest.raises(ConnectionFailed, match="nothing was sent"),
        ):
            hub.status()
    assert len(waits) == 3


def test_a_failure_carries_code_message_and_path(waits: list[float]) -> None:
    body = {
        "success": 0,
        "ERROR": "limit: must be from 1 to 1000, not 0",
        "ERRORCODE": "LIMIT_OUT_OF_RANGE",
        "errors": [
            {"code": "LIMIT_OUT_OF_RANGE", "message": "must be from 1 to 1000, not 0", "path": "limit"}
        ],
        "request_id": "r9",
    }
    with client(waits, (400, body, {})) as (hub, _), pytest.raises(CallFailed) as failed:
        hub.fetch_pos(limit=0)
    assert (failed.value.code, failed.value.path, failed.value.result.status) == (
        "LIMIT_OUT_OF_RANGE",
        "limit",
        400,
    )
    assert "[request r9]" in str(failed.value)
    assert not isinstance(failed.value, PartialFailure)


def test_a_partial_failure_names_the_records(waits: list[float]) -> None:
    bad = {
        "index": 1,
        "status": "error",
        "errors": [{"code": "PO_NOT_FOUND", "message": "there is no PO D2", "path": "po"}],
    }
    body = {"success": 0, "partial": 1, "ERROR": "1 of 2 records failed", "ERRORCODE": "PARTIAL_FAILURE"}
    with (
        client(waits, (200, {**body, "records": [{"index": 0, "status": "ok"}, bad]}, {})) as (hub, _),
        pytest.raises(PartialFailure) as failed,
    ):
        hub.mark_pos_submitted([{"po": "D1"}, {"po": "D2"}])
    [issue] = failed.value.issues
    assert (issue.index, issue.code, issue.path) == (1, "PO_NOT_FOUND", "po")
    assert len(failed.value.result.records) == 2


@pytest.mark.parametrize("answer", [(200, b"<html>", {}), (502, b"", {}), (200, [1], {}), (200, b"\xff", {})])
def test_what_is_not_the_apis_answer_is_told(waits: list[float], answer: Scripted) -> None:
    with client(waits, answer) as (hub, _), pytest.raises(ConnectionFailed, match="check base_url"):
        hub.status()


def test_redirects_are_not_followed_with_the_key(waits: list[float]) -> None:
    with (
        client(waits, (307, b"", {"Location": "http://127.0.0.1:9/"})) as (hub, script),
        pytest.raises(ConnectionFailed),
    ):
        hub.status()
    assert len(script.calls) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1/", "http://[::1]:1", "https://hub.example.com"]
)
def test_loopback_may_be_plain_http(url: str) -> None:
    RetailOps("key", url).close()


@pytest.mark.parametrize(
    "url", ["http://hub.example.com", "http://10.0.0.1", "ftp://x", "hub.example.com", "https://u:p@x", ""]
)
def test_a_key_does_not_travel_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        RetailOps("key", url)


def test_plain_http_can_be_asked_for() -> None:
    RetailOps("key", "http://hub:8000", allow_plain_http=True).close()


def test_iterators_walk_the_pages(waits: list[float]) -> None:
    pages: list[Scripted] = [
        (200, {"success": 1, "records": [{"id": 1}, {"id": 2}], "next_after": "2"}, {}),
        (200, {"success": 1, "records": [{"id": 3}], "next_after": None}, {}),
    ]
    with client(waits, *pages) as (hub, script):
        assert [record["id"] for record in hub.iter_shipments(limit=2)] == [1, 2, 3]
    assert [body for _, _, body in script.calls] == [{"limit": 2}, {"limit": 2, "after": "2"}]
