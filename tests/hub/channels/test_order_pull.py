"""Walking through a channel's pages."""

from __future__ import annotations

import pytest
from tests.hub.channels.pages import order, page, pull, refnums
from tests.hub.channels.support import apply_one, build_one, make_task, sent
from tests.hub.factories import make_channel, make_listing, make_sku

from retailops.hub.channels.models import Channel, ChannelCursor, ContractViolation
from retailops.hub.channels.operations import move_cursor

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    channel = make_channel()
    make_listing(channel, make_sku("A"))
    return channel


def cursor() -> ChannelCursor:
    return ChannelCursor.objects.get()


def test_pages_are_walked_to_the_end_and_the_walk_begins_anew(channel: Channel) -> None:
    assert sent(build_one(make_task("order_pull", channel)))["page_token"] == ""
    assert pull(channel, page(order("1"), token="t2")).again
    assert cursor().page_token == "t2"
    assert cursor().walk_finished_at is None
    call = build_one(make_task("order_pull", channel))
    assert sent(call)["page_token"] == "t2"
    assert "specific_orders" not in sent(call)
    assert pull(channel, page(order("2"), token="t3")).again
    assert not pull(channel, page(order("3"))).again
    assert (cursor().page_token, cursor().walk_tokens) == ("", [])
    assert cursor().walk_finished_at is not None
    assert refnums() == ["1", "2", "3"]


def test_each_page_is_a_message_of_its_own_and_constant_over_retries(channel: Channel) -> None:
    task = make_task("order_pull", channel)
    first, retried = build_one(task), build_one(task)
    assert first.headers["webhook-id"] == retried.headers["webhook-id"]
    pull(channel, page(token="t2"))
    assert build_one(task).headers["webhook-id"] != first.headers["webhook-id"]


def test_a_token_that_comes_again_ends_the_walk(channel: Channel) -> None:
    for token in ("t1", "t2", "t3"):
        assert pull(channel, page(token=token)).again
    settlement = pull(channel, page(order("late"), token="t2"))
    assert (settlement.again, settlement.outcome.value) == (False, "ok_with_errors")
    assert (cursor().page_token, refnums()) == ("", ["late"])
    violation = ContractViolation.objects.get()
    assert (violation.path, violation.message) == (
        "next_page_token", "was sent before in this walk; the walk was ended",
    )  # fmt: skip
    # In the next walk the same tokens are fine.
    assert pull(channel, page(token="t2")).again


def test_a_walk_has_a_limit(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(move_cursor, "MOST_PAGES", 3)
    walked = [pull(channel, page(token=f"t{number}")).again for number in range(5)]
    assert walked == [True, True, True, False, True]
    assert ContractViolation.objects.get().message == "still goes on after 3 pages; the walk was ended"


def test_a_long_token_goes_back_as_it_came_and_is_a_violation(channel: Channel) -> None:
    token = "x" * 300
    assert pull(channel, page(token=token)).again
    assert sent(build_one(make_task("order_pull", channel)))["page_token"] == token
    assert ContractViolation.objects.get().path == "next_page_token"


def test_a_refused_token_starts_the_walk_again_next_time(channel: Channel) -> None:
    pull(channel, page(token="old"))
    settlement = pull(channel, {}, 400)
    assert (settlement.outcome.value, settlement.again) == ("refused", False)
    assert "starts from the beginning" in settlement.message
    assert cursor().page_token == ""
    # A blank token can't be what was wrong: the same task goes on trying.
    assert pull(channel, {}, 400).outcome.value == "retryable"


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_other_failures_keep_the_token(channel: Channel, status: int) -> None:
    pull(channel, page(token="t2"))
    pull(channel, {}, status)
    assert cursor().page_token == "t2"


def test_specific_orders_leave_the_walk_alone(channel: Channel) -> None:
    pull(channel, page(token="t2"))
    task = make_task("order_pull", channel, payload={"specific_orders": ["7", "8"]})
    call = build_one(task)
    assert (sent(call)["page_token"], sent(call)["specific_orders"]) == (
        "", [{"channel_refnum": "7"}, {"channel_refnum": "8"}],
    )  # fmt: skip
    settlement = apply_one(call, page(order("7"), token="elsewhere"))
    assert (settlement.outcome.value, settlement.again) == ("ok", False)
    assert (cursor().page_token, refnums()) == ("t2", ["7"])


@pytest.mark.parametrize("body", [{}, {"orders": None}, {"orders": [], "next_page_token": ""}])
def test_an_empty_page_ends_the_walk(channel: Channel, body: dict[str, object]) -> None:
    pull(channel, page(token="t2"))
    assert pull(channel, body).outcome.value == "ok"
    assert cursor().page_token == ""


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"orders": {}}', b'{"orders": [', b"\xff", b"<html>"]
)
def test_what_is_no_page_is_a_violation_and_keeps_the_token(channel: Channel, body: bytes) -> None:
    pull(channel, page(token="t2"))
    assert pull(channel, body).outcome.value == "violation"
    assert cursor().page_token == "t2"
    assert ContractViolation.objects.get().interaction == "order_pull"
