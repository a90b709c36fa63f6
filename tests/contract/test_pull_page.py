from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from retailops.contract.pull_page import parse_pull_page
from retailops.contract.strict_json import JsonError, dump
from retailops.contract.violations import ContractViolation, Violation

ADDRESS = {
    "first_name": "Ann",
    "last_name": "Bell",
    "address1": "1 Long Street",
    "city": "Town",
    "postal_code": "90210",
}


def an_order(channel_order_refnum: object = "R1", **changes: Any) -> dict[str, Any]:
    """A valid order; a change to None is sent as null, to ... leaves the field out."""
    made: dict[str, Any] = {
        "channel_order_refnum": channel_order_refnum,
        "ship_service_code": "Ground",
        "currency_code": "USD",
        "billing_address": ADDRESS,
        "shipping_address": ADDRESS,
        "order_items": [an_item()],
        "payment_transactions": [{"payment_type": "visa", "amount": 21, "transaction_type": "charge"}],
    }
    return {name: value for name, value in (made | changes).items() if value is not ...}


def an_item(**changes: Any) -> dict[str, Any]:
    return {
        "channel_item_refnum": "1",
        "sku": "A-1",
        "quantity": 2,
        "currency_values": {"unit_price": 10},
    } | changes


def a_page(*orders: object, **changes: Any) -> bytes:
    return dump({"orders": list(orders), "next_page_token": ""} | changes)


def test_a_good_page() -> None:
    created = {"channel_date_created": "2026-01-31T10:30:00+01:00"}
    page = parse_pull_page(a_page(an_order(**created), an_order("R2"), next_page_token="t2"))
    assert [each.channel_order_refnum for each in page.orders] == ["R1", "R2"]
    assert (page.rejected, page.violations, page.next_page_token) == ([], [], "t2")
    first = page.orders[0]
    assert first.channel_date_created == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    assert first.order_items[0].quantity == 2
    values = first.order_items[0].currency_values
    assert values is not None
    assert values.unit_price == Decimal(10)
    assert type(values.unit_price) is Decimal


REJECTED = {
    "quantity as text": ({"order_items": [an_item(quantity="2")]}, ".order_items[0].quantity", "2"),
    "quantity as a boolean": ({"order_items": [an_item(quantity=True)]}, ".order_items[0].quantity", "true"),
    "half a piece": ({"order_items": [an_item(quantity=Decimal("1.5"))]}, ".order_items[0].quantity", "1.5"),
    "negative quantity": ({"order_items": [an_item(quantity=-1)]}, ".order_items[0].quantity", "-1"),
    "too many pieces": ({"order_items": [an_item(quantity=2**31)]}, ".order_items[0].quantity", str(2**31)),
    "negative price": (
        {"order_items": [an_item(currency_values={"unit_price": Decimal("-0.01")})]},
        ".order_items[0].currency_values.unit_price",
        "-0.01",
    ),
    "price as text": (
        {"order_items": [an_item(currency_values={"unit_price": "10.00"})]},
        ".order_items[0].currency_values.unit_price",
        "10.00",
    ),
    "amount beyond the ledger": (
        {"currency_values": {"tax_amt": 10**10}},
        ".currency_values.tax_amt",
        "10000000000",
    ),
    "unknown item type": ({"order_items": [an_item(item_type="gift")]}, ".order_items[0].item_type", "gift"),
    "no items": ({"order_items": ...}, ".order_items", ""),
    "items as an object": ({"order_items": {"a": 1}}, ".order_items", '{"a":1}'),
    "no refnum": ({"channel_order_refnum": ...}, ".channel_order_refnum", ""),
    "blank refnum": ({"channel_order_refnum": ""}, ".channel_order_refnum", ""),
    "endless refnum": ({"channel_order_refnum": "r" * 256}, ".channel_order_refnum", "r" * 199 + "…"),
    "unknown currency": ({"currency_code": "SEK"}, ".currency_code", "SEK"),
    "no currency": ({"currency_code": ...}, ".currency_code", ""),
    "unknown transaction": (
        {"payment_transactions": [{"transaction_type": "loan"}]},
        ".payment_transactions[0].transaction_type",
        "loan",
    ),
    "address as text": ({"billing_address": "1 Long Street"}, ".billing_address", "1 Long Street"),
    "phone number as number": (
        {"customer_info": {"phone_number": 555}},
        ".customer_info.phone_number",
        "555",
    ),
}


