"""A vendor's day: fetch POs, mark them, accept them, ship them. And what another vendor sees of it: nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.fulfilment.models import Package
from retailops.hub.purchasing.models import PurchaseOrder, Vendor
from tests.hub.api.world import Answer, Api, World
from tests.hub.factories import line_counts

FETCH, SUBMIT = "/Vendor/PO/Fetch.json", "/Vendor/PO/MarkSubmitted.json"
ACCEPT, COMPLETE = "/Vendor/PO/MarkAccepted.json", "/Vendor/PO/Complete.json"


@pytest.fixture
def other(world: World) -> Api:
    return world.api(vendor_id=world.other.pk)


def box(units: int = 3, **fields: Any) -> dict[str, Any]:
    return {
        "ship_class_id": 7,
        "tracking_number": "9999 9999-9999",
        "items": [{"vpc": "VB", "quantity": units}],
        **fields,
    }


def items_of(po: PurchaseOrder, change: int = 0) -> list[dict[str, int]]:
    return [{"po_item_id": item.pk, "quantity": item.quantity + change} for item in po.items.order_by("id")]


def accepted(world: World, vendor: Api, units: int = 3) -> PurchaseOrder:
    po = world.po(units=units)
    assert vendor(SUBMIT, {"records": [{"po": po.number}]}).body["success"] == 1
    assert vendor(ACCEPT, {"records": [{"po": po.number, "version": 1}]}).body["success"] == 1
    return po


def test_fetch_returns_ready_pos_with_what_was_asked_for(world: World, vendor: Api) -> None:
    po = world.po()
    record = vendor(FETCH, {"vendor_id": str(world.acme.pk), "with_items": 1, "with_order": 1}).record
    assert (record["po"], record["status"], record["version"], record["submittable"]) == (
        po.number,
        "ready",
        1,
        1,
    )
    assert (record["change_after_submit"], record["order"]["channel_refnum"]) == (1, "W1")
    assert (record["ship_address"]["addressee"], record["ship_address"]["country_name"]) == (
        "Ada Byron",
        "GB",
    )
    [item] = record["items"]
    assert (item["vpc"], item["sku"], item["quantity"], item["quantity_open"], item["unit_cost"]) == (
        "VB", "B", 3, 3, "4.0000",
    )  # fmt: skip
    bare = vendor(FETCH, {"with_ship_address": 0}).record
    assert (bare["items"], bare["ship_address"], bare["order"]) == (None, None, None)


def test_fetch_shows_pos_that_are_not_due_and_says_so(world: World, vendor: Api) -> None:
    po = world.po()
    PurchaseOrder.objects.update(date_submit=Now() + timedelta(days=1))
    assert vendor(FETCH).record["submittable"] == 0
    answer = vendor(SUBMIT, {"records": [{"po": po.number}]})
    assert answer.code == "PO_NOT_YET_DUE"
    assert "status: ready" in answer.body["ERROR"]


@pytest.mark.parametrize("status", ["ready", "READY", ["open", "ready"], ["ready", "submitted"]])
def test_status_is_a_word_or_several(world: World, vendor: Api, status: object) -> None:
    world.po()
    assert vendor(FETCH, {"status": status}).body["total"] == 1


@pytest.mark.parametrize("status", ["redy", "", [], [1], ["ready", "x"], None])
def test_an_unknown_status_is_refused_and_finds_nothing(world: World, vendor: Api, status: object) -> None:
    answer = vendor(FETCH, {"status": status})
    assert (answer.status, answer.code) == (400, "BAD_STATUS")


@pytest.mark.parametrize(
    "limit, ok", [(1, True), (1000, True), ("10", True), (0, False), (1001, False), (-1, False)]
)
def test_limits_out_of_range_are_refused_not_clamped(vendor: Api, limit: object, ok: bool) -> None:
    answer = vendor(FETCH, {"limit": limit})
    assert answer.body.get("ERRORCODE") == (None if ok else "LIMIT_OUT_OF_RANGE")


def test_paging_by_start_and_by_cursor_sees_each_po_once(world: World, vendor: Api) -> None:
    numbers = [world.po(f"W{number}").number for number in range(5)]
    by_start = [
        record["po"]
        for start in (0, 2, 4)
        for record in vendor(FETCH, {"start": start, "limit": 2}).body["records"]
    ]
    assert by_start == numbers
    seen, after = [], None
    while True:
        page = vendor(FETCH, {"limit": 2} | ({"after": after} if after else {})).body
        seen += [record["po"] for record in page["records"]]
        after = page["next_after"]
        if after is None:
            break
    assert seen == numbers
    assert vendor(FETCH, {"start": 99}).body["records"] == []
    assert vendor(FETCH, {"after": "x"}).code == "BAD_CURSOR"
    assert vendor(FETCH, {"after": "9" * 18 + "-" + "9" * 18}).body["records"] == []


def test_addresses_of_finished_pos_are_withheld_after_a_month(world: World, vendor: Api) -> None:
    world.po()
    PurchaseOrder.objects.update(state="complete", completed_at=Now() - timedelta(days=31))
    assert vendor(FETCH, {"status": "complete"}).record["ship_address"] is None


def test_marking_submitted_twice_changes_once(world: World, vendor: Api) -> None:
    po = world.po()
    records = {"records": [{"po": po.number, "items": items_of(po)}]}
    first, second = vendor(SUBMIT, records).record, vendor(SUBMIT, records).record
    assert (first["changed"], first["po_status"]) == (1, "submitted")
    assert (second["changed"], second["po_status"], second["status"]) == (0, "submitted", "ok")


def test_a_po_named_twice_in_one_call_is_marked_once(world: World, vendor: Api) -> None:
    po = world.po()
    answer = vendor(SUBMIT, {"records": [{"po": po.number}, {"po": po.number}]})
    assert [record["changed"] for record in answer.body["records"]] == [1, 0]


@pytest.mark.parametrize(
    "items, code",
    [
        ([{"po_item_id": 10**9, "quantity": 3}], "PO_ITEM_NOT_FOUND"),
        ("more", "QTY_MISMATCH"),
        ("twice", "DUPLICATE_ITEM"),
        ([{"po_item_id": 1, "quantity": 0}], "QTY_ZERO"),
        ([{"quantity": 1}], "MISSING_FIELD"),
    ],
)
def test_items_assert_what_the_vendor_saw(world: World, vendor: Api, items: object, code: str) -> None:
    po = world.po()
    if items == "more":
        items = items_of(po, 1)
    if items == "twice":
        items = items_of(po) * 2
    assert vendor(SUBMIT, {"records": [{"po": po.number, "items": items}]}).code == code
    po.refresh_from_db()
    assert po.state == "ready"


def test_a_later_po_is_fine_and_a_cancelled_one_is_not(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    assert vendor(SUBMIT, {"records": [{"po": po.number}]}).record["warnings"][0]["code"] == "ALREADY_LATER"
    PurchaseOrder.objects.update(state="cancelled")
    for path in (SUBMIT, ACCEPT, COMPLETE):
        body = (
            {"po": po.number, "packages": [box()]}
            if path == COMPLETE
            else {"records": [{"po": po.number, "version": 1}]}
        )
        answer = vendor(path, body)
        assert answer.code == "PO_CANCELLED"
        assert "status: cancelled" in answer.body["ERROR"]


def test_accepting_needs_a_submitted_po_and_what_is_accepted(world: World, vendor: Api) -> None:
    po = world.po()

    def accept(**fields: object) -> str:
        answer = vendor(ACCEPT, {"records": [{"po": po.number, **fields}]})
        return answer.code if "ERRORCODE" in answer.body else str(answer.record["changed"])

    assert accept(items=items_of(po)) == "PO_NOT_SUBMITTED"
    vendor(SUBMIT, {"records": [{"po": po.number}]})
    assert accept() == "MISSING_FIELD"
    assert accept(items=[]) == "ITEMS_INCOMPLETE"
    assert accept(items=items_of(po, 1)) == "QTY_MISMATCH"
    assert accept(version=2) == "PO_VERSION_CONFLICT"
    assert accept(items=items_of(po)) == "1"
    assert accept(items=items_of(po)) == "0"
    assert accept(items=items_of(po, 1)) == "QTY_MISMATCH"


def test_accepting_is_only_for_vendors_whose_pos_may_change(world: World, vendor: Api) -> None:
    po = world.po()
    Vendor.objects.update(change_after_submit=False)
    vendor(SUBMIT, {"records": [{"po": po.number}]})
    assert (
        vendor(ACCEPT, {"records": [{"po": po.number, "items": items_of(po)}]}).code == "ACCEPT_NOT_ENABLED"
    )


def test_completing_ships_completes_and_tells_the_channel(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    answer = vendor(
        COMPLETE, {"po": po.number, "packages": [box(unit_count="3", weight="2", weight_unit="kg")]}
    )
    assert (answer.record["changed"], answer.record["po_status"], answer.record["packages_recorded"]) == (
        1,
        "complete",
        1,
    )
    package = Package.objects.get()
    assert (package.carrier_name, package.carrier_class_name, package.tracking_number, package.weight_kg) == (
        "FedEx", "Ground", "9999 9999-9999", Decimal(2),
    )  # fmt: skip
    assert package.key == f"po:{po.number}:999999999999"
    assert line_counts("W1") == [("B", 3, 0, 0, 3, 0)]
    po.refresh_from_db()
    assert po.state == "complete"
    assert check_invariants() == []


def test_completing_again_with_the_same_packages_changes_nothing(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    vendor(COMPLETE, {"po": po.number, "packages": [box()]})
    again = vendor(COMPLETE, {"po": po.number, "packages": [box(tracking_number="999999999999")]})
    assert (again.body["success"], again.record["changed"], Package.objects.count()) == (1, 0, 1)
    different = vendor(COMPLETE, {"po": po.number, "packages": [box(2)]})
    assert different.code == "PO_ALREADY_COMPLETE"
    assert "status: complete" in different.body["ERROR"]
    assert (
        vendor(COMPLETE, {"po": po.number, "packages": [box(tracking_number="ANOTHER1")]}).code
        == "PO_ALREADY_COMPLETE"
    )


@pytest.mark.parametrize(
    "packages, code",
    [
        ([], "PACKAGES_REQUIRED"),
        ([box(items=[])], "PACKAGE_EMPTY"),
        ([box(4)], "OVER_SHIP"),
        ([box(2)], "SHORT_SHIP"),
        ([box(2), box(2, tracking_number="OTHER1")], "OVER_SHIP"),
        ([box(items=[{"vpc": "vb", "quantity": 3}])], "VPC_NOT_ON_PO"),
        ([box(items=[{"po_item_id": 10**9, "quantity": 3}])], "PO_ITEM_NOT_FOUND"),
        ([box(items=[{"vpc": "VB", "quantity": 0}])], "QTY_ZERO"),
        ([box(unit_count=2)], "UNIT_COUNT_MISMATCH"),
        ([box(ship_class_id=None)], "SHIP_CLASS_REQUIRED"),
        ([box(ship_class_id=999)], "SHIP_CLASS_UNKNOWN"),
        ([box(tracking_number="")], "TRACKING_REQUIRED"),
        ([box(tracking_number="ab")], "TRACKING_INVALID"),
        ([box(tracking_number="T" * 65)], "TRACKING_INVALID"),
        ([box(date_shipped="2000-01-01T00:00:00Z")], "SHIP_DATE_INVALID"),
        ([box(date_shipped="2999-01-01T00:00:00Z")], "SHIP_DATE_INVALID"),
        ([box(date_shipped="2026-02-30T00:00:00Z")], "BAD_DATE"),
        ([box(1), box(2, ship_class_id=62)], "PACKAGE_CONFLICT"),
    ],
)
def test_a_wrong_completion_saves_nothing(
    world: World, vendor: Api, packages: list[object], code: str
) -> None:
    po = accepted(world, vendor)
    assert vendor(COMPLETE, {"po": po.number, "packages": packages}).code == code
    assert Package.objects.count() == 0
    assert line_counts("W1") == [("B", 3, 0, 3, 0, 0)]


def test_freight_needs_no_tracking_number(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    assert (
        vendor(COMPLETE, {"po": po.number, "packages": [box(ship_class_id=114, tracking_number="")]}).body[
            "success"
        ]
        == 1
    )


def test_one_tracking_number_twice_is_one_package(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    answer = vendor(COMPLETE, {"po": po.number, "packages": [box(1), box(2)]})
    assert [warning["code"] for warning in answer.record["warnings"]] == ["TRACKING_REUSED"]
    assert Package.objects.get().items.get().quantity == 3


def test_the_remainder_can_be_given_up_and_is_routed_again(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    record = vendor(COMPLETE, {"po": po.number, "packages": [box(2)], "cancel_remainder": "1"}).record
    assert (record["units_cancelled"], record["po_status"]) == (1, "complete")
    assert line_counts("W1") == [("B", 3, 1, 0, 2, 0)]
    assert check_invariants() == []


def test_no_packages_and_the_remainder_given_up_rejects_the_po(world: World, vendor: Api) -> None:
    po = accepted(world, vendor)
    body = {"po": po.number, "packages": [], "cancel_remainder": 1}
    assert (vendor(COMPLETE, body).record["po_status"], vendor(COMPLETE, body).record["changed"]) == (
        "cancelled",
        0,
    )
    po.refresh_from_db()
    assert po.state == "cancelled"


def test_completion_needs_a_submitted_and_where_needed_accepted_po(world: World, vendor: Api) -> None:
    po = world.po()
    body = {"po": po.number, "packages": [box()]}
    assert vendor(COMPLETE, body).code == "PO_NOT_SUBMITTED"
    vendor(SUBMIT, {"records": [{"po": po.number}]})
    assert vendor(COMPLETE, body).code == "PO_NOT_ACCEPTED"
    Vendor.objects.update(change_after_submit=False)
    assert vendor(COMPLETE, body).body["success"] == 1


def missing_and_foreign(api: Api, path: str, number: str) -> tuple[Answer, Answer]:
    def call(po: str) -> Answer:
        record: dict[str, object] = {"po": po, "version": 1}
        return api(path, {"po": po, "packages": [box()]} if path == COMPLETE else {"records": [record]})

    return call("D999999"), call(number)


@pytest.mark.parametrize("path", [SUBMIT, ACCEPT, COMPLETE])
def test_another_vendors_po_is_like_a_missing_one(world: World, vendor: Api, other: Api, path: str) -> None:
    po = accepted(world, vendor)
    missing, foreign = missing_and_foreign(other, path, po.number)
    texts = []
    for answer, number in ((missing, "D999999"), (foreign, po.number)):
        body = {
            name: value for name, value in answer.body.items() if name not in ("request_id", "server_time")
        }
        texts.append((answer.status, str(body).replace(number, "PO")))
    assert texts[0] == texts[1]
    assert missing.code == "PO_NOT_FOUND"
    po.refresh_from_db()
    assert po.state == "accepted"


def test_fetch_never_shows_another_vendors_pos(world: World, vendor: Api, other: Api) -> None:
    po = world.po()
    assert other(FETCH, {"po": po.number}).body["records"] == []
    for wrong in ({"vendor_id": world.acme.pk}, {"vendor_name": "Acme"}, {"vendor_id": 10**9}):
        answer = other(FETCH, wrong)
        assert (answer.status, answer.code) == (403, "VENDOR_FORBIDDEN")


def test_operators_say_which_vendor(world: World, operator: Api) -> None:
    world.po()
    assert operator(FETCH).code == "VENDOR_REQUIRED"
    assert operator(FETCH, {"vendor_name": "aCME"}).body["total"] == 1
    assert operator(FETCH, {"vendor_id": world.acme.pk, "vendor_name": "Other"}).code == "VENDOR_AMBIGUOUS"
    assert operator(FETCH, {"vendor_id": 10**9}).code == "VENDOR_FORBIDDEN"


def statements(api: Api, path: str, body: object) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert api(path, body).body["success"] == 1
    return len(queries)


def test_statements_do_not_grow_with_records(world: World, vendor: Api) -> None:
    vendor(FETCH)  # notes the key's use
    few = [world.po(f"F{number}") for number in range(2)]
    asked = {"with_items": 1, "with_order": 1, "with_ship_service": 1}
    counts = [
        statements(vendor, FETCH, asked),
        statements(vendor, SUBMIT, {"records": [{"po": po.number} for po in few]}),
    ]
    counts.append(
        statements(vendor, ACCEPT, {"records": [{"po": po.number, "items": items_of(po)} for po in few]})
    )
    many = [world.po(f"M{number}") for number in range(12)]
    assert counts == [
        statements(vendor, FETCH, asked),
        statements(vendor, SUBMIT, {"records": [{"po": po.number} for po in many]}),
        statements(vendor, ACCEPT, {"records": [{"po": po.number, "items": items_of(po)} for po in many]}),
    ]
