"""Quantities: what is told, what is noted, what is told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from tests.hub.channels.support import apply_all, build_all, error_event, make_task, replied, sent
from tests.hub.factories import make_channel, make_facility, make_listing, make_sku, stock_up

from retailops.hub.catalog.models import Listing, Sku
from retailops.hub.channels.models import Channel
from retailops.hub.stock.models import Facility
from retailops.hub.tasks.handlers import Answer, Built
from retailops.outbound.errors import ConnectFailed, TimedOut

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return make_channel()


@pytest.fixture
def east() -> Facility:
    return make_facility("EAST")


@pytest.fixture
def listings(channel: Channel, east: Facility) -> list[Listing]:
    """A, B and C, of which there are 3, 0 and 7."""
    skus = [make_sku(code) for code in "ABC"]
    stock_up(east, {skus[0]: 3, skus[2]: 7})
    return [make_listing(channel, sku) for sku in skus]


def push(
    channel: Channel,
    listings: Sequence[Listing],
    *,
    attempts: int = 1,
    payload: Mapping[str, object] | None = None,
) -> Built:
    lane = f"inventory:{channel.pk}"
    return build_all(
        [
            make_task("inventory_push", channel, each.pk, lane=lane, attempts=attempts, payload=payload)
            for each in listings
        ]
    )


def published() -> list[int | None]:
    return list(Listing.objects.order_by("id").values_list("published_quantity", flat=True))


def test_quantities_are_told_with_their_parts_and_noted(channel: Channel, listings: list[Listing]) -> None:
    (call,) = push(channel, listings).calls
    assert sent(call)["inventory_updates"] == [
        {"sku": "B", "quantity_available": 0, "quantity_detail": []},
        {
            "sku": "A", "quantity_available": 3,
            "quantity_detail": [
                {"quantity_type": "internal", "available_quantity": 3, "total_quantity": 3, "facility_name": "Facility EAST"}
            ],
        },
        {
            "sku": "C", "quantity_available": 7,
            "quantity_detail": [
                {"quantity_type": "internal", "available_quantity": 7, "total_quantity": 7, "facility_name": "Facility EAST"}
            ],
        },
    ]  # fmt: skip
    assert published() == [None, None, None]
    assert {s.outcome.value for s in apply_all([replied(call)])} == {"ok"}
    assert published() == [3, 0, 7]


def test_zeros_and_decreases_come_first(channel: Channel, listings: list[Listing]) -> None:
    for listing, quantity in zip(listings, (1, 5, 9), strict=True):
        Listing.objects.filter(pk=listing.pk).update(published_quantity=quantity)
    (call,) = push(channel, listings).calls
    told = [(each["sku"], each["quantity_available"]) for each in sent(call)["inventory_updates"]]
    assert told == [("B", 0), ("C", 7), ("A", 3)]


def test_unchanged_quantities_are_not_told_but_travel_with_their_lane(
    channel: Channel, listings: list[Listing]
) -> None:
    Listing.objects.filter(pk=listings[0].pk).update(published_quantity=3)
    built = push(channel, listings)
    (call,) = built.calls
    # A lane is let go when any of its tasks is settled, so none may be settled ahead of the call.
    assert (len(call.tasks), list(built.settled)) == (3, [])
    assert [each["sku"] for each in sent(call)["inventory_updates"]] == ["B", "C"]
    assert [s.message for s in apply_all([replied(call)])] == [
        "unchanged: the channel has this quantity",
        "",
        "",
    ]
    built = push(channel, listings)
    assert (list(built.calls), {s.outcome.value for s in built.settled}) == ([], {"ok"})


def test_unchanged_quantities_are_told_when_forced_or_tried_before(
    channel: Channel, listings: list[Listing]
) -> None:
    apply_all([replied(push(channel, listings).calls[0])])
    assert len(sent(push(channel, listings, payload={"force": True}).calls[0])["inventory_updates"]) == 3
    assert len(sent(push(channel, listings, attempts=2).calls[0])["inventory_updates"]) == 3


def test_refused_skus_are_not_noted(channel: Channel, listings: list[Listing]) -> None:
    (call,) = push(channel, listings).calls
    body = {
        "events": [error_event("unknown SKU", sku_number="C"), {"event_type": "warning", "message": "slow"}]
    }
    settlements = apply_all([replied(call, body)])
    assert [s.outcome.value for s in settlements] == ["ok", "ok", "refused"]
    assert settlements[2].message == "E: unknown SKU"
    assert published() == [3, 0, None]


def test_an_error_about_no_sku_makes_all_uncertain(channel: Channel, listings: list[Listing]) -> None:
    Listing.objects.update(published_quantity=99)
    (call,) = push(channel, listings).calls
    settlements = apply_all([replied(call, {"events": [error_event("stopped half way")]})])
    assert {(s.outcome.value, s.message) for s in settlements} == {("ok_with_errors", "E: stopped half way")}
    assert published() == [None, None, None]


def test_after_an_unknown_effect_nothing_counts_as_unchanged(
    channel: Channel, listings: list[Listing]
) -> None:
    apply_all([replied(push(channel, listings).calls[0])])
    forced = {"force": True}
    (call,) = push(channel, listings, payload=forced).calls
    apply_all([Answer(call, error=ConnectFailed("refused"))])
    assert published() == [3, 0, 7]
    apply_all([Answer(call, error=TimedOut("no reply", effect="unknown"))])
    assert published() == [None, None, None]
    apply_all([replied(call)])
    apply_all([replied(call, {}, 500)])
    assert published() == [None, None, None]


def test_a_disabled_listing_is_told_as_zero(channel: Channel, listings: list[Listing]) -> None:
    Listing.objects.filter(pk=listings[2].pk).update(enabled=False, published_quantity=7)
    (call,) = push(channel, listings[2:]).calls
    assert sent(call)["inventory_updates"] == [{"sku": "C", "quantity_available": 0, "quantity_detail": []}]


def test_channels_do_not_share_a_call(channel: Channel, listings: list[Listing]) -> None:
    other = make_channel("other")
    foreign = make_listing(other, Sku.objects.get(code="A"))
    tasks = [make_task("inventory_push", channel, each.pk, lane="inventory:1") for each in listings]
    tasks.append(make_task("inventory_push", other, foreign.pk, lane="inventory:2"))
    assert sorted(len(call.tasks) for call in build_all(tasks).calls) == [1, 3]
