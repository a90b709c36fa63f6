"""Orders, returns, stock and the state of the hub, over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailops.contract.strict_json import rfc3339
from retailops.hub.audit.operations.check_invariants import RULES, check_invariants
from retailops.hub.fulfilment.models import Shipment
from retailops.hub.orders.models import Order
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.payments.operations.record_transactions import TransactionResult, finish_transactions
from retailops.hub.purchasing.operations.advance_pos import submit_pos
from retailops.hub.returns.models import Return
from retailops.hub.stock.models import StockLevel
from tests.hub.api.world import Api, World
from tests.hub.factories import import_now, incoming, levels, line_counts, make_sku

FETCH, EDIT = "/Customer/Order/Fetch.json", "/Customer/Order/Edit.json"
CANCEL, RELEASE = "/Customer/Order/Cancel.json", "/Customer/Order/ReleaseHold.json"
RETURN = "/Customer/Return/Receive.json"
RECEIVE, ADJUST, STOCK = (
    "/Inventory/Stock/Receive.json",
    "/Inventory/Stock/Adjust.json",
    "/Inventory/Stock/Fetch.json",
)


def ship(world: World, warehouse: Api, order: Order, units: int) -> None:
    one = Shipment.objects.get(order=order)
    packages = [
        {"ship_class_id": 7, "tracking_number": f"T{one.pk}000", "items": [{"sku": "A", "quantity": units}]}
    ]
    assert (
        warehouse("/Fulfillment/Shipment/Complete.json", {"id": one.pk, "packages": packages}).body["success"]
        == 1
    )


def test_an_order_is_told_with_its_lines(world: World, operator: Api) -> None:
    order = world.order("W1", ("A", 2), ("B", 1))
    record = operator(FETCH, {"refnums": "W1", "with_ship_address": 1}).record
    assert (record["id"], record["channel"], record["status"], record["grand_total"]) == (
        order.pk,
        "shop",
        "released",
        "35.0000",
    )
    assert [(line["sku"], line["quantity"], line["quantity_planned"]) for line in record["lines"]] == [
        ("A", 2, 2),
        ("B", 1, 1),
    ]
    assert record["ship_address"]["city"] == "London"
    assert operator(FETCH, {"ids": order.pk, "with_lines": 0}).record["lines"] is None


def test_an_order_is_told_with_its_money(world: World, operator: Api, warehouse: Api) -> None:
    order = world.order("W1", ("A", 2))
    import_now(world.channel, incoming("W2", [("A", 1)], payments=[]))

    def money(refnum: str) -> list[str | None]:
        record = operator(FETCH, {"refnums": refnum}).record
        return [record[name] for name in ("currency", "grand_total", "authorized", "captured", "refunded")]

    assert money("W1") == ["USD", "25.0000", "25.0000", "0.0000", "0.0000"]
    assert money("W2") == ["USD", "15.0000", None, None, None]
    ship(world, warehouse, order, 2)
    [transaction] = PaymentTransaction.objects.filter(kind="capture")
    finish_transactions(results={transaction.pk: TransactionResult("succeeded")}, actor="test")
    assert money("W1") == ["USD", "25.0000", "25.0000", "25.0000", "0.0000"]


def test_orders_are_found_by_status_channel_and_update(world: World, operator: Api) -> None:
    make_sku("E")
    first, second = world.order("W1", ("A", 1)), world.order("W2", ("E", 1))

    def found(**wanted: object) -> list[int]:
        return [record["id"] for record in operator(FETCH, wanted).body["records"]]

    assert found(status="backordered") == [second.pk]
    assert found(status=["released", "backordered"]) == [first.pk, second.pk]
    assert found(channel="shop", ids=[first.pk]) == [first.pk]
    assert found(channel="nope") == []
    Order.objects.filter(pk=first.pk).update(updated_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert found(updated_since=rfc3339(datetime.now(UTC) - timedelta(days=1))) == [second.pk]
    assert operator(FETCH, {"status": "nonsense"}).code == "BAD_STATUS"


@pytest.mark.parametrize("wanted", [{}, {"status": "released"}, {"updated_since": "2020-01-01T00:00:00Z"}])
def test_orders_are_paged_by_cursor(world: World, operator: Api, wanted: dict[str, object]) -> None:
    ids = [world.order(f"W{number}", ("A", 1)).pk for number in range(5)]
    # Several orders with one moment of update: the id decides between them.
    Order.objects.update(updated_at=datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC))
    seen, after = [], None
    while True:
        page = operator(FETCH, wanted | {"limit": 2} | ({"after": after} if after else {})).body
        seen += [record["id"] for record in page["records"]]
        after = page["next_after"]
        if after is None:
            break
    assert seen == ids


def test_fetching_orders_takes_as_many_statements_for_many_as_for_one(world: World, operator: Api) -> None:
    for number in range(8):
        world.order(f"W{number}", ("A", 1))
    operator(FETCH)
    counts = []
    for limit in (1, 8):
        with CaptureQueriesContext(connection) as queries:
            assert len(operator(FETCH, {"limit": limit}).body["records"]) == limit
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_edit_can_be_looked_at_first(world: World, operator: Api) -> None:
    order = world.order("W1", ("A", 2))
    line = order.lines.get()
    body = {
        "refnum": "W1",
        "lines": [
            {"order_line_id": line.pk, "quantity": 1},
            {"sku": "B", "quantity": 1, "unit_price": "7.5"},
        ],
    }
    preview = operator(EDIT, body | {"preview": 1}).body
    assert (preview["old_total"], preview["new_total"]) == ("25.0000", "22.5000")
    assert line_counts("W1") == [("A", 2, 0, 2, 0, 0)]
    assert operator(EDIT, body).body["new_total"] == "22.5000"
    assert line_counts("W1") == [("A", 2, 0, 1, 0, 1), ("B", 1, 1, 0, 0, 0)]
    order.refresh_from_db()
    assert order.grand_total == Decimal("22.5")


@pytest.mark.parametrize(
    "body, code",
    [
        ({"order_id": 10**9, "lines": [{"sku": "A", "quantity": 1}]}, "ORDER_NOT_FOUND"),
        ({"lines": [{"sku": "A", "quantity": 1}]}, "MISSING_FIELD"),
        ({"refnum": "W1", "lines": []}, "BAD_TYPE"),
        ({"refnum": "W1", "lines": [{"sku": "Z", "quantity": 1}]}, "EDIT_REFUSED"),
        ({"refnum": "W1", "lines": [{"order_line_id": 10**9, "quantity": 1}]}, "EDIT_REFUSED"),
        ({"refnum": "W1", "lines": [{"order_line_id": 5}, {"order_line_id": 5}]}, "DUPLICATE_ITEM"),
        ({"refnum": "W1", "lines": [{"sku": "A", "quantity": 1, "unit_price": -1}]}, "BAD_COST"),
        ({"refnum": "W1", "lines": [{"sku": "A", "quantity": 1, "unit_price": 0.00001}]}, "BAD_COST"),
        (
            {"refnum": "W1", "lines": [{"sku": "A", "quantity": 10**6, "unit_price": 9999999999}]},
            "OUT_OF_RANGE",
        ),
    ],
)
def test_a_wrong_edit_changes_nothing(
    world: World, operator: Api, body: dict[str, object], code: str
) -> None:
    world.order("W1", ("A", 2))
    assert operator(EDIT, body).code == code
    assert line_counts("W1") == [("A", 2, 0, 2, 0, 0)]


def test_units_that_a_vendor_works_on_are_frozen(world: World, operator: Api) -> None:
    po = world.po(sku="C")
    submit_pos(po_ids=[po.pk], actor="test")
    line = po.order.lines.get() if po.order else None
    assert line is not None
    assert (
        operator(EDIT, {"refnum": "W1", "lines": [{"order_line_id": line.pk, "quantity": 1}]}).code
        == "PO_FROZEN"
    )
    answer = operator(CANCEL, {"records": [{"refnum": "W1"}]})
    assert (answer.code, answer.record["order_status"]) == ("PO_FROZEN", "released")


def test_cancelling_many_orders_fails_only_for_those_that_cannot(world: World, operator: Api) -> None:
    submit_pos(po_ids=[world.po("W1", sku="C").pk], actor="test")
    world.order("W2", ("A", 2))
    records = [{"refnum": name} for name in ("W1", "W2", "W2", "W3")]
    answer = operator(CANCEL, {"records": records})
    assert answer.record_codes == ["PO_FROZEN", "ok", "ok", "ORDER_NOT_FOUND"]
    assert [record.get("changed") for record in answer.body["records"]] == [None, 1, 0, None]
    assert answer.body["records"][1]["order_status"] == "cancelled"
    assert operator(CANCEL, {"refnum": "W2"}).record["changed"] == 0
    assert check_invariants() == []


def test_a_completed_order_is_not_cancelled(world: World, operator: Api, warehouse: Api) -> None:
    ship(world, warehouse, world.order("W1", ("A", 2)), 2)
    answer = operator(CANCEL, {"refnum": "W1"})
    assert (answer.code, "status: completed" in answer.body["ERROR"]) == ("ORDER_ENDED", True)


def test_holds_are_released_once(world: World, operator: Api) -> None:
    order = world.order("W1", ("A", 2))
    place_holds(holds={order.pk: ("operator", "look at it")}, actor="test")
    assert operator(FETCH, {"ids": order.pk}).record["holds"] == [
        {"kind": "operator", "reason": "look at it"}
    ]
    assert operator(RELEASE, {"order_id": order.pk, "kinds": "payment"}).record["changed"] == 0
    assert [operator(RELEASE, {"order_id": order.pk}).record["changed"] for _ in range(2)] == [1, 0]
    assert operator(FETCH, {"ids": order.pk}).record["holds"] == []
    assert operator(RELEASE, {"order_id": order.pk, "kinds": ["typo"]}).code == "BAD_STATUS"


def test_a_return_is_received_once(world: World, warehouse: Api) -> None:
    ship(world, warehouse, world.order("W1", ("A", 3)), 3)
    body = {"rma": "R1", "refnum": "W1", "items": [{"sku": "A", "quantity": 2, "reason": "too small"}]}
    first, second = warehouse(RETURN, body).record, warehouse(RETURN, body).record
    assert (first["changed"], second["changed"], first["return_id"]) == (1, 0, second["return_id"])
    assert levels()["MAIN", "A"] == (999, 0)
    assert Return.objects.get().facility_id == world.main.pk
    assert check_invariants() == []


@pytest.mark.parametrize(
    "change, code",
    [
        ({"items": [{"sku": "A", "quantity": 4}]}, "OVER_RETURN"),
        ({"items": [{"sku": "Z", "quantity": 1}]}, "ORDER_LINE_NOT_FOUND"),
        ({"items": [{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 1}]}, "DUPLICATE_ITEM"),
        ({"items": [{"quantity": 1}]}, "MISSING_FIELD"),
        ({"items": []}, "BAD_TYPE"),
        ({"refnum": "W9"}, "ORDER_NOT_FOUND"),
        ({"facility": "BRANCH"}, "FACILITY_FORBIDDEN"),
        ({"items": [{"sku": "A", "quantity": 1, "disposition": "eat"}]}, "BAD_TYPE"),
    ],
)
def test_a_wrong_return_changes_nothing(
    world: World, warehouse: Api, change: dict[str, object], code: str
) -> None:
    ship(world, warehouse, world.order("W1", ("A", 3)), 3)
    body = {"rma": "R1", "refnum": "W1", "items": [{"sku": "A", "quantity": 1}]} | change
    assert warehouse(RETURN, body).code == code
    assert Return.objects.count() == 0


def test_an_rma_belongs_to_one_order(world: World, warehouse: Api) -> None:
    for refnum in ("W1", "W2"):
        ship(world, warehouse, world.order(refnum, ("A", 3)), 3)
    items = [{"sku": "A", "quantity": 1}]
    warehouse(RETURN, {"rma": "R1", "refnum": "W1", "items": items})
    assert warehouse(RETURN, {"rma": "R1", "refnum": "W2", "items": items}).code == "RMA_CONFLICT"


def test_stock_is_received_once_for_each_reference(world: World, warehouse: Api) -> None:
    body = {"records": [{"sku": "A", "quantity": "5", "reference": "D1"}]}
    assert [warehouse(RECEIVE, body).record["changed"] for _ in range(2)] == [1, 0]
    assert levels()["MAIN", "A"] == (1005, 0)


def test_stock_records_fail_alone(world: World, warehouse: Api) -> None:
    make_sku("KIT", kit_of={world.a: 2})
    records = [
        {"sku": "A", "quantity": 5, "reference": "D1"},
        {"sku": "A", "quantity": 5, "reference": "D1"},
        {"sku": "Z", "quantity": 5, "reference": "D1"},
        {"sku": "KIT", "quantity": 5, "reference": "D1"},
        {"sku": "A", "quantity": 5, "reference": "D1", "facility": "BRANCH"},
        {"sku": "A", "quantity": 0, "reference": "D1"},
    ]
    assert warehouse(RECEIVE, {"records": records}).record_codes == [
        "ok", "DUPLICATE_ITEM", "SKU_NOT_FOUND", "SKU_IS_KIT", "FACILITY_FORBIDDEN", "QTY_ZERO",
    ]  # fmt: skip
    assert levels()["MAIN", "A"] == (1005, 0)


def test_an_adjustment_is_made_once_and_gives_allocations_up_once(world: World, operator: Api) -> None:
    world.order("W1", ("A", 800))
    record = {"facility": "MAIN", "sku": "A", "quantity": -600, "reason": "flood", "reference": "X1"}
    assert [operator(ADJUST, {"records": [record]}).record["changed"] for _ in range(2)] == [1, 0]
    assert levels()["MAIN", "A"] == (400, 400)
    assert line_counts("W1") == [("A", 800, 400, 400, 0, 0)]
    assert check_invariants() == []


def test_a_count_sets_what_is_there(world: World, operator: Api) -> None:
    records = [
        {"facility": "MAIN", "sku": "A", "counted": 7, "reason": "count", "reference": "X1"},
        {"facility": "MAIN", "sku": "B", "quantity": -1, "reason": "lost", "reference": "X1"},
        {"facility": "MAIN", "sku": "C", "reason": "lost", "reference": "X1"},
        {"sku": "A", "counted": 7, "reason": "count", "reference": "X2"},
    ]
    answer = operator(ADJUST, {"records": records})
    assert answer.record_codes == ["ok", "NOT_ENOUGH_STOCK", "MISSING_FIELD", "FACILITY_REQUIRED"]
    assert levels()["MAIN", "A"] == (7, 0)


def test_levels_are_paged_and_a_facility_sees_its_own(world: World, warehouse: Api, operator: Api) -> None:
    StockLevel.objects.create(facility=world.branch, sku=world.a, on_hand=5)
    StockLevel.objects.create(facility=world.branch, sku=world.b, on_hand=6)
    seen, after = [], None
    while True:
        page = operator(STOCK, {"limit": 1} | ({"after": after} if after else {})).body
        seen += [(record["facility"], record["sku"], record["available"]) for record in page["records"]]
        after = page["next_after"]
        if after is None:
            break
    assert seen == [("MAIN", "A", 1000), ("BRANCH", "A", 5), ("BRANCH", "B", 6)]
    assert [record["facility"] for record in warehouse(STOCK).body["records"]] == ["MAIN"]
    assert [record["sku"] for record in operator(STOCK, {"skus": "B"}).body["records"]] == ["B"]


def test_status_counts_orders_and_work(world: World, operator: Api) -> None:
    world.order("W1", ("A", 1))
    with CaptureQueriesContext(connection) as queries:
        body = operator("/System/Status.json").body
    assert body["orders"]["released"] == 1
    assert (body["tasks"]["parked"], body["queue_depth"]) == (0, body["tasks"]["queued"])
    assert {record["queue"] for record in body["records"]} == {"channel:shop", "hub"}
    assert len(queries) <= 4


def test_invariants_are_checked(world: World, operator: Api) -> None:
    good = operator("/System/Invariants/Check.json").body
    assert (good["holds"], good["rules_checked"], good["records"]) == (1, len(RULES), [])
    StockLevel.objects.update(on_hand=1)
    bad = operator("/System/Invariants/Check.json").body
    assert (bad["success"], bad["holds"], bad["records"][0]["rule"]) == (
        1,
        0,
        "stock level = sum of its ledger",
    )
