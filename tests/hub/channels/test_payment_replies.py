"""What the replies about money change."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.hub.channels.support import apply_one, build_all, build_one, error_event, make_task
from tests.hub.factories import import_now, incoming, make_channel, make_facility, make_sku, stock_up

from retailops.hub.channels.models import Channel, ContractViolation
from retailops.hub.fulfilment.models import ShipmentItem
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import OrderHold, OrderLine
from retailops.hub.payments.models import Payment, PaymentTransaction
from retailops.hub.returns.models import Return
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.routing.operations.route_orders import route_orders

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


def _capture(order_id: int) -> PaymentTransaction:
    return PaymentTransaction.objects.get(order_id=order_id, kind="capture")


def test_a_settled_payment_is_captured(channel: Channel) -> None:
    (order_id,) = _import(channel, "1")
    _ship(order_id)
    task = make_task("order_settle_payment", channel, _capture(order_id).pk, order_id=order_id)
    settlement = apply_one(build_one(task))
    assert (settlement.outcome.value, settlement.moves_money) == ("ok", True)
    assert _capture(order_id).state == "succeeded"
    assert Payment.objects.get().captured == Decimal(25)
    # Told once more, there is nothing left to tell.
    assert [s.message for s in build_all([task]).settled] == ["the transaction is settled already"]


def test_a_refused_payment_fails_and_holds_the_order(channel: Channel) -> None:
    (order_id,) = _import(channel, "1")
    _ship(order_id)
    task = make_task("order_settle_payment", channel, _capture(order_id).pk, order_id=order_id)
    assert apply_one(build_one(task), {"events": [error_event("card expired")]}).outcome.value == "refused"
    assert (_capture(order_id).state, _capture(order_id).message) == ("failed", "E: card expired")
    assert Payment.objects.get().captured == 0
    hold = OrderHold.objects.get()
    assert (hold.kind, hold.reason) == ("payment", "the channel did not settle the payment: E: card expired")


def test_an_unanswered_settlement_stays_pending(channel: Channel) -> None:
    (order_id,) = _import(channel, "1")
    _ship(order_id)
    task = make_task("order_settle_payment", channel, _capture(order_id).pk, order_id=order_id)
    assert apply_one(build_one(task), b"<html>").outcome.value == "violation"
    assert _capture(order_id).state == "pending"


@pytest.fixture
def captured(channel: Channel) -> int:
    """A shipped order with 25.00 captured."""
    (order_id,) = _import(channel, "1")
    _ship(order_id)
    apply_one(build_one(make_task("order_settle_payment", channel, _capture(order_id).pk, order_id=order_id)))
    return order_id


def _return(order_id: int) -> int:
    line = OrderLine.objects.get()
    facility_id = ShipmentItem.objects.get().shipment.facility_id
    assert facility_id
    return receive_return(
        rma="RMA-1",
        order_id=order_id,
        facility_id=facility_id,
        items=[ReturnedItem(line.pk, 1)],
        actor="test",
    )


def test_refunds_and_store_credit_of_a_return_are_recorded_once(channel: Channel, captured: int) -> None:
    return_id = _return(captured)
    body = {
        "payment_transactions": [
            {"payment_type": "visa", "amount": 6.50, "transaction_type": "credit", "refnum": "T1"},
            {
                "payment_type": "visa",
                "amount": 1,
                "transaction_type": "credit",
                "status": "decline",
                "message": "no",
            },
            {"payment_type": "visa", "amount": 25, "transaction_type": "auth"},
            {"payment_type": "visa", "amount": -2, "transaction_type": "credit"},
        ],
        "return": {"channel_store_credit_amount": 3.50},
    }
    for _ in range(2):
        settlement = apply_one(
            build_one(make_task("order_returned", channel, return_id, order_id=captured)), body
        )
        assert settlement.outcome.value == "ok_with_errors"
        assert settlement.message == "a refund of 1 has status decline: no"
    refunds = PaymentTransaction.objects.filter(kind="refund").values_list(
        "amount", "processing_type", "refnum", "state"
    )
    assert sorted(refunds) == [
        (Decimal("3.5000"), "channel_storecredit", "", "succeeded"), (Decimal("6.5000"), "", "T1", "succeeded"),
    ]  # fmt: skip
    assert Payment.objects.get().refunded == 10
    assert ContractViolation.objects.get(path="payment_transactions[]").count == 4
    assert Return.objects.get().state == "closed"


def _credit(channel: Channel, order_id: int, body: object) -> tuple[str, str, str]:
    refund = PaymentTransaction.objects.create(
        order_id=order_id, kind="refund", amount=Decimal(5), currency="USD", key="r"
    )
    settlement = apply_one(
        build_one(make_task("payment_credit", channel, refund.pk, order_id=order_id)), body
    )
    refund.refresh_from_db()
    return settlement.outcome.value, refund.state, refund.refnum


def _made(**fields: object) -> dict[str, object]:
    return {"payment_type": "visa", "amount": 5, "transaction_type": "credit", "refnum": "C1", **fields}


@pytest.mark.parametrize(
    "body, expected",
    [
        (_made(), ("ok", "succeeded", "C1")),
        (_made(status="success"), ("ok", "succeeded", "C1")),
        (_made(amount=4.99), ("ok_with_errors", "succeeded", "C1")),
        (_made(status="decline", message="expired", refnum=""), ("refused", "failed", "")),
        (_made(status="timeout"), ("unknown", "pending", "")),
        ({}, ("violation", "pending", "")),
        ({"events": [error_event()]}, ("violation", "pending", "")),
    ],
)
def test_a_credit_ends_as_the_channel_says(
    channel: Channel, captured: int, body: object, expected: tuple[str, str, str]
) -> None:
    assert _credit(channel, captured, body) == expected
    assert Payment.objects.get().refunded == (5 if expected[1] == "succeeded" else 0)