@pytest.mark.parametrize("changes, path, value", REJECTED.values(), ids=REJECTED)
def test_one_bad_order_is_rejected_and_the_others_are_kept(
    changes: dict[str, Any], path: str, value: str
) -> None:
    page = parse_pull_page(a_page(an_order("good"), an_order(**changes), an_order("last")))
    assert [each.channel_order_refnum for each in page.orders] == ["good", "last"]
    (rejected,) = page.rejected
    assert rejected.index == 1
    assert [(each.path, each.value) for each in rejected.violations] == [(f"orders[1]{path}", value)]
    assert page.violations == []


@pytest.mark.parametrize("order", [None, 5, "x", [], {}])
def test_something_else_in_place_of_an_order_is_rejected(order: object) -> None:
    page = parse_pull_page(a_page(order, an_order()))
    assert [each.channel_order_refnum for each in page.orders] == ["R1"]
    assert [(each.index, each.channel_order_refnum) for each in page.rejected] == [(0, None)]


def test_a_numeric_refnum_is_readable_in_the_rejection() -> None:
    page = parse_pull_page(a_page(an_order(channel_order_refnum=1001)))
    assert page.rejected[0].channel_order_refnum == "1001"
    assert page.rejected[0].violations == [
        Violation("orders[0].channel_order_refnum", "should be a valid string", "1001")
    ]


DEVIATING = {
    "no ship service": ({"ship_service_code": ...}, ".ship_service_code"),
    "null address": ({"shipping_address": None}, ".shipping_address"),
    "naive creation time": ({"channel_date_created": "2026-01-31 09:30:00"}, ".channel_date_created"),
    "creation time before all time": (
        {"channel_date_created": "0001-01-01T00:00:00+14:00"},
        ".channel_date_created",
    ),
    "unreadable creation time": ({"channel_date_created": "yesterday"}, ".channel_date_created"),
    "one-character attribute": ({"attributes": [{"handle": "size", "value": "L"}]}, ".attributes[0].value"),
    "unknown attribute type": ({"attributes": [{"attribute_type": "date"}]}, ".attributes[0].attribute_type"),
    "101 tags": ({"tags": ["t"] * 101}, ".tags"),
    "gift card": (
        {"payment_transactions": [{"payment_type": "gc", "amount": 1, "transaction_type": "giftcard"}]},
        ".payment_transactions[0].transaction_type",
    ),
    "store credit": (
        {
            "payment_transactions": [
                {
                    "payment_type": "sc",
                    "amount": 1,
                    "transaction_type": "auth",
                    "payment_processing_type": "channel_storecredit",
                }
            ]
        },
        ".payment_transactions[0].payment_processing_type",
    ),
    "payment without a kind": (
        {"payment_transactions": [{"payment_type": "gc", "amount": 1}]},
        ".payment_transactions[0].transaction_type",
    ),
}


@pytest.mark.parametrize("changes, path", DEVIATING.values(), ids=DEVIATING)
def test_a_deviation_of_the_older_schemas_is_recorded_and_read(changes: dict[str, Any], path: str) -> None:
    page = parse_pull_page(a_page(an_order("good"), an_order("older", **changes)))
    assert [each.channel_order_refnum for each in page.orders] == ["good", "older"]
    assert page.rejected == []
    assert [each.path for each in page.violations] == [f"orders[1]{path}"]


