"""What each interaction sends, held against our own models and the published contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.hub.channels.support import build_all, build_one, make_task, sent
from tests.hub.factories import (
    import_now,
    incoming,
    make_channel,
    make_facility,
    make_listing,
    make_sku,
    stock_up,
)

from retailops.contract.base import to_wire
from retailops.contract.interactions import INTERACTIONS
from retailops.contract.strict_json import parse
from retailops.hub.catalog.models import SkuIdentifier
from retailops.hub.channels.handlers import HANDLERS
from retailops.hub.channels.models import Channel, ShipCode
from retailops.hub.fulfilment.models import Package, ShipmentItem
from retailops.hub.fulfilment.operations.cancel_orders import cancel_lines
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import Order, OrderLine
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.handlers import Call

pytestmark = pytest.mark.django_db

SHARED = Path(__file__).parents[4] / "shared"
PUBLISHED = SHARED / "contract/channel/swagger-2022.json"


class Story:
    """An order of 3 A and 2 B at 10.00: A shipped but for one cancelled unit, B cancelled; one A came back."""

    def __init__(self) -> None:
        self.channel = make_channel()
        a, b = make_sku("A", price="12.50"), make_sku("B")
        SkuIdentifier.objects.create(sku=a, kind="upc", value="012345678905")
        self.listing = make_listing(self.channel, a)
        self.product_id = a.product_id
        east = make_facility("EAST")
        stock_up(east, {a: 10, b: 10})
        self.order = Order.objects.get(
            pk=import_now(self.channel, incoming("R-1", [("A", 3), ("B", 2)])).created["R-1"]
        )
        self.a_line, self.b_line = OrderLine.objects.filter(order=self.order).order_by("position")
        cancel_lines(quantities={self.a_line.pk: 1, self.b_line.pk: 2}, actor="test", reason="test")
        route_orders(order_ids=[self.order.pk], actor="test")
        item = ShipmentItem.objects.get()
        ShipCode.objects.create(channel=self.channel, carrier_name="UPS", code="ups")
        ShipCode.objects.create(
            channel=self.channel, carrier_name="UPS", carrier_class_name="Ground", code="ups_ground"
        )
        ship_packages(
            packages=[
                NewPackage(
                    "p1", item.shipment_id, [(item.pk, 2)], "ups", "Ground", "1Z999", Decimal("1.2500")
                )
            ],
            actor="test",
        )
        self.package = Package.objects.get()
        self.capture = PaymentTransaction.objects.get(kind="capture")
        PaymentTransaction.objects.filter(pk=self.capture.pk).update(state="succeeded", refnum="T-9")
        self.return_id = receive_return(
            rma="RMA-1", order_id=self.order.pk, facility_id=east.pk, items=[ReturnedItem(self.a_line.pk, 1, "too small")],
            actor="test",
        )  # fmt: skip
        self.refund = PaymentTransaction.objects.create(
            order=self.order,
            kind="refund",
            amount=Decimal(10),
            currency="USD",
            processing_type="channel_payment",
            key="r",
        )
        self.settling = PaymentTransaction.objects.create(
            order=self.order, kind="capture", amount=Decimal("1.50"), currency="USD", payment_type="visa",
            processing_type="channel_storecredit", key="c",
        )  # fmt: skip

    def call(self, kind: str) -> Call:
        subjects: Mapping[str, int | None] = {
            "order_acknowledge": self.order.pk,
            "order_update": self.order.pk,
            "order_cancel": self.order.pk,
            "order_complete": self.order.pk,
            "order_shipment_submit": self.package.pk,
            "order_settle_payment": self.settling.pk,
            "order_returned": self.return_id,
            "payment_credit": self.refund.pk,
            "catalog_push": self.product_id,
            "inventory_push": self.listing.pk,
            "order_pull": None,
            "catalog_get_config": None,
        }
        return build_one(make_task(kind, self.channel, subjects[kind], order_id=self.order.pk))


@pytest.fixture
def story() -> Story:
    return Story()


def _members(value: object) -> list[object]:
    if isinstance(value, dict):
        return [value, *(found for member in value.values() for found in _members(member))]
    if isinstance(value, list):
        return [value, *(found for member in value for found in _members(member))]
    return [value]


def test_there_is_a_handler_for_each_interaction() -> None:
    assert set(HANDLERS) == set(INTERACTIONS)


@pytest.mark.parametrize("kind", sorted(INTERACTIONS))
def test_requests_are_what_our_model_writes_and_hold_no_null(story: Story, kind: str) -> None:
    call = story.call(kind)
    body = sent(call)
    model = INTERACTIONS[kind].request.model_validate(body)
    assert parse(to_wire(model)) == body
    assert None not in _members(body)
    assert (body["action"], body["version"], body["client_id"]) == (kind, 1, 1)
    assert body["channel_info"] == {"id": story.channel.pk}
    assert body["integration_auth_token"] == "a key for tests"
    assert call.url == f"http://127.0.0.1:9/api/channel/{kind}_v1"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published contract is not here")
@pytest.mark.parametrize("kind", sorted(INTERACTIONS))
def test_requests_are_valid_under_the_published_contract(story: Story, kind: str) -> None:
    import jsonschema_rs

    document = json.loads(PUBLISHED.read_text())
    # The one known mistake in it that our requests meet: shipping has cents.
    document["definitions"]["Return"]["properties"]["shipping_amt"]["type"] = "number"
    operation: Any = document["paths"][f"/{kind}_v1"]["post"]
    schema = next(parameter["schema"] for parameter in operation["parameters"] if parameter["in"] == "body")
    validator = jsonschema_rs.Draft4Validator({**schema, "definitions": document["definitions"]})
    assert [str(error) for error in validator.iter_errors(json.loads(story.call(kind).body))] == []


def test_headers_name_the_message_and_the_attempt(story: Story) -> None:
    first = make_task("order_cancel", story.channel, story.order.pk, attempts=3)
    call = build_one(first)
    assert call.headers["webhook-id"] == f"task_{first.id}"
    assert call.headers["retailops-attempt"] == "3"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["webhook-timestamp"].isdigit()


def test_an_order_is_told_whole(story: Story) -> None:
    order = sent(story.call("order_complete"))["order"]
    a, b = story.a_line.pk, story.b_line.pk
    assert (order["channel_order_refnum"], order["retailops_order_id"]) == ("R-1", story.order.pk)
    assert order["order_items"] == [
        {
            "channel_item_refnum": "R-1-1", "sku": "A", "order_item_id": a, "quantity": 2, "unit_price": 10,
            "apportioned_ship_amt": Decimal("5.00"), "direct_ship_amt": 0,
        },
        {
            "channel_item_refnum": "R-1-2", "sku": "B", "order_item_id": b, "quantity": 0, "unit_price": 10,
            "apportioned_ship_amt": Decimal("0.00"), "direct_ship_amt": 0,
        },
    ]  # fmt: skip
    assert order["unshipped_items"] == [
        {
            "channel_item_refnum": "R-1-1", "sku": "A", "ordered_quantity": 3, "unshipped_quantity": 1,
            "effective_unit_price": 10, "effective_extended_price": Decimal("10.00"),
        },
        {
            "channel_item_refnum": "R-1-2", "sku": "B", "ordered_quantity": 2, "unshipped_quantity": 2,
            "effective_unit_price": 10, "effective_extended_price": Decimal("20.00"),
        },
    ]  # fmt: skip
    assert [shipment["retailops_shipment_id"] for shipment in order["shipments"]] == [
        story.package.shipment_id
    ]


def test_removed_is_told_in_updates_alone(story: Story) -> None:
    update = sent(story.call("order_update"))
    assert [item["removed"] for item in update["order"]["order_items"]] == [False, True]
    assert update["rmas"][0]["external_rma_refnum"] == "RMA-1"
    for kind in ("order_complete", "order_settle_payment", "order_returned"):
        assert all("removed" not in item for item in sent(story.call(kind))["order"]["order_items"])


def test_a_package_travels_with_the_channels_ship_code(story: Story) -> None:
    body = sent(story.call("order_shipment_submit"))
    (package,) = body["shipment"]["packages"]
    assert (body["channel_order_refnum"], body["retailops_order_id"]) == ("R-1", story.order.pk)
    assert body["shipment"]["retailops_shipment_id"] == story.package.shipment_id
    assert package["retailops_package_id"] == story.package.pk
    assert package["channel_ship_code"] == "ups_ground"
    assert (package["tracking_number"], package["weight_kg"]) == ("1Z999", Decimal("1.25"))
    assert package["date_shipped"].endswith("Z")
    assert package["package_items"] == [
        {
            "sku": "A", "retailops_order_item_id": story.a_line.pk, "channel_item_refnum": "R-1-1", "quantity": 2,
            "retailops_shipment_item_id": ShipmentItem.objects.get().pk,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    "carrier, carrier_class, code",
    [("UPS", "Ground", "ups_ground"), ("Ups", "Air", "ups"), ("DHL", "Ground", None)],
)
def test_ship_codes_go_by_carrier_and_class_then_by_carrier(
    story: Story, carrier: str, carrier_class: str, code: str | None
) -> None:
    Package.objects.update(carrier_name=carrier, carrier_class_name=carrier_class)
    (package,) = sent(story.call("order_shipment_submit"))["shipment"]["packages"]
    assert package.get("channel_ship_code") == code


def test_settling_names_one_transaction(story: Story) -> None:
    payment = sent(story.call("order_settle_payment"))["payment"]
    assert payment == {
        "currency_code": "USD",
        "payment_series_id": story.settling.pk,
        # The contract of 2022 has no word for store credit.
        "payment_transactions": [
            {"transaction_type": "capture", "payment_type": "visa", "amount": Decimal("1.5")}
        ],
    }


def test_a_credit_names_what_was_paid(story: Story) -> None:
    credit = sent(story.call("payment_credit"))["credit"]
    assert credit["amount"] == 10
    kinds = [(each["transaction_type"], each.get("refnum")) for each in credit["parent_payment_transactions"]]
    assert kinds == [("auth", None), ("capture", "T-9")]


def test_a_return_is_told_with_its_money(story: Story) -> None:
    returned = sent(story.call("order_returned"))["return"]
    assert (returned["retailops_return_id"], returned["external_rma_refnum"]) == (story.return_id, "RMA-1")
    assert (returned["refund_action"], returned["refund_amt"]) == ("refund", 10)
    (item,) = returned["items"]
    assert (item["sku"], item["quantity"], item["reason"], item["credit_amt"]) == ("A", 1, "too small", 10)


def test_a_channel_that_lacks_the_interaction_is_not_called(story: Story) -> None:
    Channel.objects.update(capabilities=["order_pull"])
    built = build_all([make_task("order_cancel", story.channel, story.order.pk)])
    assert list(built.calls) == []
    assert [(s.outcome.value, s.message) for s in built.settled] == [
        ("ok", "the channel does not implement it")
    ]


def test_what_is_gone_is_settled_without_a_call(story: Story) -> None:
    kinds = ["order_cancel", "order_update", "order_complete", "order_acknowledge", "order_shipment_submit"]
    kinds += ["order_returned", "order_settle_payment", "payment_credit", "catalog_push", "inventory_push"]
    for kind in kinds:
        built = build_all([make_task(kind, story.channel, 10**9)])
        assert (list(built.calls), [s.outcome.value for s in built.settled]) == ([], ["ok"]), kind
