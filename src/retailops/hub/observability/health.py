"""`/livez`, `/readyz` and `/metrics`.

Answered by a middleware ahead of the others: probes call by address, which ALLOWED_HOSTS would refuse, and need
neither session, routing, nor a line in the log.
"""

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST

from retailops.hub.observability.metrics import exposition

DATABASE_SECONDS = 1.0
CLOCK_SECONDS = 2.0

# One thread: while a database hangs, probes queue up behind one connection and not behind many.
_probe = ThreadPoolExecutor(1, thread_name_prefix="readyz")


@dataclass(frozen=True)
class Readiness:
    """Check name → "ok" or what is wrong."""

    checks: dict[str, str]

    @property
    def ready(self) -> bool:
        """Whether requests can be served."""
        return all(result == "ok" for result in self.checks.values())


def answer_probes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: answer the paths for machines, pass everything else on."""

    def middleware(request: HttpRequest) -> HttpResponse:
        answer = PROBES.get(request.path)
        return answer() if answer is not None else get_response(request)

    return middleware


def readiness() -> Readiness:
    """Ask the database, within a second: is it there, is it ours, does its clock agree with this machine's?"""
    try:
        now, applied = _probe.submit(_ask_database, connection.get_connection_params()).result(
            DATABASE_SECONDS
        )
    except FutureTimeoutError:
        return Readiness({"database": f"no answer within {DATABASE_SECONDS:.0f} s"})
    except psycopg.Error as error:
        return Readiness({"database": type(error).__name__})
    return Readiness({"database": "ok", "migrations": _judge_migrations(applied), "clock": _judge_clock(now)})


def _ask_database(params: dict[str, object]) -> tuple[datetime, frozenset[tuple[str, str]]]:
    with psycopg.connect(**{**params, "connect_timeout": 2}) as fresh:  # type: ignore[arg-type] # as Django does
        [(now, table)] = fresh.execute(
            "SELECT clock_timestamp(), to_regclass('django_migrations')::text"
        ).fetchall()
        applied = fresh.execute("SELECT app, name FROM django_migrations").fetchall() if table else []
    return now, frozenset((str(app), str(name)) for app, name in applied)


def _judge_migrations(applied: frozenset[tuple[str, str]]) -> str:
    missing = sorted(f"{app}.{name}" for app, name in _newest_migrations() - applied)
    return f"not applied: {', '.join(missing)}; run `retailops migrate`" if missing else "ok"


def _judge_clock(now: datetime) -> str:
    offset = now.timestamp() - time.time()
    return (
        "ok"
        if abs(offset) <= CLOCK_SECONDS
        else f"the database's clock is {offset:+.1f} s from this machine's"
    )


@functools.cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _livez() -> HttpResponse:
    return JsonResponse({"status": "alive"})


def _readyz() -> HttpResponse:
    state = readiness()
    body = {"status": "ready" if state.ready else "unready", "checks": state.checks}
    return JsonResponse(body, status=200 if state.ready else 503)


def _metrics() -> HttpResponse:
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


PROBES: dict[str, Callable[[], HttpResponse]] = {"/livez": _livez, "/readyz": _readyz, "/metrics": _metrics}
