"""What came of a call, in the hub's words: a page that could be read, or a classified failure. No database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from retailops.contract.redaction import redact
from retailops.contract.strict_json import JsonError, dump, parse
from retailops.contract.violations import ContractViolation, Violation
from retailops.hub.tasks.handlers import Answer
from retailops.hub.tasks.operations.settle_tasks import EXCERPT_LENGTH
from retailops.hub.tasks.rules import LONGEST_RETRY_AFTER_SECONDS, OutcomeClass
from retailops.outbound.aiohttp_client import Reply
from retailops.outbound.errors import AddressRefused, OutboundError, RedirectRefused, RequestRefused

Page = TypeVar("Page")

#: Bodies longer than this are not taken apart for the log.
LONGEST_LOGGED = 256 * 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """A call without a usable reply. `retry_after` is in seconds; `violations` are the rules the reply broke."""

    outcome: OutcomeClass
    message: str
    http_status: int | None = None
    retry_after: float | None = None
    violations: tuple[Violation, ...] = ()

    def judged(self, outcome: OutcomeClass, message: str) -> Failure:
        """The same failure, judged differently."""
        return replace(self, outcome=outcome, message=message)


def hear(answer: Answer, read: Callable[[bytes], Page]) -> Page | Failure:
    """Read an answer with `read`, which raises `JsonError` or `ContractViolation` for what is not per contract."""
    if answer.reply is None:
        return _no_reply(answer.error)
    if answer.reply.status != HTTPStatus.OK:
        return _bad_status(answer.reply)
    try:
        return read(answer.reply.body)
    except JsonError as error:
        found = Violation("", f"must be JSON: {error.code}")
        return Failure(OutcomeClass.VIOLATION, str(error), HTTPStatus.OK, violations=(found,))
    except ContractViolation as error:
        return Failure(OutcomeClass.VIOLATION, str(error), HTTPStatus.OK, violations=tuple(error.violations))


def retry_after(value: str, *, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date, as seconds from 0 to an hour; `None` if it is neither."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        # Long digit strings are refused by int() itself; they mean "long".
        seconds = float(text[:9])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def log_excerpt(body: bytes) -> str:
    """A body for the log, without what could identify a person or open a door; what can't be redacted is not kept."""
    if len(body) <= LONGEST_LOGGED:
        try:
            return dump(redact(parse(body))).decode()[:EXCERPT_LENGTH]
        except JsonError:
            pass
    return summary(body)


def summary(body: bytes) -> str:
    """What is kept of a body that nobody will need to look at."""
    return f"({len(body)} bytes)"


def _no_reply(error: OutboundError | None) -> Failure:
    if error is None:
        return Failure(OutcomeClass.UNKNOWN, "no answer")
    message = f"{error.outcome}: {error}"
    if isinstance(error, RedirectRefused | AddressRefused | RequestRefused):
        # The address itself is wrong: nothing can be told until a person has corrected it.
        return Failure(OutcomeClass.REDIRECT, message, error.status)
    if error.status is not None and error.status != HTTPStatus.OK:
        return Failure(_outcome_of(error.status), f"HTTP {error.status}; {message}", error.status)
    sent = error.effect == "unknown"
    return Failure(OutcomeClass.UNKNOWN if sent else OutcomeClass.RETRYABLE, message, error.status)


def _bad_status(reply: Reply) -> Failure:
    outcome = _outcome_of(reply.status)
    message = f"HTTP {reply.status}"
    if outcome is OutcomeClass.AUTH:
        message += ": the channel does not accept the auth key; correct it, then resume the channel"
    if outcome is OutcomeClass.VIOLATION:
        found = Violation("(status)", f"must be 200, not {reply.status}")
        return Failure(outcome, f"{message}: only 200 means success", reply.status, violations=(found,))
    wait = reply.headers.get("retry-after") if outcome is OutcomeClass.THROTTLED else None
    seconds = retry_after(wait, now=_date_of(reply)) if wait else None
    return Failure(outcome, message, reply.status, seconds)


def _outcome_of(status: int) -> OutcomeClass:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return OutcomeClass.AUTH
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return OutcomeClass.THROTTLED
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutcomeClass.RETRYABLE
    if status >= HTTPStatus.BAD_REQUEST:
        return OutcomeClass.PERMANENT
    return OutcomeClass.REDIRECT if status >= HTTPStatus.MULTIPLE_CHOICES else OutcomeClass.VIOLATION


def _date_of(reply: Reply) -> datetime:
    """The channel's own clock where it tells it: its Retry-After dates are by that clock."""
    try:
        moment = parsedate_to_datetime(reply.headers.get("date", ""))
    except ValueError:
        return datetime.now(UTC)
    return moment.replace(tzinfo=moment.tzinfo or UTC)
