"""A warehouse's day: fetch shipments, ship them, alone and by the thousand."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.fulfilment.models import Package, Shipment, ShipmentItem
from tests.hub.api.world import Api, World
from tests.hub.factories import levels, line_counts, queued

FETCH, COMPLETE = "/Fulfillment/Shipment/Fetch.json", "/Fulfillment/Shipment/Complete.json"


def shipment(world: World, refnum: str = "W1", units: int = 3) -> Shipment:
    return Shipment.objects.get(order=world.order(refnum, ("A", units)))


def box(units: int = 3, **fields: Any) -> dict[str, Any]:
    return {
        "ship_class_id": 7,
        "tracking_number": "TRACK1",
        "items": [{"sku": "A", "quantity": units}],
        **fields,
    }


def done(one: Shipment, *boxes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": one.pk, "packages": list(boxes), **fields}


def test_fetch_shows_what_is_to_be_shipped(world: World, warehouse: Api) -> None:
    one = shipment(world)
    record = warehouse(FETCH).record
    assert (record["id"], record["status"], record["facility_id"]) == (one.pk, "released", world.main.pk)
    assert record["ship_address"]["addressee"] == "Ada Byron"
    assert record["order"] == {"channel_name": "Shop", "channel_refnum": "W1", "gift_message": ""}
    [item] = record["items"]
    assert (item["shipment_item_id"], item["sku"], item["quantity_open"]) == (one.items.get().pk, "A", 3)
    bare = warehouse(FETCH, {"with_items": 0, "with_ship_address": 0}).record
    assert (bare["items"], bare["ship_address"]) == (None, None)


def test_fetch_pages_by_cursor(world: World, warehouse: Api) -> None:
    ids = [shipment(world, f"W{number}", 1).pk for number in range(5)]
    seen, after = [], None
    while True:
        page = warehouse(FETCH, {"limit": 2} | ({"after": after} if after else {})).body
        seen += [record["id"] for record in page["records"]]
        after = page["next_after"]
        if after is None:
            break
    assert seen == ids
    assert warehouse(FETCH, {"limit": 1001}).code == "LIMIT_OUT_OF_RANGE"


def test_a_facility_sees_and_ships_only_its_own(world: World, warehouse: Api, operator: Api) -> None:
    one = shipment(world)
    branch = world.api(facility_id=world.branch.pk)
    assert branch(FETCH).body["records"] == []
    assert branch(FETCH, {"facility": "MAIN"}).code == "FACILITY_FORBIDDEN"
    foreign, missing = (
        branch(COMPLETE, done(one, box())),
        branch(COMPLETE, {"id": 10**9, "packages": [box()]}),
    )
    assert (foreign.code, missing.code) == ("SHIPMENT_NOT_FOUND", "SHIPMENT_NOT_FOUND")
    assert Package.objects.count() == 0
    assert operator(FETCH).record["id"] == one.pk
    assert operator(FETCH, {"facility": "BRANCH"}).body["records"] == []


def test_a_vendors_shipment_is_not_a_facilitys(world: World, operator: Api) -> None:
    po = world.po()
    one = Shipment.objects.get(order=po.order)
    assert operator(COMPLETE, done(one, box())).code == "SHIPMENT_NOT_FOUND"


@pytest.mark.parametrize("bare", [True, False])
def test_completing_ships_and_tells_the_channel(world: World, warehouse: Api, bare: bool) -> None:
    one = shipment(world)
    record = done(one, box(weight=2, weight_unit="lb"))
    answer = warehouse(COMPLETE, record if bare else {"records": record})
    assert (answer.record["changed"], answer.record["packages_recorded"], answer.record["units_open"]) == (
        1,
        1,
        0,
    )
    assert str(Package.objects.get().weight_kg) == "0.9072"
    assert line_counts("W1") == [("A", 3, 0, 0, 3, 0)]
    assert levels()["MAIN", "A"] == (997, 0)
    assert ("order_shipment_submit", f"package:{Package.objects.get().pk}") in queued(one.order_id)
    assert check_invariants() == []


def test_items_may_be_named_by_id_and_carriers_by_name(world: World, warehouse: Api) -> None:
    one = shipment(world)
    item = {"shipment_item_id": str(ShipmentItem.objects.get().pk), "quantity": "3"}
    carrier: dict[str, Any] = {
        "ship_class_id": None,
        "carrier_name": "City Bikes",
        "carrier_class_name": "Same day",
        "items": [item],
    }
    assert warehouse(COMPLETE, done(one, box(**carrier))).body["success"] == 1
    package = Package.objects.get()
    assert (package.carrier_name, package.carrier_class_name) == ("City Bikes", "Same day")


def test_part_of_a_shipment_leaves_the_rest_to_ship(world: World, warehouse: Api) -> None:
    one = shipment(world)
    assert warehouse(COMPLETE, done(one, box(1))).record["units_open"] == 2
    assert warehouse(FETCH).record["status"] == "partially_shipped"
    assert warehouse(COMPLETE, done(one, box(2, tracking_number="TRACK2"))).record["units_open"] == 0
    assert warehouse(FETCH).body["records"] == []


def test_the_same_package_again_changes_nothing(world: World, warehouse: Api) -> None:
    one = shipment(world)
    for changed in (1, 0):
        assert warehouse(COMPLETE, done(one, box(1))).record["changed"] == changed
    assert Package.objects.count() == 1


def test_a_known_number_with_other_contents_is_no_repetition(world: World, warehouse: Api) -> None:
    one = shipment(world)
    warehouse(COMPLETE, done(one, box(1)))
    assert warehouse(COMPLETE, done(one, box(2))).code == "PACKAGE_CONFLICT"
    assert warehouse(COMPLETE, done(one, box(2, package_id="second box"))).body["success"] == 1


def test_after_the_last_unit_only_repetitions_are_fine(world: World, warehouse: Api) -> None:
    one = shipment(world)
    warehouse(COMPLETE, done(one, box()))
    assert warehouse(COMPLETE, done(one, box())).record["changed"] == 0
    answer = warehouse(COMPLETE, done(one, box(1, tracking_number="TRACK2")))
    assert answer.code == "SHIPMENT_ALREADY_SHIPPED"
    assert "status: shipped" in answer.body["ERROR"]


def test_what_cannot_be_shipped_is_given_up(world: World, warehouse: Api) -> None:
    one = shipment(world)
    record = warehouse(COMPLETE, done(one, box(2), cancel_remainder=1, cancel_reason="broken")).record
    assert (record["packages_recorded"], record["units_cancelled"], record["units_open"]) == (1, 1, 0)
    assert line_counts("W1") == [("A", 3, 1, 0, 2, 0)]
    assert check_invariants() == []


def test_a_cancelled_shipment_is_told(world: World, warehouse: Api) -> None:
    one = shipment(world)
    body = done(one, cancel_remainder=1)
    assert [warehouse(COMPLETE, body).record["changed"] for _ in range(2)] == [1, 0]
    answer = warehouse(COMPLETE, done(one, box()))
    assert answer.code == "SHIPMENT_CANCELLED"
    assert "status: cancelled" in answer.body["ERROR"]


@pytest.mark.parametrize(
    "fields, code",
    [
        ({"packages": []}, "PACKAGES_REQUIRED"),
        ({"packages": [box(4)]}, "OVER_SHIP"),
        ({"packages": [box(items=[{"sku": "Z", "quantity": 1}])]}, "SKU_NOT_ON_SHIPMENT"),
        ({"packages": [box(items=[{"shipment_item_id": 10**9, "quantity": 1}])]}, "SHIPMENT_ITEM_NOT_FOUND"),
        ({"packages": [box(items=[{"quantity": 1}])]}, "MISSING_FIELD"),
        ({"packages": 5}, "BAD_TYPE"),
    ],
)
def test_a_wrong_record_saves_nothing(
    world: World, warehouse: Api, fields: dict[str, object], code: str
) -> None:
    one = shipment(world)
    assert warehouse(COMPLETE, {"records": [done(one) | fields]}).code == code
    assert Package.objects.count() == 0


def test_good_records_succeed_beside_bad_ones(world: World, warehouse: Api) -> None:
    one, two = shipment(world, "W1"), shipment(world, "W2")
    records = [done(one, box(4)), {"id": 10**9, "packages": [box()]}, done(two, box()), {"id": "x"}]
    answer = warehouse(COMPLETE, {"records": records})
    assert answer.record_codes == ["OVER_SHIP", "SHIPMENT_NOT_FOUND", "ok", "BAD_TYPE"]
    assert (line_counts("W1")[0][4], line_counts("W2")[0][4]) == (0, 3)
    assert check_invariants() == []


def test_two_records_about_one_shipment_are_taken_one_after_the_other(world: World, warehouse: Api) -> None:
    one = shipment(world)
    records = [done(one, box(1)), done(one, box(2, tracking_number="TRACK2")), done(one, box(1))]
    answer = warehouse(COMPLETE, {"records": records})
    assert [(record["changed"], record["units_open"]) for record in answer.body["records"]] == [
        (1, 2),
        (1, 0),
        (0, 0),
    ]


def test_many_shipments_take_as_many_statements_as_one(world: World, warehouse: Api) -> None:
    ones = [shipment(world, f"W{number}", 1) for number in range(31)]
    with CaptureQueriesContext(connection) as fetched:
        warehouse(FETCH, {"limit": 1})
    records = [done(one, box(1)) for one in ones]
    with CaptureQueriesContext(connection) as single:
        assert warehouse(COMPLETE, {"records": records[:1]}).body["success"] == 1
    with CaptureQueriesContext(connection) as many:
        assert warehouse(COMPLETE, {"records": records[1:]}).body["success"] == 1
    assert len(single) == len(many)
    world_of_thirty = [shipment(world, f"X{number}", 1) for number in range(30)]
    with CaptureQueriesContext(connection) as fetched_many:
        assert len(warehouse(FETCH).body["records"]) == len(world_of_thirty)
    # The first call also noted the key's use.
    assert len(fetched_many) == len(fetched) - 1
    assert check_invariants() == []
