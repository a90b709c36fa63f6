"""Whatever is sent, every action answers in its envelope, never with a fault of ours, and the books still add up."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.fulfilment.models import Shipment, ShipmentItem
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.purchasing.operations.advance_pos import accept_pos, submit_pos
from tests.hub.api.world import Api, World

BODIES = 1500

SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 3, -1, 7, 2**31 - 1, 2**31, 2**63, 10**19, 0.5, 1.0, 1e-9, -0.0, 1e30, "", " ", "1", "-1",
    "1e3", "x", "A", "B", "VB", "MAIN", "W0", "W1", "acme", "Acme", "ready", "open", "shipped", "now", "restock", "none", "kg",
    "TRACK1", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "1-1",
    "999999999999999999-999999999999999999", "\u0661", "\u200b", "%s", "{x}", "'; --", "\U0001f4a9", "x" * 300, "{", "a\tb",
)  # fmt: skip


def names_of(model: type[BaseModel]) -> dict[str, type[BaseModel] | None]:
    return {name: model_in(field.annotation) for name, field in model.model_fields.items()}


def model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := model_in(part))), None)


class Generator:
    def __init__(self, seed: int, ids: Mapping[str, list[Any]]) -> None:
        self.random = random.Random(seed)
        self.ids = ids

    def value(self, name: str, child: type[BaseModel] | None, depth: int) -> Any:
        roll = self.random.random()
        if child is not None and roll < 0.85:
            return (
                [self.object(child, depth + 1) for _ in range(self.random.randint(0, 3))]
                if roll < 0.7
                else self.object(child, depth)
            )
        if name in self.ids and roll < 0.7:
            return self.random.choice(self.ids[name])
        if roll < 0.95 or depth > 3:
            return self.random.choice(SCALARS)
        return self.random.choice(
            ([], {}, [[]], [self.random.choice(SCALARS)], {"id": self.random.choice(SCALARS)})
        )

    def object(self, model: type[BaseModel], depth: int = 0) -> dict[str, Any]:
        made = {
            name: self.value(name, child, depth)
            for name, child in names_of(model).items()
            if self.random.random() < (0.95 if model.model_fields[name].is_required() else 0.4)
        }
        if self.random.random() < 0.05:
            made[self.random.choice(("extra", "", "__class__", "model_config", "self"))] = self.random.choice(
                SCALARS
            )
        return made


def ids_in(world: World) -> dict[str, list[Any]]:
    """Orders in different states, and values that name what is theirs."""
    orders = [world.order(f"W{number}", ("A", 3), ("B", 2)) for number in range(3)]
    pos = [po.pk for order in orders for po in order.purchase_orders.all()]
    submit_pos(po_ids=pos[:2], actor="test")
    accept_pos(po_ids=pos[:1], actor="test")
    item = ShipmentItem.objects.filter(shipment__order=orders[0], shipment__facility=world.main).get()
    ship_packages(packages=[NewPackage("fuzz", item.shipment_id, [(item.pk, 3)])], actor="test")
    shipments = list(Shipment.objects.values_list("pk", flat=True))
    lines = [line.pk for order in orders for line in order.lines.all()]
    return {
        "id": shipments,
        "ids": shipments,
        "order_id": [order.pk for order in orders],
        "order_line_id": lines,
        "po": [po.number for order in orders for po in order.purchase_orders.all()],
        "po_item_id": [
            item.pk for order in orders for po in order.purchase_orders.all() for item in po.items.all()
        ],
        "shipment_item_id": lines,
        "vendor_id": [world.acme.pk, str(world.acme.pk)],
        "facility_id": [world.main.pk],
        "quantity": [1, 2, "1"],
        "ship_class_id": [7, "62", 114],
        "vpc": ["VB"],
        "sku": ["A", "B"],
        "refnum": ["W0", "W1"],
        "version": [1],
        "reason": ["because"],
        "reference": ["R1", "R2"],
        "rma": ["RMA1", "RMA2"],
        "tracking_number": ["TRACK1", "TRACK2"],
        "cancel_remainder": [True, "1", 0],
        "disposition": ["restock", "discard"],
        "refund_action": ["refund", "none"],
        "carrier_name": ["FedEx"],
        "facility": ["MAIN"],
        "channel": ["shop"],
    }


def actions() -> list[str]:
    return [
        "Constant.Ship.CarrierClass.Fetch", "Customer.Order.Cancel", "Customer.Order.Edit", "Customer.Order.Fetch",
        "Customer.Order.ReleaseHold", "Customer.Return.Receive", "Fulfillment.Shipment.Complete", "Fulfillment.Shipment.Fetch",
        "Inventory.Stock.Adjust", "Inventory.Stock.Fetch", "Inventory.Stock.Receive", "Product.ExternalSku.Update",
        "System.Status", "System.Invariants.Check", "Vendor.PO.Complete", "Vendor.PO.Fetch", "Vendor.PO.MarkAccepted",
        "Vendor.PO.MarkSubmitted",
    ]  # fmt: skip


@pytest.mark.parametrize("name", actions())
def test_no_body_is_answered_with_a_fault_of_ours(world: World, operator: Api, name: str) -> None:
    from retailops.hub.api.actions import REGISTRY
    from retailops.hub.api.registry import Batch, Query

    [action] = [action for action in REGISTRY if action.name == name]
    assert isinstance(action, Batch | Query)
    model = action.record if isinstance(action, Batch) else action.request
    generator = Generator(sum(map(ord, name)), ids_in(world))
    suffix = "" if action.version == 1 else f"~{action.version}"
    succeeded = 0
    for number in range(BODIES if names_of(model) else 20):
        record = generator.object(model)
        records = [record] if number % 2 else [record, generator.object(model)]
        body = (
            record
            if isinstance(action, Query) or (action.bare and number % 3) or action.only_bare
            else {"records": records}
        )
        answer = operator(f"/{name.replace('.', '/')}{suffix}.json", body)
        told = json.dumps(answer.body)
        assert answer.status < 500, (body, told)
        assert '"INTERNAL"' not in told, (body, told)
        assert '"RETRY"' not in told, (body, told)
        assert answer.body["success"] in (0, 1)
        succeeded += answer.body["success"]
    assert succeeded > 0, "no body was good: the generator reaches nothing"
    assert check_invariants() == []


def test_every_action_is_fuzzed_and_has_an_example_its_own_model_accepts(world: World) -> None:
    from retailops.hub.api.actions import REGISTRY
    from retailops.hub.api.params import Records, unknown_fields, validate
    from retailops.hub.api.registry import Batch, Query

    assert sorted(action.name for action in REGISTRY) == sorted(actions())
    for action in REGISTRY:
        if isinstance(action, Query):
            assert list(unknown_fields(validate(action.request, action.example))) == []
        elif isinstance(action, Batch):
            example = action.example
            values = validate(Records, example).records if "records" in example else [example]
            for value in values:
                assert list(unknown_fields(validate(action.record, value))) == []
