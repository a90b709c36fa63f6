"""The retry policy, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailops.hub.tasks.rules import (
    AMBIGUOUS_ATTEMPTS,
    AMBIGUOUS_ATTEMPTS_WITH_MONEY,
    BREAKER_LONGEST_SECONDS,
    BREAKER_THRESHOLD,
    LONGEST_DELAY_SECONDS,
    LONGEST_RETRY_AFTER_SECONDS,
    RETRY_WINDOW_SECONDS,
    OutcomeClass,
    Verdict,
    breaker_delay,
    judge,
    retry_delay,
)

JITTER = st.floats(min_value=0, max_value=1, exclude_max=True)
TOLD = [OutcomeClass.OK, OutcomeClass.OK_WITH_ERRORS, OutcomeClass.REFUSED]
UNTOLD = [outcome for outcome in OutcomeClass if outcome not in TOLD]


def _judge(outcome: OutcomeClass, **changes: object) -> Verdict:
    facts: dict[str, object] = {
        "attempts": 1, "ambiguous_attempts": 0, "age_seconds": 0.0, "moves_money": False, "retry_after": None, "jitter": 0.5,
    }  # fmt: skip
    return judge(outcome, **(facts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", TOLD)
@given(attempts=st.integers(1, 10**6), age=st.floats(0, 10**9))
def test_what_was_heard_is_done_however_late(outcome, attempts, age):
    verdict = _judge(outcome, attempts=attempts, ambiguous_attempts=attempts, age_seconds=age)
    assert verdict == Verdict("succeeded")


@pytest.mark.parametrize("outcome", [outcome for outcome in UNTOLD if outcome is not OutcomeClass.PERMANENT])
def test_the_window_is_76_hours(outcome):
    assert RETRY_WINDOW_SECONDS == 76 * 3600
    assert _judge(outcome, age_seconds=RETRY_WINDOW_SECONDS - 1).state == "queued"
    assert _judge(outcome, age_seconds=RETRY_WINDOW_SECONDS) == Verdict("parked")


def test_what_can_never_succeed_is_parked_at_once():
    assert _judge(OutcomeClass.PERMANENT) == Verdict("parked")


@pytest.mark.parametrize("outcome", [OutcomeClass.UNKNOWN, OutcomeClass.VIOLATION])
@pytest.mark.parametrize(
    "moves_money, budget", [(False, AMBIGUOUS_ATTEMPTS), (True, AMBIGUOUS_ATTEMPTS_WITH_MONEY)]
)
def test_unknown_effects_have_a_budget_and_money_a_smaller_one(outcome, moves_money, budget):
    assert (AMBIGUOUS_ATTEMPTS, AMBIGUOUS_ATTEMPTS_WITH_MONEY) == (25, 8)
    assert _judge(outcome, ambiguous_attempts=budget - 1, moves_money=moves_money).state == "queued"
    assert _judge(outcome, ambiguous_attempts=budget, moves_money=moves_money) == Verdict("parked")


@pytest.mark.parametrize(
    "outcome", [OutcomeClass.RETRYABLE, OutcomeClass.THROTTLED, OutcomeClass.AUTH, OutcomeClass.REDIRECT]
)
def test_attempts_known_to_have_no_effect_use_up_no_budget(outcome):
    assert _judge(outcome, ambiguous_attempts=1000, moves_money=True).state == "queued"


@given(attempts=st.integers(1, 10**9), jitter=JITTER)
def test_delays_double_up_to_two_hours_a_quarter_either_way(attempts, jitter):
    middle = min(2.0 * 2.0 ** min(attempts - 1, 100), 7200.0)
    assert middle * 0.75 <= retry_delay(attempts, retry_after=None, jitter=jitter) <= middle * 1.25
    assert LONGEST_DELAY_SECONDS == 7200


@given(attempts=st.integers(1, 40), jitter=JITTER, wait=st.floats(allow_nan=False))
def test_retry_after_is_honoured_between_zero_and_an_hour_and_a_tenth(attempts, jitter, wait):
    delay = retry_delay(attempts, retry_after=wait, jitter=jitter)
    honoured = min(max(wait, 0.0), 3600.0)
    assert honoured <= delay <= honoured * 1.1
    assert LONGEST_RETRY_AFTER_SECONDS == 3600


def test_a_task_is_tried_dozens_of_times_before_it_is_parked():
    age, attempts = 0.0, 0
    while age < RETRY_WINDOW_SECONDS:
        attempts += 1
        age += retry_delay(attempts, retry_after=None, jitter=0.5)
    assert 40 < attempts < 60


def test_the_breaker_opens_after_ten_failures_and_never_for_more_than_a_minute():
    assert [breaker_delay(failures) for failures in (0, 1, BREAKER_THRESHOLD - 1)] == [None, None, None]
    assert [breaker_delay(failures) for failures in (10, 11, 12, 16)] == [0.5, 1.0, 2.0, 32.0]
    assert breaker_delay(10**6) == BREAKER_LONGEST_SECONDS == 60


def test_only_what_blames_the_destination_opens_its_breaker_and_only_settings_stop_it():
    assert {o for o in OutcomeClass if o.blames_destination} == {OutcomeClass.RETRYABLE, OutcomeClass.UNKNOWN}
    assert {o for o in OutcomeClass if o.stops_queue} == {OutcomeClass.AUTH, OutcomeClass.REDIRECT}
    assert {o for o in OutcomeClass if o.told} == set(TOLD)
