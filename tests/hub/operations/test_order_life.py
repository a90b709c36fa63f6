"""The life of an order through the hub's operations, with the invariants checked at each end."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone
from tests.hub.factories import (
    import_now,
    incoming,
    levels,
    line_counts,
    make_channel,
    make_facility,
    make_sku,
    make_vendor,
    queued,
    stock_up,
)

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.fulfilment.models import ShipmentItem
from retailops.hub.fulfilment.operations.cancel_orders import cancel_lines, cancel_orders
from retailops.hub.fulfilment.operations.correct_stock import count_stock
from retailops.hub.fulfilment.operations.edit_order import LineEdit, edit_order, preview_edit
from retailops.hub.fulfilment.operations.reject_items import reject_shipment_items
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, OverShipError, ship_packages
from retailops.hub.jobs import JOB_HANDLERS
from retailops.hub.orders.models import Order, OrderHold, OrderLine
from retailops.hub.orders.operations.hold_orders import release_holds, resolve_unknown_skus
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.purchasing.models import PurchaseOrder
from retailops.hub.purchasing.operations.advance_pos import submit_pos
from retailops.hub.purchasing.operations.count_po_items import PoFrozenError
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.models import Task
from retailops.hub.tasks.operations.absorb_twins import absorb_twins
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask

pytestmark = pytest.mark.django_db


def _items(order_id: int) -> list[ShipmentItem]:
    return list(
        ShipmentItem.objects.filter(shipment__order_id=order_id).select_related("shipment").order_by("id")
    )


def _ship_everything(order_id: int, key: str = "p") -> None:
    packages = [
        NewPackage(
            f"{key}-{item.pk}", item.shipment_id, [(item.pk, item.quantity - item.shipped - item.cancelled)]
        )
        for item in _items(order_id)
        if item.quantity > item.shipped + item.cancelled
    ]
    ship_packages(packages=packages, actor="test")


@pytest.fixture
def shop():
    """A channel, SKUs A and B, ten of each in facility EAST."""
    channel = make_channel()
    a, b = make_sku("A"), make_sku("B")
    east = make_facility("EAST")
    stock_up(east, {a: 10, b: 10})
    return channel, a, b, east


def test_routed_shipped_and_completed(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 2), ("B", 3)])).created["1"]
    assert Order.objects.get(pk=order_id).status == "received"
    route_orders(order_ids=[order_id], actor="test")
    assert line_counts("1") == [("A", 2, 0, 2, 0, 0), ("B", 3, 0, 3, 0, 0)]
    assert levels() == {("EAST", "A"): (10, 2), ("EAST", "B"): (10, 3)}
    assert Order.objects.get(pk=order_id).status == "released"
    _ship_everything(order_id)
    assert levels() == {("EAST", "A"): (8, 0), ("EAST", "B"): (7, 0)}
    order = Order.objects.get(pk=order_id)
    assert (order.status, order.completed_at is not None) == ("completed", True)
    kinds = [kind for kind, _ in queued(order_id)]
    assert kinds == [
        "order_acknowledge", "order_shipment_submit", "order_shipment_submit", "order_settle_payment", "order_complete",
    ]  # fmt: skip
    assert PaymentTransaction.objects.get(order_id=order_id, kind="capture").amount == Decimal("55.0000")
    assert check_invariants() == []


def test_the_same_order_again_changes_nothing(shop):
    channel, *_ = shop
    first = import_now(channel, incoming("1", [("A", 2)]))
    again = import_now(channel, incoming("1", [("A", 2)]))
    assert (again.created, dict(again.unchanged)) == ({}, dict(first.created))
    assert line_counts("1") == [("A", 2, 2, 0, 0, 0)]
    assert queued(first.created["1"]) == [("order_acknowledge", "acknowledge")]


def test_changed_before_acknowledgement_is_replaced(shop):
    channel, *_ = shop
    import_now(channel, incoming("1", [("A", 2)]))
    result = import_now(channel, incoming("1", [("B", 1), ("A", 1)]))
    assert list(result.changed) == ["1"]
    assert line_counts("1") == [("B", 1, 1, 0, 0, 0), ("A", 1, 1, 0, 0, 0)]


def test_changed_after_routing_is_held(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 2)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    import_now(channel, incoming("1", [("A", 5)]))
    assert line_counts("1") == [("A", 2, 0, 2, 0, 0)]
    assert OrderHold.objects.get(order_id=order_id).kind == "changed_at_channel"


def test_demand_beyond_stock_stays_open_with_a_reason_and_is_routed_when_stock_arrives(shop):
    channel, a, _, east = shop
    order_id = import_now(channel, incoming("1", [("A", 12)])).created["1"]
    result = route_orders(order_ids=[order_id], actor="test")
    assert result.reasons == {"not_enough_stock": 1}
    assert line_counts("1") == [("A", 12, 2, 10, 0, 0)]
    assert OrderLine.objects.get(order_id=order_id).routing_reason == "not_enough_stock"
    Order.objects.filter(pk=order_id).update(acknowledged_at=timezone.now())
    stock_up(east, {a: 5})
    assert Order.objects.get(pk=order_id).routing_due_at is not None
    route_orders(order_ids=[order_id], actor="test")
    assert line_counts("1") == [("A", 12, 0, 12, 0, 0)]
    assert check_invariants() == []


def _wake() -> None:
    """Run the job that wakes orders, once; it must have been queued."""
    task = Task.objects.get(kind="wake_backorders", state="queued")
    claimed = ClaimedTask(
        task.pk, task.queue_id, task.lane, 1, task.kind, task.key, None, None, task.payload, 1, 0, 0.0
    )
    assert JOB_HANDLERS["wake_backorders"].run(claimed).outcome.value == "ok"


@pytest.mark.parametrize("freed_by", ["cancel", "edit", "refusal"])
def test_units_that_are_freed_go_to_orders_that_wait_for_them(shop, freed_by):
    channel, *_ = shop
    ids = import_now(channel, incoming("1", [("A", 10)]), incoming("2", [("A", 10)])).created
    Order.objects.update(acknowledged_at=timezone.now())
    route_orders(order_ids=[ids["1"]], actor="test")
    route_orders(order_ids=[ids["2"]], actor="test")
    assert line_counts("2") == [("A", 10, 10, 0, 0, 0)]
    line_id = OrderLine.objects.get(order_id=ids["1"]).pk
    if freed_by == "cancel":
        cancel_lines(quantities={line_id: 4}, actor="test", reason="test")
    elif freed_by == "edit":
        edit_order(order_id=ids["1"], changes=[LineEdit(line_id=line_id, quantity=6)], actor="test")
    else:
        (item,) = _items(ids["1"])
        reject_shipment_items(quantities={item.pk: 4}, actor="test", reason="test")
    assert Order.objects.get(pk=ids["2"]).routing_due_at is None
    _wake()
    assert Order.objects.get(pk=ids["2"]).routing_due_at is not None
    route_orders(order_ids=[ids["2"]], actor="test")
    assert line_counts("2") == [("A", 10, 6, 4, 0, 0)]
    assert check_invariants() == []


def test_a_vendors_units_that_are_freed_go_to_orders_that_wait_for_them(shop):
    channel, *_ = shop
    sofa = make_sku("SOFA")
    make_vendor("acme", {"V": (sofa, 3)})
    ids = import_now(channel, incoming("1", [("SOFA", 3)]), incoming("2", [("SOFA", 3)])).created
    Order.objects.update(acknowledged_at=timezone.now())
    route_orders(order_ids=[ids["1"]], actor="test")
    route_orders(order_ids=[ids["2"]], actor="test")
    cancel_orders(order_ids=[ids["1"]], actor="test", reason="test")
    _wake()
    route_orders(order_ids=[ids["2"]], actor="test")
    assert line_counts("2") == [("SOFA", 3, 0, 3, 0, 0)]


def test_orders_are_woken_by_a_job_that_failed_before_and_took_over_a_newer_one(shop):
    channel, *_ = shop
    ids = import_now(channel, incoming("1", [("A", 10)]), incoming("2", [("A", 10)])).created
    Order.objects.update(acknowledged_at=timezone.now())
    for order_id in ids.values():
        route_orders(order_ids=[order_id], actor="test")
    line_id = OrderLine.objects.get(order_id=ids["1"]).pk
    cancel_lines(quantities={line_id: 1}, actor="test", reason="test")
    Task.objects.filter(kind="wake_backorders").update(state="running")
    failed = Task.objects.get(kind="wake_backorders").pk
    cancel_lines(quantities={line_id: 1}, actor="test", reason="test")
    assert len(absorb_twins([failed])) == 1
    Task.objects.filter(pk=failed).update(state="queued")
    _wake()
    assert Order.objects.get(pk=ids["2"]).routing_due_at is not None


def test_units_that_nobody_waits_for_wake_nobody(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 10)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    cancel_orders(order_ids=[order_id], actor="test", reason="test")
    assert not Task.objects.filter(kind="wake_backorders").exists()


def test_an_unknown_sku_is_a_hold_and_is_released_when_the_sku_appears(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("NEW", 1)])).created["1"]
    assert Order.objects.get(pk=order_id).status == "on_hold"
    assert route_orders(order_ids=[order_id], actor="test").orders == ()
    make_sku("NEW")
    assert resolve_unknown_skus(actor="test") == [order_id]
    assert OrderLine.objects.get(order_id=order_id).sku is not None


def test_a_bad_address_and_a_missing_payment_are_holds(shop):
    channel, *_ = shop
    result = import_now(
        channel, incoming("1", [("A", 1)], shipping=None, payments=incoming("x", [("A", 1)]).payments)
    )
    order_id = result.created["1"]
    assert {hold.kind for hold in OrderHold.objects.filter(order_id=order_id)} == {"address"}
    assert release_holds(order_ids=[order_id], kinds=["address"], actor="user:ann") == [order_id]


def test_own_facilities_first_then_the_vendor(shop):
    channel, a, *_ = shop
    make_vendor("acme", {"ACME-A": (a, 100)})
    order_id = import_now(channel, incoming("1", [("A", 14)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    po = PurchaseOrder.objects.get()
    # A vendor that has all of it beats a split over two places.
    assert [(item.quantity, item.shipment.vendor_id) for item in _items(order_id)] == [(14, po.vendor_id)]
    assert levels()["EAST", "A"] == (10, 0)
    assert (po.state, po.number, po.items.get().quantity) == ("ready", f"D{po.pk}", 14)
    _ship_everything(order_id)
    po.refresh_from_db()
    assert po.state == "complete"
    assert check_invariants() == []


def test_over_shipping_is_refused_and_a_repeated_package_counts_once(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 2)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    (item,) = _items(order_id)
    with pytest.raises(OverShipError, match="3 units packed, but only 2 are left"):
        ship_packages(packages=[NewPackage("p1", item.shipment_id, [(item.pk, 3)])], actor="test")
    result = None
    for _ in range(2):
        result = ship_packages(packages=[NewPackage("p1", item.shipment_id, [(item.pk, 1)])], actor="test")
    assert result
    assert result.repeated == {"p1"}
    assert line_counts("1") == [("A", 2, 0, 1, 1, 0)]
    assert Order.objects.get(pk=order_id).status == "partially_shipped"
    assert check_invariants() == []


def test_cancelling_before_anything_shipped_frees_the_stock(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 2), ("B", 20)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    cancel_orders(order_ids=[order_id], actor="user:ann", reason="customer regret")
    assert line_counts("1") == [("A", 2, 0, 0, 0, 2), ("B", 20, 0, 0, 0, 20)]
    assert levels() == {("EAST", "A"): (10, 0), ("EAST", "B"): (10, 0)}
    assert Order.objects.get(pk=order_id).status == "cancelled"
    assert queued(order_id)[-1] == ("order_cancel", "cancel")
    assert check_invariants() == []


def test_cancelling_the_rest_completes_a_partly_shipped_order(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 4)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    (item,) = _items(order_id)
    ship_packages(packages=[NewPackage("p1", item.shipment_id, [(item.pk, 1)])], actor="test")
    cancel_lines(quantities={item.order_line_id: 3}, actor="test", reason="lost in the warehouse")
    assert line_counts("1") == [("A", 4, 0, 0, 1, 3)]
    assert Order.objects.get(pk=order_id).status == "completed"
    captures = PaymentTransaction.objects.filter(order_id=order_id, kind="capture").order_by("id")
    # A quarter of goods and shipping with the first package; the rest of the shipping falls due at the end.
    assert [capture.amount for capture in captures] == [Decimal("11.2500"), Decimal("3.7500")]
    assert check_invariants() == []


def test_a_submitted_po_is_not_taken_back(shop):
    channel, a, *_ = shop
    make_vendor("acme", {"ACME-A": (a, 100)})
    order_id = import_now(channel, incoming("1", [("A", 14)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    po = PurchaseOrder.objects.get()
    assert submit_pos(po_ids=[po.pk], actor="vendor:acme") == [po.pk]
    with pytest.raises(PoFrozenError, match="can't be changed any more"):
        cancel_orders(order_ids=[order_id], actor="test", reason="x")
    assert line_counts("1") == [("A", 14, 0, 14, 0, 0)]


def test_a_refused_item_goes_elsewhere(shop):
    channel, a, _, east = shop
    west = make_facility("WEST", priority=200)
    stock_up(west, {a: 10})
    order_id = import_now(channel, incoming("1", [("A", 2)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    (item,) = _items(order_id)
    assert item.shipment.facility_id == east.pk
    reject_shipment_items(quantities={item.pk: 2}, actor="test", reason="damaged")
    route_orders(order_ids=[order_id], actor="test")
    assert _items(order_id)[-1].shipment.facility_id == west.pk
    assert levels() == {("EAST", "A"): (10, 0), ("EAST", "B"): (10, 0), ("WEST", "A"): (10, 2)}
    assert check_invariants() == []


def test_a_count_below_what_is_allocated_gives_up_the_newest(shop):
    channel, a, _, east = shop
    ids = import_now(channel, incoming("1", [("A", 4)]), incoming("2", [("A", 4)])).created
    route_orders(order_ids=list(ids.values()), actor="test")
    assert count_stock(counted={(east.pk, a.pk): 5}, actor="user:ann", reason="stocktake", key="s1") == [
        ids["2"]
    ]
    assert levels()["EAST", "A"] == (5, 5)
    assert line_counts("1") == [("A", 4, 0, 4, 0, 0)]
    assert line_counts("2") == [("A", 4, 3, 1, 0, 0)]
    assert check_invariants() == []


def test_an_order_that_has_nothing_to_ship_completes(shop):
    channel, *_ = shop
    order = incoming("1", [("A", 2)])
    order_id = import_now(
        channel, replace(order, lines=[replace(order.lines[0], item_type="instore")])
    ).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    assert Order.objects.get(pk=order_id).status == "completed"
    assert queued(order_id)[-1] == ("order_complete", "complete")
    assert check_invariants() == []


def test_the_same_count_again_does_not_set_the_stock_back(shop):
    _, a, _, east = shop
    for counted, received in ((10, 5), (10, 0)):
        count_stock(counted={(east.pk, a.pk): counted}, actor="user:ann", reason="stocktake", key="s1")
        if received:
            stock_up(east, {a: received})
    assert levels()["EAST", "A"] == (15, 0)
    assert check_invariants() == []


def test_kits_ship_as_their_components(shop):
    channel, a, b, _ = shop
    make_sku("KIT", kit_of={a: 2, b: 1})
    order_id = import_now(channel, incoming("1", [("KIT", 3), ("A", 4)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    assert levels() == {("EAST", "A"): (10, 10), ("EAST", "B"): (10, 3)}
    _ship_everything(order_id)
    assert levels() == {("EAST", "A"): (0, 0), ("EAST", "B"): (7, 0)}
    assert check_invariants() == []


def test_returned_goods_are_back_and_money_is_capped_by_what_was_captured(shop):
    channel, _, _, east = shop
    order_id = import_now(channel, incoming("1", [("A", 3)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    _ship_everything(order_id)
    line = OrderLine.objects.get(order_id=order_id)
    first = receive_return(
        rma="R1", order_id=order_id, facility_id=east.pk, items=[ReturnedItem(line.pk, 1)], actor="test"
    )
    again = receive_return(
        rma="R1", order_id=order_id, facility_id=east.pk, items=[ReturnedItem(line.pk, 1)], actor="test"
    )
    assert first == again
    assert levels()["EAST", "A"] == (8, 0)
    assert OrderLine.objects.get(order_id=order_id).returned == 1
    assert queued(order_id)[-1] == ("order_returned", f"return:{first}")
    assert check_invariants() == []


def test_an_edit_is_previewed_then_done(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 4)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    line = OrderLine.objects.get(order_id=order_id)
    changes = [LineEdit(line.pk, quantity=1), LineEdit(sku_code="B", quantity=2, unit_price=Decimal("7.50"))]
    preview = preview_edit(order_id=order_id, changes=changes)
    assert (preview.old_total, preview.new_total) == (Decimal(45), Decimal(30))
    assert line_counts("1") == [("A", 4, 0, 4, 0, 0)]
    edit_order(order_id=order_id, changes=changes, actor="user:ann")
    assert line_counts("1") == [("A", 4, 0, 1, 0, 3), ("B", 2, 2, 0, 0, 0)]
    assert Order.objects.get(pk=order_id).grand_total == Decimal(30)
    route_orders(order_ids=[order_id], actor="test")
    assert line_counts("1")[1] == ("B", 2, 0, 2, 0, 0)
    assert queued(order_id)[-1] == ("order_update", "update")
    assert check_invariants() == []


def test_a_dry_run_decides_and_changes_nothing(shop):
    channel, *_ = shop
    order_id = import_now(channel, incoming("1", [("A", 4)])).created["1"]
    result = route_orders(order_ids=[order_id], actor="test", dry_run=True)
    assert [(decision.quantity, decision.facility_id is not None) for decision in result.decisions] == [
        (4, True)
    ]
    assert line_counts("1") == [("A", 4, 4, 0, 0, 0)]
