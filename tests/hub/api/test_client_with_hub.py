"""The client and the hub, over a socket: a vendor's day and a warehouse's day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retailops.client import CallFailed, PartialFailure, RetailOps
from retailops.client.api import IDEMPOTENT
from retailops.hub.audit.operations.check_invariants import check_invariants
from tests.hub.api.serving import serving
from tests.hub.api.world import World
from tests.hub.factories import line_counts


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving() as url:
        yield url


def test_a_vendors_day(world: World, url: str) -> None:
    for number in range(3):
        world.order(f"W{number}", ("B", 2))
    with RetailOps(world.key(vendor_id=world.acme.pk), url) as hub:
        assert hub.update_external_skus([{"vpc": "VB", "quantity": 50}]).records[0]["changed"] == 1
        pos = list(hub.iter_pos(limit=2, with_items=True))
        assert len(pos) == 3
        names = [
            {"po": po["po"], "items": [{"po_item_id": i["po_item_id"], "quantity": 2} for i in po["items"]]}
            for po in pos
        ]
        assert [record["changed"] for record in hub.mark_pos_submitted(names).records] == [1, 1, 1]
        assert [record["changed"] for record in hub.mark_pos_accepted(names).records] == [1, 1, 1]
        [ground] = [
            each["id"] for each in hub.fetch_carrier_classes(all=1).records if each["name"] == "UPS Ground"
        ]
        for po in pos:
            package = {
                "ship_class_id": ground,
                "tracking_number": f"1Z{po['id']:016}",
                "items": [{"vpc": "VB", "quantity": 2}],
            }
            assert hub.complete_po(po["po"], [package]).records[0]["po_status"] == "complete"
        assert list(hub.iter_pos()) == []
        with pytest.raises(CallFailed) as refused:
            hub.fetch_orders()
        assert refused.value.code == "ACTION_FORBIDDEN"
    assert line_counts("W0") == [("B", 2, 0, 0, 2, 0)]
    assert check_invariants() == []


def test_a_warehouses_day(world: World, url: str) -> None:
    for number in range(3):
        world.order(f"W{number}", ("A", 2))
    with RetailOps(world.key(facility_id=world.main.pk), url) as hub:
        shipments = list(hub.iter_shipments(limit=2))
        records = [
            {
                "id": shipment["id"],
                "packages": [
                    {
                        "ship_class_id": 7,
                        "tracking_number": f"T{shipment['id']:011}",
                        "items": [
                            {"shipment_item_id": item["shipment_item_id"], "quantity": 2}
                            for item in shipment["items"]
                        ],
                    }
                ],
            }
            for shipment in shipments
        ]
        assert [record["units_open"] for record in hub.complete_shipments(records).records] == [0, 0, 0]
        items = [{"sku": "A", "quantity": 1}]
        assert hub.receive_return("RMA1", items, refnum="W0").records[0]["changed"] == 1
        with pytest.raises(PartialFailure):
            hub.receive_stock([{"sku": s, "quantity": 1, "reference": "D1"} for s in ("A", "nope")])
        assert next(hub.iter_stock())["on_hand"] == 1000 - 6 + 1 + 1


def test_an_operators_day(world: World, url: str) -> None:
    order = world.order("W1", ("A", 2))
    with RetailOps(world.key(), url) as hub:
        assert [record["id"] for record in hub.iter_orders(status="released", limit=1)] == [order.pk]
        line = order.lines.get().pk
        assert (
            hub.edit_order([{"order_line_id": line, "quantity": 1}], order_id=order.pk).body["new_total"]
            == "15.0000"
        )
        assert hub.release_holds([{"order_id": order.pk}]).records[0]["changed"] == 0
        adjusted = hub.adjust_stock(
            [{"facility": "MAIN", "sku": "A", "quantity": -1, "reason": "x", "reference": "X"}]
        )
        assert adjusted.records[0]["changed"] == 1
        assert hub.cancel_orders([{"order_id": order.pk}]).records[0]["order_status"] == "cancelled"
        assert hub.fetch_stock().records[0]["available"] == 999
        assert hub.status().body["orders"]["cancelled"] == 1
        assert hub.check_invariants().body["holds"] == 1


def test_every_action_that_may_be_repeated_exists(world: World) -> None:
    from retailops.hub.api.actions import REGISTRY

    assert {action.name.lower() for action in REGISTRY} - IDEMPOTENT == {"customer.order.edit"}
    assert {action.name.lower() for action in REGISTRY} >= IDEMPOTENT
