"""The life of an order between a shopper, the hub, its warehouses and a vendor, as the people in it tell it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from retailops.demo.seed import SeedSku
from retailops.hub.fulfilment.operations.cancel_orders import cancel_lines, cancel_orders
from retailops.hub.fulfilment.operations.edit_order import LineEdit, edit_order
from retailops.hub.fulfilment.operations.reject_items import reject_shipment_items
from retailops.hub.payments.models import Payment
from retailops.hub.purchasing.models import PurchaseOrder
from retailops.hub.purchasing.operations.advance_pos import submit_pos
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.stock.models import Facility, StockLevel

from .world import Opening, World

LAMP = SeedSku("LAMP", "Desk lamp", "40.00", stock={"EAST": 2, "WEST": 2})
MUG = SeedSku("MUG", "Mug", "10.00", stock={"EAST": 10})
RUG = SeedSku("RUG", "Rug", "100.00", vpc="AC-RUG", stock={"WEST": 3})

pytestmark = pytest.mark.timeout(180)


def money(world: World, refnum: str) -> tuple[Decimal, Decimal]:
    """What the hub has captured and refunded; the storefront must say the same."""
    payment = Payment.objects.get(order__channel_refnum=refnum)
    shown = world.seen_by_shopper(refnum)
    assert (Decimal(str(shown["captured"])), Decimal(str(shown["refunded"]))) == (
        payment.captured,
        payment.refunded,
    )
    return payment.captured, payment.refunded


def test_an_order_from_two_facilities_in_three_packages(opens: Opening) -> None:
    world = opens([LAMP, MUG])

    # Three lamps and two mugs. No facility has three lamps: EAST comes first, WEST adds the third.
    world.buys("S1", {"LAMP": 3, "MUG": 2}, shipping_amt=6)
    world.wait_until_routed("S1")
    assert world.plan("S1") == {("EAST", "LAMP"): 2, ("EAST", "MUG"): 2, ("WEST", "LAMP"): 1}

    # EAST packs the lamps and the mugs apart.
    world.ships("S1", "EAST", {"LAMP": 2}, tracking="1ZLAMPS")
    world.ships("S1", "EAST", {"MUG": 2})
    assert world.order("S1").status == "partially_shipped"
    world.ships("S1", "WEST", {"LAMP": 1})
    assert world.order("S1").status == "completed"

    # The shopper sees three packages and pays for everything, once.
    world.wait_until_told()
    shown = world.seen_by_shopper("S1")
    assert shown["status"] == "completed"
    assert sorted(sum(package["items"].values()) for package in shown["packages"]) == [1, 2, 2]
    assert [p["items"] for p in shown["packages"] if p["tracking_number"] == "1ZLAMPS"] == [{"S1-1": 2}]
    assert money(world, "S1") == (Decimal("146.0000"), Decimal(0))
    assert (world.available("LAMP"), world.available("MUG")) == (1, 8)
    world.is_sound()


def test_a_vendor_cannot_ship_and_the_line_goes_elsewhere(opens: Opening) -> None:
    # The rug lies in WEST too, but every one of those is sold before the vendor says no.
    world = opens([MUG, RUG])
    world.advises("AC-RUG", 5)
    world.wait("the vendor's rugs in the shop", lambda: world.available("RUG") == 8)

    world.buys("S1", {"RUG": 3})
    world.wait_until_routed("S1")
    world.buys("S2", {"RUG": 1, "MUG": 1})
    world.wait_until_routed("S2")
    assert world.plan("S2") == {("ACME", "RUG"): 1, ("EAST", "MUG"): 1}
    po = PurchaseOrder.objects.get(order=world.order("S2"))
    assert submit_pos(po_ids=[po.pk], actor="vendor:ACME") == [po.pk]

    # The first order is cancelled, so WEST has rugs again. Then the vendor finds moths in its own.
    cancel_orders(order_ids=[world.order("S1").pk], actor="user:ann", reason="customer changed their mind")
    _, item = world.item("S2", "ACME", "RUG")
    reject_shipment_items(quantities={item: 1}, actor="vendor:ACME", reason="moths")
    world.wait("rug routed to WEST", lambda: world.plan("S2") == {("WEST", "RUG"): 1, ("EAST", "MUG"): 1})
    po.refresh_from_db()
    assert po.state == "cancelled"

    world.ships("S2", "WEST", {"RUG": 1})
    world.ships("S2", "EAST", {"MUG": 1})
    world.wait_until_told()
    assert (world.seen_by_shopper("S1")["status"], world.seen_by_shopper("S2")["status"]) == (
        "cancelled",
        "completed",
    )
    assert money(world, "S2") == (Decimal("110.0000"), Decimal(0))
    world.is_sound()


def test_a_warehouse_ships_short(opens: Opening) -> None:
    world = opens([MUG])
    world.buys("S1", {"MUG": 4}, shipping_amt=5)
    world.wait_until_routed("S1")

    # Three mugs are in the box; the fourth is broken, and the operator gives it up.
    world.ships("S1", "EAST", {"MUG": 3})
    cancel_lines(quantities={world.line("S1", "MUG").pk: 1}, actor="user:ann", reason="broken")
    assert world.counts("S1") == {"MUG": (0, 0, 3, 1)}

    # The order is complete, and the shopper pays for three mugs and the whole carriage.
    world.wait_until_told()
    shown = world.seen_by_shopper("S1")
    assert shown["status"] == "completed"
    assert [(item["shipped"], item["cancelled"]) for item in shown["items"]] == [(3, 1)]
    assert money(world, "S1") == (Decimal("35.0000"), Decimal(0))
    world.is_sound()


def test_an_order_is_cancelled_before_it_ships(opens: Opening) -> None:
    world = opens([MUG])
    world.buys("S1", {"MUG": 4})
    world.wait_until_routed("S1")
    assert StockLevel.objects.get(sku__code="MUG").allocated == 4
    world.wait("four mugs fewer in the shop", lambda: world.available("MUG") == 6)

    cancel_orders(order_ids=[world.order("S1").pk], actor="user:ann", reason="customer changed their mind")
    assert world.order("S1").status == "cancelled"
    assert StockLevel.objects.get(sku__code="MUG").allocated == 0

    # The shopper is told, pays nothing, and the mugs are for sale again.
    world.wait_until_told()
    assert world.seen_by_shopper("S1")["status"] == "cancelled"
    assert money(world, "S1") == (Decimal(0), Decimal(0))
    world.wait("the mugs back in the shop", lambda: world.available("MUG") == 10)
    world.is_sound()


def test_goods_come_back_and_the_money_goes_back(opens: Opening) -> None:
    world = opens([LAMP, MUG])
    world.buys("S1", {"LAMP": 1, "MUG": 2}, shipping_amt=6)
    world.wait_until_routed("S1")
    world.ships("S1", "EAST", {"LAMP": 1, "MUG": 2})
    world.wait_until_told()
    assert money(world, "S1") == (Decimal("66.0000"), Decimal(0))

    # One mug comes back to WEST unused and is put on the shelf there; carriage is not given back.
    mug = world.line("S1", "MUG")
    west = Facility.objects.get(code="WEST")
    for _ in range(2):  # telling of the same RMA twice takes the mug back once
        receive_return(
            rma="RMA-1",
            order_id=world.order("S1").pk,
            facility_id=west.pk,
            items=[ReturnedItem(mug.pk, 1, "wrong colour")],
            actor="user:ann",
        )
    world.wait_until_told()
    assert money(world, "S1") == (Decimal("66.0000"), Decimal("10.0000"))
    assert StockLevel.objects.get(sku__code="MUG", facility=west).on_hand == 1
    assert [item["returned"] for item in world.seen_by_shopper("S1")["items"]] == [0, 1]
    world.wait("nine mugs in the shop", lambda: world.available("MUG") == 9)
    world.is_sound()


def test_an_order_is_edited_and_the_added_line_ships_too(opens: Opening) -> None:
    world = opens([LAMP, MUG])
    world.buys("S1", {"MUG": 3})
    world.wait_until_routed("S1")

    # The customer calls: one mug fewer, and a lamp on top.
    preview = edit_order(
        order_id=world.order("S1").pk,
        changes=[
            LineEdit(line_id=world.line("S1", "MUG").pk, quantity=2),
            LineEdit(sku_code="LAMP", quantity=1, unit_price=Decimal("40.00")),
        ],
        actor="user:ann",
    )
    assert (preview.old_total, preview.new_total) == (Decimal("30.0000"), Decimal("60.0000"))
    world.wait("lamp routed", lambda: ("EAST", "LAMP") in world.plan("S1"))
    assert world.plan("S1") == {("EAST", "MUG"): 2, ("EAST", "LAMP"): 1}

    # The storefront knows the new line before it hears that it has shipped.
    world.wait_until_told()
    assert {item["sku"]: item["quantity"] for item in world.seen_by_shopper("S1")["items"]} == {
        "MUG": 2,
        "LAMP": 1,
    }
    world.ships("S1", "EAST", {"MUG": 2})
    world.ships("S1", "EAST", {"LAMP": 1})
    world.wait_until_told()
    shown = world.seen_by_shopper("S1")
    assert (shown["status"], {item["sku"]: item["shipped"] for item in shown["items"]}) == (
        "completed",
        {"MUG": 2, "LAMP": 1},
    )
    # Only what the customer had authorised is captured.
    assert money(world, "S1") == (Decimal("30.0000"), Decimal(0))
    world.is_sound()
