"""What becomes of the orders in a page: nothing lost, nothing twice, whatever the channel sends."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.db import connection
from tests.hub.channels.pages import ADDRESS, item, order, page, pull, refnums
from tests.hub.channels.support import apply_one, build_one, dump_tables, make_task
from tests.hub.factories import make_channel, make_facility, make_listing, make_sku, make_vendor, stock_up

from retailops.hub.catalog.models import Sku
from retailops.hub.channels.models import Channel, ContractViolation, RejectedOrder
from retailops.hub.fulfilment.models import ShipmentItem
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import Order, OrderEvent, OrderHold, OrderLine
from retailops.hub.payments.models import Payment, PaymentTransaction
from retailops.hub.purchasing.models import PurchaseOrder
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    channel = make_channel()
    make_listing(channel, make_sku("A"))
    return channel


def test_an_order_is_stored_as_it_was_sent(channel: Channel) -> None:
    settlement = pull(channel, page(order(
        gift_message="Happy birthday", ip_address="::1", tags=["vip"], channel_date_created="2026-01-31T09:30:00+01:00",
        attributes=[{"attribute_type": "text", "handle": "source", "value": "app"}],
        order_items=[item(options=[{"type": "text", "name": "Engraving", "value": "A&B"}], sku_description="A thing",
                          currency_values={"unit_price": 10.00, "discount_pct": 10, "unit_tax": 0.335, "vat_pct": 20})],
    )))  # fmt: skip
    assert (settlement.outcome.value, settlement.message, settlement.again) == ("ok", "1 orders", False)
    stored = Order.objects.get()
    assert (stored.channel_refnum, stored.currency, stored.ship_service_code, stored.tags) == (
        "1",
        "USD",
        "ground",
        ["vip"],
    )
    assert (stored.gift_message, stored.ip_address) == ("Happy birthday", "::1")
    assert stored.attributes == [{"attribute_type": "text", "handle": "source", "value": "app"}]
    assert stored.channel_created_at is not None
    assert stored.channel_created_at.isoformat() == "2026-01-31T08:30:00+00:00"
    assert (stored.shipping_amt, stored.tax_amt) == (Decimal(5), Decimal("1.25"))
    # 20.00 less 10 %, with 0.67 tax, 5.00 shipping and 1.25 tax on the order
    assert stored.grand_total == Decimal("24.92")
    line = OrderLine.objects.get()
    assert (line.sku_code, line.ordered, line.unit_price) == ("A", 2, Decimal(10))
    assert (line.discount_amt, line.tax_amt, line.description) == (Decimal(2), Decimal("0.67"), "A thing")
    assert line.currency_values == {"unit_price": 10, "discount_pct": 10, "unit_tax": 0.335, "vat_pct": 20}
    assert line.options == [{"type": "text", "name": "Engraving", "value": "A&B"}]
    assert stored.customer.email_address == "ada@example.com"
    assert {address.kind for address in stored.addresses.all()} == {"billing", "shipping"}
    assert Payment.objects.get().authorized == Decimal("26.25")
    assert OrderHold.objects.count() == 0
    # The channel takes the units off by itself until the acknowledgement; only then is it told a new number.
    assert [(t.kind, t.lane) for t in Task.objects.order_by("id")] == [
        ("order_acknowledge", f"order:{stored.pk}")
    ]


def test_the_same_page_again_leaves_the_database_as_it_is(channel: Channel) -> None:
    body = page(
        order("1"),
        order("2", order_items=[item(), item("b", sku="NEW", quantity=1)]),
        order("3", cancel=True),
    )
    pull(channel, body)
    tables = [
        "orders_",
        "payments_",
        "catalog_",
        "stock_",
        "fulfilment_",
        "channels_rejected",
        "channels_contract",
    ]
    before = dump_tables(tables)
    # The same content, its numbers written differently.
    raw = (
        json.dumps(body)
        .replace('"shipping_amt": 5.0', '"shipping_amt": 5')
        .replace('"unit_price": 10.0', '"unit_price": 1e1')
    )
    assert raw != json.dumps(body)
    pull(channel, raw.encode())
    pull(channel, body)
    assert len(before["orders_order"]) == 3
    assert dump_tables(tables) == before


def test_unreadable_orders_are_listed_and_the_others_stored(channel: Channel) -> None:
    settlement = pull(channel, page(
        order("1"), None, 7, [], {}, order("2", currency_code="SEK"), order("3", order_items="none"), order("4"),
        order("5", order_items=[]), order("1", gift_message="twice"),
    ))  # fmt: skip
    assert refnums() == ["1", "4"]
    assert settlement.outcome.value == "ok_with_errors"
    assert settlement.message.startswith("2 orders, 5 rejected: ")
    rejected = {r.channel_refnum: r for r in RejectedOrder.objects.all()}
    assert set(rejected) == {"", "1", "2", "3", "5"}
    assert "currency_code" in rejected["2"].reason
    assert rejected["5"].reason == "order_items is empty: an order needs at least one item"
    assert {ref for ref, each in rejected.items() if each.imported_at} == {"1"}


def test_a_rejected_order_that_comes_in_after_all_is_noted(channel: Channel) -> None:
    for _ in range(2):
        pull(channel, page(order("1", currency_code="SEK")))
    assert (RejectedOrder.objects.get().count, RejectedOrder.objects.get().imported_at) == (2, None)
    pull(channel, page(order("1")))
    assert RejectedOrder.objects.get().imported_at is not None
    assert refnums() == ["1"]


def test_an_order_that_the_database_refuses_costs_no_other(channel: Channel) -> None:
    """No such order is known: it stands for what we have not thought of."""
    with connection.cursor() as sql:
        sql.execute("ALTER TABLE orders_order ADD CONSTRAINT no_evil CHECK (gift_message <> 'evil')")
    settlement = pull(channel, page(order("1"), order("2", gift_message="evil"), order("3")))
    assert (refnums(), settlement.outcome.value) == (["1", "3"], "ok_with_errors")
    rejected = RejectedOrder.objects.get()
    assert rejected.channel_refnum == "2"
    assert "no_evil" in rejected.reason
    assert "Ada" not in rejected.reason
    assert Payment.objects.count() == 2
    assert Task.objects.filter(kind="order_acknowledge").count() == 2


def test_more_than_a_page_and_other_oddities_are_taken(channel: Channel) -> None:
    body = page(*(order(str(n)) for n in range(120)))
    body |= {"next_page_token": None, "extra": 1}
    assert pull(channel, body).outcome.value == "ok"
    assert Order.objects.count() == 120
    assert set(ContractViolation.objects.values_list("path", flat=True)) == {
        "orders",
        "next_page_token",
        "extra",
    }


def test_what_does_not_fit_is_cut_and_named_in_a_hold(channel: Channel) -> None:
    long = {**ADDRESS, "address1": "x" * 300, "postal_code": "9" * 60}
    pull(channel, page(order(
        shipping_address=long, currency_values={"shipping_amt": -3, "discount_amt": 1.005},
        order_items=[item(currency_values={"unit_price": 10, "ship_amt": -1, "discount_amt": -2}), item("b", quantity=None)],
    )))  # fmt: skip
    hold = OrderHold.objects.get(kind="contract")
    assert hold.reason == (
        "order_items[0].discount is -2.00; counted as 0; order_items[0].shipping is -1.00; counted as 0;"
        " order_items[1].quantity is missing; shipping_address.address1 has 300 characters; cut to 255;"
        " shipping_address.postal_code has 60 characters; cut to 50; shipping_amt is -3.00; counted as 0"
    )
    stored = Order.objects.get()
    assert (stored.shipping_amt, stored.discount_amt) == (0, Decimal("1.01"))
    assert [line.ordered for line in stored.lines.order_by("position")] == [2, 0]
    assert stored.addresses.get(kind="shipping").address1 == "x" * 255


@pytest.mark.parametrize(
    "values, quantity",
    [
        ({"unit_price": 9999999999.9999}, 2**31 - 1),
        ({"unit_price": 1, "discount_pct": 9999999999}, 2**31 - 1),
    ],
)
def test_absurd_amounts_reject_the_order(channel: Channel, values: dict[str, object], quantity: int) -> None:
    pull(channel, page(order("1", order_items=[item(currency_values=values, quantity=quantity)]), order("2")))
    assert refnums() == ["2"]
    assert RejectedOrder.objects.get().channel_refnum == "1"


def test_yen_have_no_cents(channel: Channel) -> None:
    values = {"unit_price": 100.4, "discount_amt": 0.5}
    pull(
        channel,
        page(order(currency_code="JPY", order_items=[item(currency_values=values)], currency_values=None)),
    )
    line = OrderLine.objects.get()
    assert (line.discount_amt, Order.objects.get().grand_total) == (1, 200)


def _paid(amount: float, kind: str | None, **fields: object) -> dict[str, object]:
    return {"payment_type": "visa", "amount": amount, "transaction_type": kind, **fields}


@pytest.mark.parametrize(
    "transactions, sums",
    [
        ([_paid(26.25, "capture")], (26.25, 26.25, 0)),
        ([_paid(26.25, "auth"), _paid(26.25, "capture")], (26.25, 26.25, 0)),
        ([_paid(10, "auth"), _paid(16.25, "charge")], (26.25, 16.25, 0)),
        ([_paid(26.25, "giftcard")], (26.25, 26.25, 0)),
        ([_paid(26.25, None)], (26.25, 26.25, 0)),
        ([_paid(26.25, "charge"), _paid(6.25, "credit")], (26.25, 26.25, 6.25)),
        ([_paid(26.25, "auth"), _paid(5, "credit")], (26.25, 0, 0)),
        ([_paid(5, "auth"), _paid(26.25, "capture")], (31.25, 26.25, 0)),
        ([_paid(26.25, "auth"), _paid(9, "auth", status="decline")], (26.25, 0, 0)),
    ],
)
def test_payments_add_up_whatever_the_channel_says(
    channel: Channel, transactions: list[dict[str, object]], sums: tuple[float, float, float]
) -> None:
    pull(channel, page(order(payment_transactions=transactions)))
    payment = Payment.objects.get()
    assert (payment.authorized, payment.captured, payment.refunded) == tuple(
        Decimal(str(each)) for each in sums
    )
    assert PaymentTransaction.objects.count() == len(transactions)


def test_an_order_that_arrives_cancelled_is_stored_and_cancelled(channel: Channel) -> None:
    pull(channel, page(order(cancel=True)))
    assert Order.objects.get().status == "cancelled"
    assert not Task.objects.filter(kind="order_cancel").exists()


def test_a_known_order_is_cancelled_as_far_as_it_can_be(channel: Channel) -> None:
    stock_up(make_facility("EAST"), {Sku.objects.get(code="A"): 10})
    pull(channel, page(order("open"), order("shipped")))
    shipped = Order.objects.get(channel_refnum="shipped")
    route_orders(order_ids=[shipped.pk], actor="test")
    parcel = ShipmentItem.objects.get()
    ship_packages(packages=[NewPackage("p", parcel.shipment_id, [(parcel.pk, 2)])], actor="test")
    body = page(order("open", cancel=True), order("shipped", cancel=True))
    pull(channel, body)
    assert Order.objects.get(channel_refnum="open").status == "cancelled"
    assert Order.objects.get(channel_refnum="shipped").status == "completed"
    before = OrderEvent.objects.count()
    pull(channel, body)
    assert OrderEvent.objects.count() == before


def test_what_a_vendor_works_on_is_held_instead_of_cancelled(channel: Channel) -> None:
    make_vendor("acme", {"V-A": (Sku.objects.get(code="A"), 50)})
    pull(channel, page(order("frozen"), order("open")))
    frozen = Order.objects.get(channel_refnum="frozen")
    route_orders(order_ids=[frozen.pk], actor="test")
    PurchaseOrder.objects.update(state="accepted")
    pull(channel, page(order("frozen", cancel=True), order("open", cancel=True)))
    assert OrderHold.objects.get(order=frozen).kind == "changed_at_channel"
    assert Order.objects.get(channel_refnum="open").status == "cancelled"


def test_an_order_that_changed_after_acknowledgement_is_held_once(channel: Channel) -> None:
    pull(channel, page(order()))
    stored = Order.objects.get()
    apply_one(build_one(make_task("order_acknowledge", channel, stored.pk)))
    changed = page(order(order_items=[item(quantity=5)]))
    for _ in range(2):
        pull(channel, changed)
    assert OrderLine.objects.get().ordered == 2
    assert OrderHold.objects.get().kind == "changed_at_channel"
