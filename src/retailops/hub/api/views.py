"""The one view of the API: from a request to an action and back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import structlog
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic_core import to_json

from retailops.hub.api.actions import REGISTRY
from retailops.hub.api.body import read_object
from retailops.hub.api.errors import ApiError, Problem, http_status
from retailops.hub.api.paths import parse_path
from retailops.hub.api.principal import Principal, authenticate
from retailops.hub.api.replies import envelope, failure_envelope, status_of
from retailops.hub.observability.middleware import ACTION

log = structlog.get_logger(__name__)


@csrf_exempt  # A browser doesn't send the header apikey by itself.
def dispatch(request: HttpRequest) -> HttpResponse:
    """Answer one call. Whatever goes wrong is told as JSON, with a stable code."""
    request_id = _request_id()
    principal: Principal | None = None
    try:
        action = REGISTRY.find(*parse_path(request.path_info))
        request.META[ACTION] = f"{action.name}~{action.version}"
        _demand_post(request)
        principal = authenticate(request)
        principal.demand(action.name, action.scope)
        reply = action.run(principal, read_object(request))
        return _answer(envelope(reply, request_id), status_of(reply, strict=principal.strict_status))
    except ApiError as error:
        return _refuse(error.problems, request_id, principal, error.headers)
    except (OperationalError, InterfaceError):
        log.exception("api.database_failed")
        problem = Problem(
            "RETRY",
            "the database was away; it is not certain whether this was done. Repeat the call (before an edit, fetch the order)",
        )
        return _refuse([problem], request_id, principal, {"Retry-After": "1"})
    except DataError:
        # Every amount is within its own bounds, but a sum of them is not.
        log.warning("api.out_of_range", exc_info=True)
        problem = Problem(
            "OUT_OF_RANGE", "the amounts add up to more than can be stored; nothing was changed"
        )
        return _refuse([problem], request_id, principal)
    except Exception:
        log.exception("api.failed")
        problem = Problem(
            "INTERNAL", f"this is a fault of ours; nothing was changed. It is logged as {request_id}"
        )
        return _refuse([problem], request_id, principal)


def _demand_post(request: HttpRequest) -> None:
    if request.method != "POST":
        raise ApiError("METHOD_NOT_ALLOWED", "call actions with POST", headers={"Allow": "POST"})


def _request_id() -> str:
    """The id that the log lines of this request carry, too."""
    return str(structlog.contextvars.get_contextvars().get("request_id") or uuid.uuid4().hex)


def _refuse(
    problems: Sequence[Problem],
    request_id: str,
    principal: Principal | None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    strict = principal is not None and principal.strict_status
    return _answer(
        failure_envelope(problems, request_id), http_status(problems[0].code, strict=strict), headers
    )


def _answer(
    body: Mapping[str, object], status: int, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return HttpResponse(to_json(body), content_type="application/json", status=status, headers=headers)
