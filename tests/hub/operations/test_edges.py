"""Requests at the edges of what operations take: each was once done wrongly, or taken silently."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from tests.hub.factories import (
    import_now,
    incoming,
    levels,
    line_counts,
    make_channel,
    make_facility,
    make_sku,
    make_vendor,
    stock_up,
)

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.fulfilment.models import Package, ShipmentItem
from retailops.hub.fulfilment.operations.edit_order import EditError, LineEdit, edit_order
from retailops.hub.fulfilment.operations.reject_items import reject_shipment_items
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, PackageError, ship_packages
from retailops.hub.fulfilment.operations.withdraw_items import NotPlannedError
from retailops.hub.orders.models import Order, OrderHold, OrderLine
from retailops.hub.orders.operations.acknowledge_orders import acknowledge_orders
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.orders.rules import IncomingPayment
from retailops.hub.payments.models import Payment, PaymentTransaction
from retailops.hub.payments.operations.record_transactions import (
    Refund,
    TransactionResult,
    finish_transactions,
    record_refunds,
    request_refund,
)
from retailops.hub.purchasing.models import VendorSku
from retailops.hub.purchasing.operations.advise_stock import StockAdvice, advise_stock
from retailops.hub.returns.operations.receive_return import ReturnedItem, ReturnError, receive_return
from retailops.hub.routing.operations.route_orders import route_due_orders, route_orders

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """A channel, SKU A with twenty units in facility EAST."""
    channel = make_channel()
    a = make_sku("A")
    east = make_facility("EAST")
    stock_up(east, {a: 20})
    return channel, a, east


def _routed(channel, ref: str, quantity: int) -> tuple[int, ShipmentItem]:
    order_id = import_now(channel, incoming(ref, [("A", quantity)])).created[ref]
    route_orders(order_ids=[order_id], actor="test")
    return order_id, ShipmentItem.objects.get(shipment__order_id=order_id)


def test_a_package_name_that_another_shipment_has_used_is_refused(shop):
    channel, *_ = shop
    (_, first), (_, second) = _routed(channel, "1", 1), _routed(channel, "2", 1)
    ship_packages(packages=[NewPackage("p1", first.shipment_id, [(first.pk, 1)])], actor="a")
    with pytest.raises(PackageError, match=r"p1.*another shipment"):
        ship_packages(packages=[NewPackage("p1", second.shipment_id, [(second.pk, 1)])], actor="a")
    assert Package.objects.count() == 1
    assert line_counts("2") == [("A", 1, 0, 1, 0, 0)]


def test_two_different_packages_of_one_name_are_refused(shop):
    channel, *_ = shop
    _, item = _routed(channel, "1", 3)
    same = NewPackage("p1", item.shipment_id, [(item.pk, 1)])
    with pytest.raises(PackageError, match=r"p1.*twice"):
        ship_packages(packages=[same, NewPackage("p1", item.shipment_id, [(item.pk, 2)])], actor="a")
    ship_packages(packages=[same, same], actor="a")
    assert line_counts("1") == [("A", 3, 0, 2, 1, 0)]


def test_an_rma_that_another_order_has_used_is_refused(shop):
    channel, _, east = shop
    (one, first), (two, second) = _routed(channel, "1", 1), _routed(channel, "2", 1)
    for item in (first, second):
        ship_packages(packages=[NewPackage(f"p{item.pk}", item.shipment_id, [(item.pk, 1)])], actor="a")

    def receive(order_id: int) -> int:
        line = OrderLine.objects.get(order_id=order_id)
        return receive_return(
            rma="R1", order_id=order_id, facility_id=east.pk, items=[ReturnedItem(line.pk, 1)], actor="a"
        )

    receive(one)
    with pytest.raises(ReturnError, match=r"R1.*another order"):
        receive(two)
    assert OrderLine.objects.get(order_id=two).returned == 0


@pytest.mark.parametrize("units", [0, -1])
def test_no_less_than_a_unit_can_be_refused(shop, units):
    channel, *_ = shop
    _, item = _routed(channel, "1", 3)
    reject_shipment_items(quantities={item.pk: 1}, actor="a", reason="x")
    with pytest.raises(NotPlannedError, match="at least 1"):
        reject_shipment_items(quantities={item.pk: units}, actor="a", reason="x")
    assert line_counts("1") == [("A", 3, 1, 2, 0, 0)]


def test_a_vendor_without_rerouting_that_refuses_two_items_of_a_line_cancels_both(shop):
    channel, _, _ = shop
    b = make_sku("B")
    vendor = make_vendor("acme", {"V-B": (b, 2)}, reroute_remainder=False)
    order_id = import_now(channel, incoming("1", [("B", 5)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    advise_stock(vendor_id=vendor.pk, advice=[StockAdvice("V-B", 5)], actor="vendor:acme")
    route_orders(order_ids=[order_id], actor="test")
    items = dict(ShipmentItem.objects.order_by("id").values_list("id", "quantity"))
    assert list(items.values()) == [2, 3]
    reject_shipment_items(quantities=items, actor="vendor:acme", reason="sold out")
    assert line_counts("1") == [("B", 5, 0, 0, 0, 5)]
    assert Order.objects.get().status == "cancelled"
    assert check_invariants() == []


def test_editing_down_and_up_again_comes_back_to_the_same_total(shop):
    channel, *_ = shop
    order = incoming("1", [("A", 4)])
    taxed = replace(order.lines[0], amounts=replace(order.lines[0].amounts, tax=Decimal("4.00")))
    order_id = import_now(channel, replace(order, lines=[taxed])).created["1"]
    line = OrderLine.objects.get()
    totals = [
        edit_order(order_id=order_id, changes=[LineEdit(line.pk, quantity=quantity)], actor="a").new_total
        for quantity in (1, 2, 4)
    ]
    assert totals == [Decimal("16.00"), Decimal("27.00"), Decimal("49.00")]
    assert Order.objects.get().grand_total == Decimal("49.00")


def test_an_edit_names_a_line_once(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 4)])).created["1"]
    line = OrderLine.objects.get()
    with pytest.raises(EditError, match=r"A: .*twice"):
        edit_order(
            order_id=order_id,
            changes=[LineEdit(line.pk, quantity=1), LineEdit(line.pk, quantity=3)],
            actor="a",
        )
    assert line_counts("1") == [("A", 4, 4, 0, 0, 0)]


def test_a_hold_placed_by_a_person_outlives_a_change_at_the_channel(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 1)])).created["1"]
    place_holds(holds={order_id: ("fraud", "look at it")}, actor="user:ann")
    import_now(channel, incoming("1", [("A", 2)]))
    assert line_counts("1") == [("A", 2, 2, 0, 0, 0)]
    assert [(hold.kind, hold.placed_by) for hold in OrderHold.objects.all()] == [("fraud", "user:ann")]
    assert Order.objects.get().status == "on_hold"


def test_advice_from_the_future_counts_as_of_now_and_can_be_corrected(shop):
    vendor = make_vendor("acme", {"V-B": (make_sku("B"), 5)})
    far = timezone.now() + timedelta(days=3650)
    advise_stock(vendor_id=vendor.pk, advice=[StockAdvice("V-B", 100, as_of=far)], actor="vendor:acme")
    advised_at = VendorSku.objects.get().advised_at
    assert advised_at is not None
    assert advised_at <= timezone.now()
    result = advise_stock(vendor_id=vendor.pk, advice=[StockAdvice("V-B", 1)], actor="vendor:acme")
    assert result.accepted == ["V-B"]
    assert VendorSku.objects.get().advised_quantity == 1


def test_late_advice_that_is_older_never_raises_what_can_be_sold(shop):
    vendor = make_vendor("acme", {"V-B": (make_sku("B"), 5)})
    old = timezone.now() - timedelta(hours=1)
    result = advise_stock(
        vendor_id=vendor.pk, advice=[StockAdvice("V-B", 100, as_of=old)], actor="vendor:acme"
    )
    assert (result.accepted, result.outdated) == ([], ["V-B"])
    assert VendorSku.objects.get().advised_quantity == 5


def test_lines_that_need_no_shipping_don_t_make_an_order_look_shipped(shop):
    channel, *_ = shop
    order = incoming("1", [("A", 2), ("A", 1)])
    advisory = replace(order.lines[1], item_type="advisory")
    order_id = import_now(channel, replace(order, lines=[order.lines[0], advisory])).created["1"]
    acknowledge_orders(order_ids=[order_id], actor="channel:shop")
    assert Order.objects.get().status == "ready"
    route_orders(order_ids=[order_id], actor="test")
    assert Order.objects.get().status == "released"


def test_a_refund_that_was_reported_meanwhile_is_not_counted_twice(shop):
    """The customer got more than was captured; the books say so in words, and the answer can be stored."""
    channel, *_ = shop
    order = incoming("1", [("A", 1)])
    order_id = import_now(
        channel, replace(order, payments=[IncomingPayment("charge", Decimal("15.00"))])
    ).created["1"]
    credit = request_refund(order_id=order_id, amount=Decimal("10.00"), reason="x", key="k", actor="a")
    assert credit is not None
    record_refunds(
        order_id=order_id, refunds=[Refund(Decimal("15.00"))], key_prefix="r", actor="channel:shop"
    )
    finish_transactions(results={credit: TransactionResult("succeeded", "ref")}, actor="channel:shop")
    assert Payment.objects.get().refunded <= Decimal("15.00")
    assert PaymentTransaction.objects.get(pk=credit).state != "pending"
    assert check_invariants() == []


def test_due_orders_behind_a_hundred_held_ones_are_routed(shop):
    channel, *_ = shop
    ids = list(import_now(channel, *(incoming(str(n), [("A", 1)]) for n in range(7))).created.values())
    acknowledge_orders(order_ids=ids, actor="channel:shop")
    place_holds(holds=dict.fromkeys(ids[:5], ("fraud", "x")), actor="user:ann")
    turns = 0
    while route_due_orders(limit=5, actor="system").orders:
        turns += 1
        assert turns < 5
    assert levels()["EAST", "A"] == (20, 2)
