"""A day of a small retailer, made through the operations: something to see on every page of the console."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import Group
from django.db.models.functions import Now
from django.test import Client

from retailops.contract.interactions import INTERACTIONS
from retailops.hub.accounts.models import User
from retailops.hub.audit.operations.record import record
from retailops.hub.catalog.models import KitComponent, Listing, Product, Sku
from retailops.hub.channels.models import Channel, ContractViolation, RejectedOrder
from retailops.hub.channels.operations.connect_channel import connect_channel
from retailops.hub.console.roles import ensure_roles
from retailops.hub.db import execute, fetch
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import OrderHold, OrderLine
from retailops.hub.orders.operations.acknowledge_orders import acknowledge_orders
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.orders.rules import (
    IncomingAddress,
    IncomingCustomer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    LineMoney,
    resolve_line,
)
from retailops.hub.purchasing.operations.advance_pos import submit_pos
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.stock.models import Facility
from retailops.hub.tasks.models import Attempt, Task, Worker
from tests.hub.factories import import_now, make_vendor, stock_up

#: Log in by name
LogIn = Callable[[str], Client]
PASSWORD = "a long enough password"
GOODS = (
    ("TR-2", "Trail Runner 2", "Northpath", (("TR2-41", "118.00"), ("TR2-42", "118.00"), ("TR2-43", "118.00"))),
    ("RJ-1", "Rain Jacket", "Northpath", (("RJ1-M", "164.50"), ("RJ1-L", "164.50"))),
    ("BT-9", "Bottle 0.7 l", "Klar", (("BT9-BLUE", "24.90"), ("BT9-SAND", "24.90"))),
    ("PK-30", "Day Pack 30 l", "Hollow & Sons", (("PK30-GREEN", "139.00"),)),
    ("TN-2", "Two-Person Tent", "Hollow & Sons", (("TN2", "429.00"),)),
    ("SB-8", "Sleeping Bag, cold nights", "Hollow & Sons", (("SB8-REG", "249.00"),)),
)  # fmt: skip
PEOPLE = (
    ("Ada", "Okafor", "14 Harbour Street", "Portland", "ME", "04101"),
    ("Mateo", "Lindqvist", "9 Alder Court", "Boulder", "CO", "80302"),
    ("Priya", "Raman", "220 Mission Blvd", "San Diego", "CA", "92109"),
    ("Jonas", "Weber", "31 Prospect Park W", "Brooklyn", "NY", "11215"),
    ("Leila", "Haddad", "7 Cedar Lane", "Austin", "TX", "78704"),
    ("Tom", "Byrne", "1180 Lake View Dr", "Madison", "WI", "53703"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demo:
    """Names of things that tests open."""

    shipped_order: int
    held_order: int
    open_order: int
    parked_task: int
    channel: int


def fill() -> Demo:
    """Fill an empty, migrated database."""
    make_users()
    skus = _goods()
    east, west = _facilities()
    stock_up(east, {sku: 40 for code, sku in skus.items() if code not in {"TN2", "SB8-REG", "CAMP-KIT"}})
    stock_up(west, {skus["TR2-42"]: 12, skus["RJ1-M"]: 6, skus["BT9-BLUE"]: 80})
    make_vendor("summit", {"SUM-TENT-2P": (skus["TN2"], 6)}, buffer=1)
    shop, market = _channels()
    for sku in skus.values():
        Listing.objects.create(channel=shop, sku=sku, published_quantity=31, push_state="pushed")
    orders = _orders(shop, market, list(skus))
    _spread(orders)
    acknowledge_orders(order_ids=orders, actor="channel:shop")
    place_holds(
        holds={orders[3]: (OrderHold.Kind.OPERATOR, "two orders of the same buyer within a minute")},
        actor="user:olivia",
    )
    route_orders(order_ids=orders, actor="system")
    shipped = [_ship(order_id, number) for number, order_id in enumerate(orders[4:20])]
    _return(orders[4])
    pos = [row[0] for row in fetch("SELECT id FROM purchasing_purchaseorder ORDER BY id LIMIT 1")]
    submit_pos(po_ids=pos, actor="vendor:summit")
    record(actor="user:olivia", action="invariants.check", subject="invariants", data={"violations": []})
    open_order = int(
        fetch("SELECT id FROM orders_order WHERE status = 'released' ORDER BY id DESC LIMIT 1")[0][0]
    )
    return Demo(orders[4] if shipped else 0, orders[3], open_order, _troubles(shop, market, orders), shop.pk)


def make_users() -> None:
    """One user for each role, and one without."""
    ensure_roles()
    for name, role in (
        ("victor", "Viewer"),
        ("olivia", "Operator"),
        ("alma", "Administrator"),
        ("nobody", ""),
    ):
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        if role:
            user.groups.add(Group.objects.get(name=role))
    User.objects.create_superuser("root", password=PASSWORD)


def _goods() -> dict[str, Sku]:
    skus = {}
    for code, name, brand, variants in GOODS:
        product = Product.objects.create(code=code, name=name, brand=brand)
        for sku, price in variants:
            skus[sku] = Sku.objects.create(product=product, code=sku, name=name, price=Decimal(price))
    kit = Product.objects.create(code="CAMP", name="Weekend camping kit", brand="Hollow & Sons")
    skus["CAMP-KIT"] = Sku.objects.create(
        product=kit, code="CAMP-KIT", name=kit.name, price=Decimal("620.00"), kit=True
    )
    for component in ("TN2", "SB8-REG"):
        KitComponent.objects.create(kit=skus["CAMP-KIT"], component=skus[component], quantity=1)
    return skus


def _facilities() -> tuple[Facility, Facility]:
    east = Facility.objects.create(
        code="EAST", name="Newark warehouse", priority=10, safety_stock=2, country="US"
    )
    west = Facility.objects.create(code="WEST", name="Reno warehouse", priority=20, country="US")
    return east, west


def _channels() -> tuple[Channel, Channel]:
    for code, name in (("shop", "Northpath web shop"), ("market", "Outdoor Marketplace")):
        connect_channel(
            code=code, name=name, base_url=f"http://127.0.0.1:9/{code}", auth_key="a key for tests",
            capabilities=sorted(INTERACTIONS), actor="user:alma",
        )  # fmt: skip
    execute("UPDATE channels_channelcursor SET walk_finished_at = now() - interval '40 seconds'")
    return Channel.objects.get(code="shop"), Channel.objects.get(code="market")


def _orders(shop: Channel, market: Channel, codes: Sequence[str]) -> list[int]:
    sellable = [code for code in codes if code not in {"SB8-REG", "CAMP-KIT"}]
    made: dict[str, int] = {}
    for number in range(32):
        channel = market if number % 4 == 3 else shop
        items = [
            (sellable[(number + step) % len(sellable)], 1 + (number + step) % 2)
            for step in range(1 + number % 3)
        ]
        if number == 0:
            items = [("SB8-REG", 2)]
        if number == 1:
            items = [("GLOVES-XL", 1)]
        ref = f"NP-{10480 + number}" if channel is shop else f"{700 + number}-{5521907 + number * 13}"
        made |= import_now(channel, _incoming(ref, items, number)).created
    return list(made.values())


def _incoming(ref: str, items: Sequence[tuple[str, int]], number: int) -> IncomingOrder:
    prices = {sku: Decimal(price) for *_, variants in GOODS for sku, price in variants}
    first, last, street, city, state, code = PEOPLE[number % len(PEOPLE)]
    address = IncomingAddress(
        first, last, "", street if number != 2 else "", "", city, state, code, "US", "555 0134"
    )
    lines = [
        IncomingLine(
            channel_item_refnum=f"{ref}/{position}", sku_code=sku, quantity=units, unit_price=prices.get(sku, Decimal(19)),
            amounts=resolve_line(
                LineMoney(prices.get(sku, Decimal(19)), unit_tax_pct=Decimal("8.25")), quantity=units, currency="USD"
            ),
        )
        for position, (sku, units) in enumerate(items, 1)
    ]  # fmt: skip
    total = sum((line.amounts.total for line in lines), Decimal(0)) + Decimal("7.95")
    return IncomingOrder(
        channel_refnum=ref, currency="USD", content_hash=f"hash of {ref}", lines=lines, shipping=address, billing=address,
        customer=IncomingCustomer(f"{first} {last}", f"{first.lower()}@example.com", "555 0134"), ship_service_code="ground",
        shipping_amt=Decimal("7.95"), payments=[IncomingPayment("auth", total, refnum=f"auth-{number}")],
    )  # fmt: skip


def _spread(orders: Sequence[int]) -> None:
    """Spread the imports over the last day."""
    for number, order_id in enumerate(reversed(orders)):
        minutes = (number * 53 + (number % 5) * 17) % 1380
        execute(
            "UPDATE orders_order SET imported_at = now() - make_interval(mins => %s) WHERE id = %s",
            [minutes, order_id],
        )


def _ship(order_id: int, number: int) -> bool:
    rows = fetch(
        """SELECT s.id, i.id, i.quantity FROM fulfilment_shipment s JOIN fulfilment_shipmentitem i ON i.shipment_id = s.id
           WHERE s.order_id = %s AND s.facility_id IS NOT NULL ORDER BY s.id, i.id""",
        [order_id],
    )
    packages: dict[int, list[tuple[int, int]]] = {}
    for shipment_id, item_id, units in rows:
        packages.setdefault(shipment_id, []).append((item_id, units))
    made = [
        NewPackage(
            key=f"demo-{shipment_id}", shipment_id=shipment_id, items=items, carrier_name="UPS", carrier_class_name="Ground",
            tracking_number=f"1Z88A0E{number:04}{shipment_id:05}", weight_kg=Decimal("1.2"),
        )
        for shipment_id, items in packages.items()
    ]  # fmt: skip
    ship_packages(packages=made, actor="user:olivia")
    return bool(made)


def _return(order_id: int) -> None:
    line = OrderLine.objects.filter(order_id=order_id, shipped__gt=0).order_by("id")[0]
    receive_return(
        rma="RMA-2041", order_id=order_id, facility_id=Facility.objects.get(code="EAST").pk, actor="user:olivia",
        items=[ReturnedItem(line.pk, 1, "too small")],
    )  # fmt: skip


def _troubles(shop: Channel, market: Channel, orders: Sequence[int]) -> int:
    """A parked task with its attempts, a refusal, a rejected order, a broken rule; return the parked task."""
    task = Task.objects.filter(order_id=orders[4], kind="order_shipment_submit").order_by("id")[0]
    Task.objects.filter(pk=task.pk).update(
        state="parked", attempts=9, message="HTTP 503 after 76 hours: the channel is down for maintenance"
    )
    for number, kind in ((1, "retryable"), (2, "unknown")):
        Attempt.objects.create(
            task=task, number=number, worker="demo-1", fence=number, outcome_class=kind, http_status=503 if number == 1 else None,
            request_excerpt='{"integration_auth_token": "***", "shipment": {"tracking_number": "1Z88A0E"}}',
            response_excerpt="<html>Service unavailable</html>", error="HTTP 503",
        )  # fmt: skip
    done = Task.objects.filter(order_id__in=orders, kind="order_acknowledge").order_by("id")
    Task.objects.filter(pk__in=[one.pk for one in done[:24]]).update(
        state="succeeded", outcome="ok", attempts=1
    )
    Task.objects.filter(pk=done[24].pk).update(
        state="succeeded",
        outcome="refused",
        attempts=1,
        finished_at=Now(),
        message="order was cancelled by the buyer",
    )
    RejectedOrder.objects.create(
        channel=market,
        channel_refnum="732-5522400",
        reason="order_items is empty: an order needs at least one item",
    )
    ContractViolation.objects.create(
        channel=market,
        interaction="order_pull",
        path="orders[].grand_total",
        message="must be a number",
        count=14,
    )
    Worker.objects.create(name="demo-1")
    return int(task.pk)
