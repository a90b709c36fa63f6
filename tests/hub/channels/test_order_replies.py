"""What the replies to order interactions change."""

from __future__ import annotations

import pytest
from tests.hub.channels.support import (
    apply_all,
    apply_one,
    build_all,
    build_one,
    error_event,
    make_task,
    replied,
    sent,
)
from tests.hub.factories import import_now, incoming, make_channel, make_facility, make_sku, stock_up

from retailops.hub.channels.models import Channel
from retailops.hub.fulfilment.models import ShipmentItem
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import Order, OrderEvent, OrderLine
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    channel = make_channel()
    stock_up(make_facility("EAST"), {make_sku("A"): 100})
    return channel


def _import(channel: Channel, *refnums: str) -> list[int]:
    result = import_now(channel, *(incoming(refnum, [("A", 2)]) for refnum in refnums))
    return [result.created[refnum] for refnum in refnums]


def _ship(order_id: int) -> None:
    route_orders(order_ids=[order_id], actor="test")
    item = ShipmentItem.objects.get(shipment__order_id=order_id)
    ship_packages(packages=[NewPackage(f"p{order_id}", item.shipment_id, [(item.pk, 2)])], actor="test")


def test_acknowledged_orders_are_ready_and_routed_next(channel: Channel) -> None:
    ids = _import(channel, "1", "2")
    (call,) = build_all([make_task("order_acknowledge", channel, i, order_id=i) for i in ids]).calls
    assert sent(call)["orders"] == [
        {"channel_order_refnum": refnum, "retailops_order_id": i} for refnum, i in zip("12", ids, strict=True)
    ]
    assert [s.outcome.value for s in apply_all([replied(call)])] == ["ok", "ok"]
    orders = Order.objects.filter(pk__in=ids)
    assert {(o.status, o.acknowledged_at is not None, o.routing_due_at is not None) for o in orders} == {
        ("ready", True, True)
    }
    assert Task.objects.filter(kind="route_orders", state="queued").exists()
    assert OrderEvent.objects.filter(kind="acknowledged", actor="channel:shop").count() == 2


def test_an_acknowledgement_again_changes_nothing(channel: Channel) -> None:
    (order_id,) = _import(channel, "1")
    apply_one(build_one(make_task("order_acknowledge", channel, order_id)))
    at = Order.objects.get().acknowledged_at
    apply_one(build_one(make_task("order_acknowledge", channel, order_id)))
    assert Order.objects.get().acknowledged_at == at
    assert OrderEvent.objects.filter(kind="acknowledged").count() == 1


@pytest.mark.parametrize("named_by", ["order_refnum", "order_id"])
def test_an_error_about_one_order_refuses_that_one_alone(channel: Channel, named_by: str) -> None:
    ids = _import(channel, "1", "2", "3")
    (call,) = build_all([make_task("order_acknowledge", channel, i, order_id=i) for i in ids]).calls
    name = "2" if named_by == "order_refnum" else str(ids[1])
    settlements = apply_all([replied(call, {"events": [error_event("no such order", **{named_by: name})]})])
    assert [(s.outcome.value, s.message) for s in settlements] == [
        ("ok", ""),
        ("refused", "E: no such order"),
        ("ok", ""),
    ]
    assert list(Order.objects.filter(acknowledged_at=None).values_list("channel_refnum", flat=True)) == ["2"]
    event = OrderEvent.objects.get(kind="refused_by_channel")
    assert (event.order_id, event.data) == (
        ids[1],
        {"interaction": "order_acknowledge", "message": "E: no such order"},
    )


def test_an_error_about_nothing_in_particular_is_told_with_each(channel: Channel) -> None:
    ids = _import(channel, "1", "2")
    (call,) = build_all([make_task("order_acknowledge", channel, i, order_id=i) for i in ids]).calls
    settlements = apply_all([replied(call, {"events": [error_event("half", order_refnum="77")]})])
    assert [(s.outcome.value, s.message) for s in settlements] == [("ok_with_errors", "E: half")] * 2
    assert Order.objects.filter(acknowledged_at=None).count() == 0


