"""What the hub builds, byte for byte, and what the SDK accepts from older hubs."""

from dataclasses import FrozenInstanceError
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from retailops.contract.base import ChannelInfo, to_wire
from retailops.contract.interactions import INTERACTIONS, build_url
from retailops.contract.order import Order, OrderItem
from retailops.contract.payment import PaymentTransaction
from retailops.contract.pull import OrderPullRequest
from retailops.contract.returns import OrderReturnedRequest, Return, ReturnItem
from retailops.contract.strict_json import parse
from retailops.contract.update import OrderUpdateRequest

ENVELOPE: dict[str, Any] = {
    "integration_auth_token": "s3cret",
    "version": 1,
    "client_id": 5,
    "channel_info": ChannelInfo(id=2),
}
ENVELOPE_ON_THE_WIRE = (
    '"integration_auth_token":"s3cret","action":"%s","version":1,"client_id":5,"channel_info":{"id":2}'
)


def test_a_pull_request_leaves_out_what_is_absent() -> None:
    request = OrderPullRequest(action="order_pull", page_token="", **ENVELOPE)
    assert to_wire(request).decode() == "{" + ENVELOPE_ON_THE_WIRE % "order_pull" + ',"page_token":""}'


def test_a_return_has_its_wire_name_and_exact_money() -> None:
    item = ReturnItem(retailops_item_id=9, quantity=1, credit_amt=Decimal("10.10"))
    returned = Return(retailops_return_id=3, shipping_amt=Decimal("4.90"), items=[item])
    order = Order(channel_order_refnum="R1", order_items=[])
    request = OrderReturnedRequest(action="order_returned", order=order, return_=returned, **ENVELOPE)
    assert to_wire(request).decode() == (
        "{"
        + ENVELOPE_ON_THE_WIRE % "order_returned"
        + ',"order":{"channel_order_refnum":"R1","order_items":[]},'
        '"return":{"retailops_return_id":3,"shipping_amt":4.90,'
        '"items":[{"retailops_item_id":9,"quantity":1,"credit_amt":10.10}]}}'
    )


def test_building_without_validation_gives_the_same_bytes() -> None:
    fields: dict[str, Any] = {"order_item_id": 4, "unit_price": Decimal("1.50"), "removed": True}
    assert to_wire(OrderItem.model_construct(**fields)) == to_wire(OrderItem(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"transaction_type": "giftcard"},
        {"payment_processing_type": "channel_storecredit"},
        {"payment_type": None},
        {"amount": "1.00"},
        {"amount": 1.5},
        {"amount": True},
        {"amount": Decimal("NaN")},
        {"status": "ok"},
    ],
)
def test_only_transactions_of_2022_are_built(fields: dict[str, Any]) -> None:
    good: dict[str, Any] = {"payment_type": "visa", "amount": Decimal(1), "transaction_type": "charge"}
    assert PaymentTransaction(**good).amount == 1
    with pytest.raises(ValidationError) as caught:
        PaymentTransaction(**good | fields)
    assert [each["loc"] for each in caught.value.errors()] == [tuple(fields)]


def test_a_long_page_token_goes_back_to_the_channel_that_made_it() -> None:
    request = OrderPullRequest(action="order_pull", page_token="t" * 128, **ENVELOPE)
    assert request.page_token == "t" * 128


@pytest.mark.parametrize("sent, read", [('"true"', True), ('"false"', False), ("true", True), ("null", None)])
def test_removed_as_text_or_boolean(sent: str, read: bool | None) -> None:
    item = OrderItem.model_validate(parse(f'{{"removed":{sent}}}'.encode()))
    assert item.removed is read


@pytest.mark.parametrize(
    "sent, read", [('"17"', 17), ("17", 17), ("17.0", 17), ('"null"', None), ('""', None)]
)
def test_rma_id_as_text_or_number(sent: str, read: int | None) -> None:
    assert Return.model_validate(parse(f'{{"retailops_rma_id":{sent}}}'.encode())).retailops_rma_id == read


@pytest.mark.parametrize(
    "sent", [b'{"removed":"yes"}', b'{"removed":1}', b'{"order_item_id":"4"}', b'{"order_item_id":true}']
)
def test_nothing_else_is_coerced(sent: bytes) -> None:
    with pytest.raises(ValidationError):
        OrderItem.model_validate(parse(sent))
    with pytest.raises(ValidationError):
        Return.model_validate({"retailops_rma_id": "RMA-1"})


def test_null_arrays_and_unknown_fields_of_an_older_hub() -> None:
    body = b'{"action":"SDK.writeback","version":1,"client_id":0,"channel_info":{},"rmas":null,"order":{"new":1}}'
    request = OrderUpdateRequest.model_validate(parse(body))
    assert request.rmas is None
    assert request.order == Order()


def test_the_twelve_interactions() -> None:
    assert sorted(INTERACTIONS) == [
        "catalog_get_config",
        "catalog_push",
        "inventory_push",
        "order_acknowledge",
        "order_cancel",
        "order_complete",
        "order_pull",
        "order_returned",
        "order_settle_payment",
        "order_shipment_submit",
        "order_update",
        "payment_credit",
    ]
    assert all(each.path == f"{name}_v1" and each.version == 1 for name, each in INTERACTIONS.items())
    with pytest.raises(FrozenInstanceError):
        INTERACTIONS["order_pull"].name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "base, url",
    [
        ("https://shop.example", "https://shop.example/order_pull_v1"),
        ("https://shop.example/", "https://shop.example/order_pull_v1"),
        ("https://shop.example:8443/retailops//", "https://shop.example:8443/retailops/order_pull_v1"),
        (
            "https://shop.example/api?store=2&x=%2F#top",
            "https://shop.example/api/order_pull_v1?store=2&x=%2F",
        ),
    ],
)
def test_url(base: str, url: str) -> None:
    assert build_url(base, "order_pull") == url
