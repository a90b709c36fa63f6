"""One log line and one measurement a request, and an id that follows it."""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from retailops.hub.observability.metrics import observe_request

HEADER = "X-Request-ID"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

#: Where the API leaves the name of the action it runs. Clients can't set it: their headers arrive as HTTP_….
ACTION = "RETAILOPS_ACTION"

log = structlog.get_logger(__name__)


def observe_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: give the request an id (a caller's own is kept if it is harmless), log and measure the answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            seconds = time.perf_counter() - started
            route = _route(request)
            observe_request(
                method=request.method or "", route=route, status=response.status_code, seconds=seconds
            )
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                duration_ms=round(seconds * 1000, 1),
            )
        response.headers[HEADER] = request_id
        return response

    return middleware


def _route(request: HttpRequest) -> str:
    """The pattern that matched, never the path: paths are unbounded, and may name people."""
    if action := request.META.get(ACTION):
        return str(action)
    match = request.resolver_match
    if match is not None and match.url_name == "api":
        return "(no such action)"
    return f"/{match.route}" if match is not None else "(none)"