def test_acknowledgements_go_by_a_hundred_and_by_channel(channel: Channel) -> None:
    ids = _import(channel, *(f"r{n}" for n in range(101)))
    other = make_channel("other")
    (foreign,) = _import(other, "x")
    tasks = [make_task("order_acknowledge", channel, i) for i in ids] + [
        make_task("order_acknowledge", other, foreign)
    ]
    calls = build_all(tasks).calls
    assert sorted(len(call.tasks) for call in calls) == [1, 1, 100]
    assert sorted(task.id for call in calls for task in call.tasks) == sorted(task.id for task in tasks)


def test_an_order_that_the_channel_chokes_on_is_found_by_smaller_calls(channel: Channel) -> None:
    ids = _import(channel, *(f"r{n}" for n in range(20)))
    first = build_all([make_task("order_acknowledge", channel, i) for i in ids]).calls
    settlements = apply_all([replied(first[0], {}, 400)])
    assert {s.outcome.value for s in settlements} == {"retryable"}
    second = build_all([make_task("order_acknowledge", channel, i, attempts=2) for i in ids]).calls
    assert [len(call.tasks) for call in second] == [10, 10]
    third = build_all([make_task("order_acknowledge", channel, i, attempts=3) for i in ids]).calls
    assert [len(call.tasks) for call in third] == [1] * 20
    assert apply_one(third[0], {}, 400).outcome.value == "permanent"


def test_the_channel_names_lines_and_its_new_amounts_are_logged(channel: Channel) -> None:
    (order_id,) = _import(channel, "1")
    named = OrderLine.objects.get()
    added = [
        OrderLine.objects.create(order_id=order_id, position=position, sku_code="A", ordered=1)
        for position in (2, 3, 4)
    ]
    body = {
        "line_items": [
            {"order_item_id": added[0].pk, "refnum": "new-1", "unit_tax": 0.35},
            {"order_item_id": named.pk, "refnum": "another name"},
            {"order_item_id": added[1].pk, "refnum": named.channel_item_refnum},
            {"order_item_id": added[2].pk, "refnum": "new-1"},
            {"order_item_id": 10**9, "refnum": "nobody"},
        ],
        "values": {"tax_amt": 1.10},
    }
    assert (
        apply_one(
            build_one(make_task("order_update", channel, order_id, order_id=order_id)), body
        ).outcome.value
        == "ok"
    )
    refnums = list(OrderLine.objects.order_by("position").values_list("channel_item_refnum", flat=True))
    assert refnums == ["1-1", "new-1", "", ""]
    assert OrderEvent.objects.get(kind="recalculated_by_channel").data == {
        "values": {"tax_amt": "1.1"},
        "line_items": [{"order_item_id": str(added[0].pk), "refnum": "new-1", "unit_tax": "0.35"}],
    }
    assert Order.objects.get().tax_amt == 0


@pytest.mark.parametrize(
    "reply", [{"line_items": "x"}, {"line_items": [{"order_item_id": "?", "refnum": "a"}]}]
)
def test_names_of_lines_that_cannot_be_read_are_asked_for_again(channel: Channel, reply: object) -> None:
    (order_id,) = _import(channel, "1")
    call = build_one(make_task("order_update", channel, order_id, order_id=order_id))
    assert apply_one(call, reply).outcome.value == "violation"


def test_an_error_about_a_line_leaves_the_update_standing(channel: Channel) -> None:
    (order_id,) = _import(channel, "1")
    call = build_one(make_task("order_update", channel, order_id, order_id=order_id))
    about_line = apply_one(call, {"events": [error_event("no such item", orderitem_refnum="1-1")]})
    assert about_line.outcome.value == "ok_with_errors"
    assert apply_one(call, {"events": [error_event("closed", order_refnum="1")]}).outcome.value == "refused"


@pytest.mark.parametrize("kind", ["order_cancel", "order_complete"])
def test_status_fail_is_a_refusal_in_the_orders_history(channel: Channel, kind: str) -> None:
    (order_id,) = _import(channel, "1")
    settlement = apply_one(
        build_one(make_task(kind, channel, order_id, order_id=order_id)), {"status": "fail"}
    )
    assert (settlement.outcome.value, settlement.message) == (
        "refused",
        "the channel answered status fail and no reason",
    )
    assert OrderEvent.objects.get(kind="refused_by_channel").data["interaction"] == kind