def test_values_of_the_older_schemas_are_kept() -> None:
    payment = {
        "payment_type": "gc",
        "transaction_type": "giftcard",
        "payment_processing_type": "authorize.net",
    }
    page = parse_pull_page(
        a_page(
            an_order(
                payment_transactions=[payment],
                channel_date_created="2026-01-31T09:30:00",
                shipping_address=...,
            )
        )
    )
    (order,) = page.orders
    assert order.payment_transactions is not None
    (read,) = order.payment_transactions
    assert (read.transaction_type, read.payment_processing_type, read.amount) == (
        "giftcard",
        "authorize.net",
        None,
    )
    assert order.channel_date_created == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    assert order.shipping_address is None


def test_null_stands_for_any_array_or_optional_and_whole_decimals_for_integers() -> None:
    nulls = dict.fromkeys(
        ["payment_transactions", "attributes", "tags", "customer_info", "gift_message", "cancel"]
    )
    item = an_item(quantity=Decimal("3.0"), options=None, tags=None, facility_id=Decimal("7.00"))
    page = parse_pull_page(a_page(an_order(**nulls, order_items=[item]), an_order("R2", order_items=None)))
    assert (page.rejected, page.violations) == ([], [])
    quantity = page.orders[0].order_items[0].quantity
    assert (quantity, type(quantity)) == (3, int)
    assert page.orders[0].order_items[0].facility_id == 7
    assert page.orders[1].order_items == []


def test_deviations_of_the_page_stop_nothing() -> None:
    orders = [an_order(f"R{number}", colour="red") for number in range(101)]
    page = parse_pull_page(a_page(*orders, next_page_token="t" * 36, total=101))
    assert len(page.orders) == 101
    assert page.next_page_token == "t" * 36
    assert page.violations == [
        Violation("next_page_token", "has 36 characters; page_token may have at most 35", "t" * 36),
        Violation("orders", "has 101 orders; a page holds at most 100"),
        Violation("orders[].colour", "is not in the contract; ignored (101 times)"),
        Violation("total", "is not in the contract; ignored (1 times)"),
    ]


@pytest.mark.parametrize(
    "body, messages",
    [
        (b'{"orders":[]}', ["is missing; taken as the last page. Send a blank string to end the pull"]),
        (b'{"orders":null,"next_page_token":null}', ["must be a string; taken as the last page"]),
        (b'{"next_page_token":""}', ["is missing; taken as no orders"]),
        (b'{"orders":null,"next_page_token":""}', []),
    ],
)
def test_an_empty_page(body: bytes, messages: list[str]) -> None:
    page = parse_pull_page(body)
    assert (page.orders, page.rejected, page.next_page_token) == ([], [], "")
    assert [each.message for each in page.violations] == messages


def test_of_two_orders_with_one_refnum_the_first_is_read() -> None:
    page = parse_pull_page(a_page(an_order("R1"), an_order("R2"), an_order("R1", ship_service_code="Air")))
    assert [(each.channel_order_refnum, each.ship_service_code) for each in page.orders] == [
        ("R1", "Ground"),
        ("R2", "Ground"),
    ]
    message = "is the same as that of orders[0]; only that one was read"
    assert page.violations == [Violation("orders[2].channel_order_refnum", message, "R1")]
    assert [(each.index, each.channel_order_refnum) for each in page.rejected] == [(2, "R1")]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"orders"', b'{"orders":{}}', b'{"orders":"none"}'])
def test_something_that_is_no_page(body: bytes) -> None:
    with pytest.raises(ContractViolation) as caught:
        parse_pull_page(body)
    assert len(caught.value.violations) == 1


def test_a_page_of_endless_orders_is_refused() -> None:
    with pytest.raises(ContractViolation, match="has 1001 orders; send at most 100 a page"):
        parse_pull_page(a_page(*[1] * 1001))


def test_a_hundred_thousand_bad_items_are_one_violation() -> None:
    page = parse_pull_page(a_page(an_order(order_items=[0] * 100_000), an_order("R2")))
    assert [each.channel_order_refnum for each in page.orders] == ["R2"]
    assert [each.path for each in page.rejected[0].violations] == ["orders[0].order_items[0]"]


def test_broken_json_is_a_json_error() -> None:
    with pytest.raises(JsonError):
        parse_pull_page(b'{"orders":[{"cancel":')
