"""What an action answers, and the envelope around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

from retailops.hub.api.errors import Problem, http_status


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing that fails nothing."""

    code: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What became of one record. `facts` is a dataclass whose fields are told beside the status; no problems: ok."""

    facts: object = None
    changed: bool = False
    problems: Sequence[Problem] = ()
    warnings: list[Notice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reply:
    """An action's answer. `failure` is what is told in ERROR and ERRORCODE; `None`: everything is ok."""

    content: Mapping[str, object]
    failure: Problem | None = None
    partial: bool = False


def reply_to_batch(outcomes: Sequence[Outcome], warnings: Sequence[Notice], *, detailed: bool) -> Reply:
    """Return the answer for records; with `detailed` off, only failed ones are listed."""
    records = [
        _record(index, outcome) for index, outcome in enumerate(outcomes) if detailed or outcome.problems
    ]
    content: dict[str, object] = {"records": records}
    if warnings:
        content["warnings"] = warnings
    failed = [outcome.problems[0] for outcome in outcomes if outcome.problems]
    if failed or not detailed:
        content |= {"ok_count": len(outcomes) - len(failed), "error_count": len(failed)}
    if not failed:
        return Reply(content)
    if len(outcomes) == 1:
        return Reply(content, failed[0])
    summary = Problem("PARTIAL_FAILURE", f"{len(failed)} of {len(outcomes)} records failed")
    return Reply(content, summary, partial=len(failed) < len(outcomes))


def _record(index: int, outcome: Outcome) -> dict[str, object]:
    record: dict[str, object] = {"index": index, **shallow(outcome.facts)}
    record["status"] = "error" if outcome.problems else "ok"
    if outcome.problems:
        record["errors"] = [wire_problem(problem) for problem in outcome.problems]
    else:
        record["changed"] = int(outcome.changed)
    if outcome.warnings:
        record["warnings"] = outcome.warnings
    return record


def shallow(instance: object) -> dict[str, object]:
    """Return a dataclass instance's fields; nothing for `None`."""
    if instance is None:
        return {}
    return {item.name: getattr(instance, item.name) for item in fields(instance)}  # type: ignore[arg-type] # a dataclass


def wire_problem(problem: Problem) -> dict[str, object]:
    """Return a problem without the fields that say nothing."""
    return {name: value for name, value in shallow(problem).items() if value is not None}


def envelope(reply: Reply, request_id: str) -> dict[str, object]:
    """Return the body of an answer that has records."""
    head: dict[str, object] = {"success": int(reply.failure is None)}
    if reply.failure is not None:
        if reply.partial:
            head["partial"] = 1
        head |= {"ERROR": reply.failure.message, "ERRORCODE": reply.failure.code}
    return {**head, **reply.content, **_foot(request_id)}


def failure_envelope(problems: Sequence[Problem], request_id: str) -> dict[str, object]:
    """Return the body of an answer to a call that is refused as a whole."""
    return {
        "success": 0,
        "ERROR": problems[0].message,
        "ERRORCODE": problems[0].code,
        "errors": [wire_problem(problem) for problem in problems],
    } | _foot(request_id)


def status_of(reply: Reply, *, strict: bool) -> int:
    """Return the HTTP status of an answer that has records."""
    return 200 if reply.failure is None else http_status(reply.failure.code, strict=strict)


def _foot(request_id: str) -> dict[str, object]:
    return {"request_id": request_id, "server_time": datetime.now(UTC)}
