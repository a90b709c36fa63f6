from decimal import Decimal

import pytest

from retailops.contract.catalog import CatalogGetConfigResponse
from retailops.contract.events import Association, Event
from retailops.contract.payment import PaymentCreditResponse
from retailops.contract.replies import parse_reply, read_reply
from retailops.contract.returns import OrderReturnedResponse
from retailops.contract.strict_json import JsonError
from retailops.contract.update import LineItem, OrderUpdateResponse
from retailops.contract.violations import ContractViolation, Violation


def test_events_of_a_good_reply() -> None:
    reply = parse_reply(
        "order_acknowledge",
        b'{"events":[{"event_type":"warning","code":"W1","message":"late","associations":'
        b'[{"identifier_type":"order_refnum","identifier":"R1"}]},{}]}',
    )
    about = [Association(identifier_type="order_refnum", identifier="R1")]
    assert reply.events == [
        Event(event_type="warning", code="W1", message="late", associations=about),
        Event(),
    ]
    assert (reply.status, reply.violations) == (None, [])


@pytest.mark.parametrize("body", [b"{}", b'{"events":null}', b'{"events":[]}'])
def test_a_reply_without_events(body: bytes) -> None:
    reply = parse_reply("inventory_push", body)
    assert (reply.events, reply.violations) == ([], [])


@pytest.mark.parametrize(
    "body, status, paths",
    [
        (b'{"status":"success"}', "success", []),
        (b'{"status":"fail","events":[{"event_type":"error"}]}', "fail", []),
        (b'{"status":null}', None, []),
        (b'{"status":"error"}', None, ["status"]),
        (b'{"status":1}', None, ["status"]),
        (b'{"status":"success","count":1}', "success", ["count"]),
    ],
)
@pytest.mark.parametrize("name", ["order_cancel", "order_complete"])
def test_status(name: str, body: bytes, status: str | None, paths: list[str]) -> None:
    reply = parse_reply(name, body)
    assert reply.status == status
    assert [each.path for each in reply.violations] == paths


def test_an_event_with_wrong_types_is_kept_as_text() -> None:
    reply = parse_reply(
        "order_shipment_submit",
        b'{"events":[{"event_type":"fatal","code":42,"message":"no","diagnostic_data":["a.php",7]}]}',
    )
    assert reply.events == [
        Event.model_construct(event_type="fatal", code="42", message="no", diagnostic_data='["a.php",7]')
    ]
    assert [(each.path, each.value) for each in reply.violations] == [
        ("events[0].event_type", "fatal"),
        ("events[0].code", "42"),
        ("events[0].diagnostic_data", '["a.php",7]'),
    ]


def test_malformed_events_become_violations_and_the_rest_is_kept() -> None:
    reply = parse_reply(
        "order_cancel", b'{"status":"success","events":[5,{"code":"A"},{"associations":"x"},{"code":"B"}]}'
    )
    assert [each.code for each in reply.events] == ["A", "B"]
    assert reply.status == "success"
    assert [each.path for each in reply.violations] == ["events[0]", "events[2].associations"]


def test_events_that_are_no_array_are_left_out() -> None:
    reply = parse_reply("order_cancel", b'{"status":"success","events":{"code":"A"}}')
    assert (reply.events, reply.status) == ([], "success")
    assert reply.violations == [Violation("events", "should be a valid list", '{"code":"A"}')]


def test_a_lone_event_in_place_of_the_reply_is_read() -> None:
    reply = parse_reply("order_acknowledge", b'{"event_type":"error","code":"1","message":"no such order"}')
    assert [each.message for each in reply.events] == ["no such order"]
    assert reply.violations == [Violation("", "is a single event; send it in the array events")]


def test_update_reply() -> None:
    reply = read_reply(
        OrderUpdateResponse,
        b'{"line_items":[{"order_item_id":7.0,"refnum":"L7","unit_tax":0.10},{"order_item_id":8},'
        b'{"order_item_id":"9","refnum":"L9"}],"values":{"tax_amt":1.20}}',
    )
    assert reply.payload.line_items == [LineItem(order_item_id=7, refnum="L7", unit_tax=Decimal("0.10"))]
    assert reply.payload.values is not None
    assert reply.payload.values.tax_amt == Decimal("1.20")
    assert [each.path for each in reply.violations] == ["line_items[1].refnum", "line_items[2].order_item_id"]


def test_returned_reply() -> None:
    reply = read_reply(
        OrderReturnedResponse,
        b'{"return":{"channel_store_credit_amount":5},"payment_transactions":[{"payment_type":"visa","amount":2.5,'
        b'"transaction_type":"credit"},{"payment_type":"gc","amount":1,"transaction_type":"giftcard"}]}',
    )
    assert reply.payload.return_ is not None
    assert reply.payload.return_.channel_store_credit_amount == Decimal(5)
    assert reply.payload.payment_transactions is not None
    assert [each.transaction_type for each in reply.payload.payment_transactions] == ["credit", "giftcard"]
    assert [each.path for each in reply.violations] == ["payment_transactions[1].transaction_type"]


def test_credit_reply_is_a_transaction_whose_status_is_its_own() -> None:
    reply = read_reply(
        PaymentCreditResponse,
        b'{"payment_type":"visa","amount":3,"transaction_type":"credit","status":"decline"}',
    )
    assert (reply.payload.amount, reply.payload.status) == (Decimal(3), "decline")
    assert (reply.status, reply.events, reply.violations) == (None, [], [])
    empty = read_reply(PaymentCreditResponse, b"{}")
    assert empty.payload.amount is None
    assert [each.path for each in empty.violations] == ["payment_type", "amount", "transaction_type"]


@pytest.mark.parametrize(
    "body, fanout, paths",
    [
        (b'{"sku_fanout":"no_fanout"}', "no_fanout", []),
        (b'{"sku_fanout":"all_skus_for_product"}', None, ["sku_fanout"]),
        (b'{"events":[]}', None, ["events"]),
    ],
)
def test_catalog_config(body: bytes, fanout: str | None, paths: list[str]) -> None:
    reply = read_reply(CatalogGetConfigResponse, body)
    assert reply.payload.sku_fanout == fanout
    assert [each.path for each in reply.violations] == paths


@pytest.mark.parametrize("body", [b"[]", b"null", b"true", b'"ok"', b"1"])
def test_a_reply_that_is_no_object(body: bytes) -> None:
    with pytest.raises(ContractViolation, match="body: must be an object") as caught:
        parse_reply("order_acknowledge", body)
    assert caught.value.violations[0].value == body.decode().strip('"')


def test_what_is_not_json_and_what_is_not_an_interaction() -> None:
    with pytest.raises(JsonError):
        parse_reply("order_cancel", b"<html>")
    with pytest.raises(KeyError):
        parse_reply("order_delete", b"{}")


def test_a_million_events_are_read_as_a_thousand() -> None:
    reply = parse_reply("order_acknowledge", b'{"events":[' + b"{}," * 1_000_000 + b"{}]}")
    assert len(reply.events) == 1000
    assert reply.violations == [Violation("events", "has 1000001 entries; only the first 1000 were read")]


def test_unknown_fields_are_listed_up_to_fifty() -> None:
    fields = ",".join(f'"f{number}":1' for number in range(1000))
    reply = parse_reply("order_cancel", f"{{{fields}}}".encode())
    assert [each.path for each in reply.violations] == [f"f{number}" for number in range(50)]
