"""Retry policy and the meaning of outcomes. Pure: no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: A task that could not be told for this long is parked: longer than a long weekend.
RETRY_WINDOW_SECONDS = 76 * 3600
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 2 * 3600.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0
#: Attempts whose effect on the other side is unknown, before a person must look.
AMBIGUOUS_ATTEMPTS = 25
AMBIGUOUS_ATTEMPTS_WITH_MONEY = 8
#: Failures in a row after which a queue's circuit breaker opens, and how long it may stay open.
BREAKER_THRESHOLD = 10
BREAKER_LONGEST_SECONDS = 60.0


class OutcomeClass(StrEnum):
    """What came of an attempt. `unknown` is also what a crash leaves behind."""

    OK = "ok"
    OK_WITH_ERRORS = "ok_with_errors"
    REFUSED = "refused"
    RETRYABLE = "retryable"
    THROTTLED = "throttled"
    AUTH = "auth"
    REDIRECT = "redirect"
    PERMANENT = "permanent"
    VIOLATION = "violation"
    UNKNOWN = "unknown"

    @property
    def told(self) -> bool:
        """Whether the other side has heard and answered: the task is done."""
        return self in (OutcomeClass.OK, OutcomeClass.OK_WITH_ERRORS, OutcomeClass.REFUSED)

    @property
    def ambiguous(self) -> bool:
        """Whether the other side may have acted although we have no answer."""
        return self in (OutcomeClass.UNKNOWN, OutcomeClass.VIOLATION)

    @property
    def blames_destination(self) -> bool:
        """Whether the whole destination looks down, rather than this one task."""
        return self in (OutcomeClass.RETRYABLE, OutcomeClass.UNKNOWN)

    @property
    def stops_queue(self) -> bool:
        """Whether nothing can be told to this destination until a person has mended its settings."""
        return self in (OutcomeClass.AUTH, OutcomeClass.REDIRECT)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a task after an attempt: done, park it, or try again after `delay_seconds`."""

    state: str
    delay_seconds: float = 0.0


def judge(
    outcome: OutcomeClass,
    *,
    attempts: int,
    ambiguous_attempts: int,
    age_seconds: float,
    moves_money: bool,
    retry_after: float | None,
    jitter: float,
) -> Verdict:
    """Decide what follows an attempt.

    `attempts` and `ambiguous_attempts` count this one; `age_seconds` is since the first attempt; `jitter` is a random
    number in [0, 1), so that tasks that failed together don't come back together.
    """
    if outcome.told:
        return Verdict("succeeded")
    budget = AMBIGUOUS_ATTEMPTS_WITH_MONEY if moves_money else AMBIGUOUS_ATTEMPTS
    too_ambiguous = outcome.ambiguous and ambiguous_attempts >= budget
    if outcome is OutcomeClass.PERMANENT or too_ambiguous or age_seconds >= RETRY_WINDOW_SECONDS:
        return Verdict("parked")
    return Verdict("queued", retry_delay(attempts, retry_after=retry_after, jitter=jitter))


def retry_delay(attempts: int, *, retry_after: float | None, jitter: float) -> float:
    """Return seconds to wait before attempt `attempts + 1`; the other side's Retry-After is honoured up to an hour."""
    if retry_after is not None:
        return min(max(retry_after, 0.0), LONGEST_RETRY_AFTER_SECONDS) * (1 + jitter * 0.1)
    exponent = min(max(attempts - 1, 0), 30)
    return min(FIRST_DELAY_SECONDS * 2.0**exponent, LONGEST_DELAY_SECONDS) * (0.75 + jitter * 0.5)


def breaker_delay(failures_in_row: int) -> float | None:
    """Return for how long a queue's breaker opens after its latest failure; `None`: it stays closed."""
    if failures_in_row < BREAKER_THRESHOLD:
        return None
    return min(0.5 * 2.0 ** min(failures_in_row - BREAKER_THRESHOLD, 10), BREAKER_LONGEST_SECONDS)
