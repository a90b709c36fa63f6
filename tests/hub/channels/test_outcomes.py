"""Every answer ends in a recorded, classified outcome."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.hub.channels.support import apply_all, apply_one, build_one, error_event, make_task
from tests.hub.factories import import_now, incoming, make_channel, make_sku

from retailops.contract.strict_json import parse
from retailops.contract.violations import Violation
from retailops.hub.channels.interactions.hear import LONGEST_LOGGED, log_excerpt, retry_after
from retailops.hub.channels.models import Channel, ContractViolation
from retailops.hub.channels.operations.record_violations import record_violations
from retailops.hub.tasks.handlers import Answer, Call
from retailops.outbound.errors import (
    AddressRefused,
    BadEncoding,
    ConnectFailed,
    ConnectionLost,
    OutboundError,
    RedirectRefused,
    RequestRefused,
    TimedOut,
    TooLarge,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def channel() -> Channel:
    make_sku("A")
    return make_channel()


@pytest.fixture
def cancel(channel: Channel) -> Call:
    order_id = import_now(channel, incoming("1", [("A", 1)])).created["1"]
    return build_one(make_task("order_cancel", channel, order_id, order_id=order_id))


@pytest.mark.parametrize(
    "status, outcome",
    [
        (201, "violation"), (204, "violation"), (304, "redirect"), (400, "permanent"), (401, "auth"), (403, "auth"),
        (404, "permanent"), (408, "retryable"), (422, "permanent"), (429, "throttled"), (500, "retryable"),
        (502, "retryable"), (503, "throttled"), (599, "retryable"),
    ],
)  # fmt: skip
def test_a_status_has_an_outcome(cancel: Call, status: int, outcome: str) -> None:
    settlement = apply_one(cancel, {}, status)
    assert (settlement.outcome.value, settlement.http_status) == (outcome, status)
    assert settlement.message.startswith(f"HTTP {status}")


@pytest.mark.parametrize(
    "error, outcome",
    [
        (ConnectFailed("refused"), "retryable"),
        (TimedOut("connecting"), "retryable"),
        (TimedOut("reply", effect="unknown"), "unknown"),
        (ConnectionLost("reset", effect="unknown"), "unknown"),
        (TooLarge("9 MB", effect="unknown", status=200), "unknown"),
        (TooLarge("9 MB", effect="unknown", status=500), "retryable"),
        (BadEncoding("br", effect="unknown", status=401), "auth"),
        (RedirectRefused("302", effect="unknown", status=302), "redirect"),
        (AddressRefused("10.0.0.1 is private"), "redirect"),
        (RequestRefused("port 25"), "redirect"),
    ],
)
def test_an_error_of_the_transport_has_an_outcome(cancel: Call, error: OutboundError, outcome: str) -> None:
    (settlement,) = apply_all([Answer(cancel, error=error)])
    assert settlement.outcome.value == outcome
    assert str(error) in settlement.message


@pytest.mark.parametrize(
    "body, outcome",
    [
        ({}, "ok"),
        ({"status": "success"}, "ok"),
        ({"status": "success", "events": None}, "ok"),
        ({"status": "fail"}, "refused"),
        ({"status": "fail", "events": []}, "refused"),
        ({"status": "success", "events": [error_event("shipped already")]}, "refused"),
        ({"events": [{"event_type": "warning", "message": "late"}]}, "ok"),
        ({"event_type": "error", "message": "alone"}, "refused"),
        # Not usable in parts: those are left out, named, and the rest stands.
        ({"status": "cancelled"}, "ok"),
        ({"events": "none"}, "ok"),
        ({"events": [1, "x", {}, None]}, "ok"),
        ({"status": "fail", "events": [{"event_type": 5}]}, "refused"),
    ],
)
def test_a_reply_has_an_outcome(cancel: Call, body: object, outcome: str) -> None:
    assert apply_one(cancel, body).outcome.value == outcome


MALFORMED = [
    b"", b" ", b"null", b"true", b"7", b'"ok"', b"[]", b"[{}]", b"{", b"{}{}", b"<html></html>", b"\xef\xbb\xbf{}", b"\xff\xfe",
    b'{"status": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}', b'{"a": "\\ud800"}', b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"a": 1e999999999}', b"{'status': 'success'}",
]  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_reply_is_a_recorded_violation(cancel: Call, channel: Channel, body: bytes) -> None:
    settlement = apply_one(cancel, body)
    assert settlement.outcome.value == "violation"
    assert settlement.message
    violation = ContractViolation.objects.get()
    assert (violation.channel_id, violation.interaction, violation.count) == (channel.pk, "order_cancel", 1)


def test_a_readable_reply_that_breaks_rules_is_ok_and_the_rules_are_counted(cancel: Call) -> None:
    body = {"status": "success", "satus": 1, "events": [{"event_type": "error!"}, {"event_type": "info?"}]}
    apply_one(cancel, body)
    apply_one(cancel, body)
    found = dict(ContractViolation.objects.values_list("path", "count"))
    assert found == {"events[].event_type": 4, "satus": 2}


def test_violations_keep_no_personal_data(channel: Channel) -> None:
    violations = [
        Violation("orders[3].billing_address.first_name", "must be a string", "Ada"),
        Violation("orders[3].currency_code", "must be one of", "SEK"),
        Violation("orders[4]", "must be an object", '{"first_name":"Ada"}'),
        Violation("", "must be an object", '["ada@example.com"]'),
    ]
    record_violations(interaction="order_pull", found=[(channel.pk, violations)])
    assert sorted(ContractViolation.objects.values_list("path", "excerpt")) == [
        ("", "***"), ("orders[]", "***"), ("orders[].billing_address.first_name", "***"), ("orders[].currency_code", "SEK"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value, seconds",
    [
        ("7", 7.0), (" 0 ", 0.0), ("-5", None), ("1.5", None), ("soon", None), ("99999999999999999999", 3600.0),
        ("Sat, 31 Jan 2026 12:00:30 GMT", 30.0), ("Sat, 31 Jan 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Feb 2026 12:00:00 GMT", 3600.0), ("Sat, 31 Jan 2026 12:00:30 -0000", 30.0), ("٣", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_within_bounds(value: str, seconds: float | None) -> None:
    assert retry_after(value, now=NOON) == seconds


def test_retry_after_dates_are_by_the_channels_own_clock(cancel: Call) -> None:
    headers = {"retry-after": "Sat, 31 Jan 2026 12:00:30 GMT", "date": "Sat, 31 Jan 2026 12:00:00 GMT"}
    assert apply_one(cancel, {}, 503, headers).retry_after == 30.0
    assert apply_one(cancel, {}, 503, {"retry-after": "20"}).retry_after == 20.0
    assert apply_one(cancel, {}, 500, {"retry-after": "20"}).retry_after is None


def test_failures_are_logged_without_secrets_and_personal_data(cancel: Call) -> None:
    settlement = apply_one(cancel, {"message": "no", "customer": "Ada", "token": "a key for tests"}, 500)
    assert parse(settlement.request_excerpt.encode()) == {
        "integration_auth_token": "***", "action": "order_cancel", "version": 1, "client_id": 1,
        "channel_info": {"id": cancel.context.channel.pk},  # type: ignore[attr-defined]
        "order": {"channel_order_refnum": "1", "retailops_order_id": cancel.tasks[0].subject_id},
    }  # fmt: skip
    assert parse(settlement.response_excerpt.encode()) == {"message": "no", "customer": "***", "token": "***"}


def test_what_cannot_be_redacted_is_not_logged(cancel: Call) -> None:
    settlement = apply_one(cancel, b"<html>token: a key for tests</html>", 500)
    assert settlement.response_excerpt == "(35 bytes)"
    assert log_excerpt(b'"' + b"x" * LONGEST_LOGGED + b'"') == f"({LONGEST_LOGGED + 2} bytes)"


def test_success_is_logged_in_brief(cancel: Call) -> None:
    settlement = apply_one(cancel, {"status": "success"})
    assert (settlement.request_excerpt, settlement.response_excerpt) == (
        f"({len(cancel.body)} bytes)",
        "(21 bytes)",
    )


def test_money_and_lanes_are_judged_by_interaction(channel: Channel) -> None:
    from retailops.hub.channels.handlers import HANDLERS
    from retailops.hub.channels.interactions.base import Interaction

    interactions = {kind: each for kind, each in HANDLERS.items() if isinstance(each, Interaction)}
    assert {kind for kind, each in interactions.items() if each.moves_money} == {
        "order_settle_payment", "order_returned", "payment_credit",
    }  # fmt: skip
    assert {kind for kind, each in interactions.items() if not each.blocks_lane} == {
        "order_pull", "catalog_push", "inventory_push", "catalog_get_config",
    }  # fmt: skip
