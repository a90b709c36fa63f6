"""Small data for tests of the hub, made through its operations where they exist."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal

from retailops.contract.interactions import INTERACTIONS
from retailops.hub.catalog.models import KitComponent, Listing, Product, Sku
from retailops.hub.channels.models import Channel
from retailops.hub.db import fetch
from retailops.hub.orders.operations.import_orders import ChannelRef, ImportResult, import_orders
from retailops.hub.orders.rules import (
    IncomingAddress,
    IncomingCustomer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    LineMoney,
    resolve_line,
)
from retailops.hub.payments.operations.record_transactions import record_incoming
from retailops.hub.purchasing.models import Vendor, VendorSku
from retailops.hub.purchasing.operations.advise_stock import StockAdvice, advise_stock
from retailops.hub.stock.models import Facility
from retailops.hub.stock.operations.receive_stock import Receipt, receive_stock
from retailops.hub.tasks.models import Queue

_numbers = itertools.count(1)

ADDRESS = IncomingAddress(
    first_name="Ada",
    last_name="Byron",
    address1="1 Mill Lane",
    city="London",
    postal_code="N1 1AA",
    country="GB",
)


def make_sku(code: str, *, price: str = "10.00", kit_of: Mapping[Sku, int] | None = None) -> Sku:
    product = Product.objects.create(code=f"P-{code}", name=f"Product {code}")
    sku = Sku.objects.create(product=product, code=code, price=Decimal(price), kit=bool(kit_of))
    for component, quantity in (kit_of or {}).items():
        KitComponent.objects.create(kit=sku, component=component, quantity=quantity)
    return sku


def make_facility(code: str, **fields: object) -> Facility:
    return Facility.objects.create(code=code, name=f"Facility {code}", **fields)


def make_channel(
    code: str = "shop", *, base_url: str = "http://127.0.0.1:9/api/channel", **fields: object
) -> Channel:
    queue = Queue.objects.create(name=f"channel:{code}")
    defaults: dict[str, object] = {"capabilities": sorted(INTERACTIONS), "settle_on": "ship"}
    return Channel.objects.create(
        code=code,
        name=code.title(),
        base_url=base_url,
        auth_key="a key for tests",
        queue=queue,
        **(defaults | fields),
    )


def make_listing(channel: Channel, sku: Sku, **fields: object) -> Listing:
    return Listing.objects.create(channel=channel, sku=sku, **fields)


def make_vendor(code: str, vpcs: Mapping[str, tuple[Sku, int]], **fields: object) -> Vendor:
    """Create a vendor; `vpcs` is VPC → (SKU, advised quantity)."""
    vendor = Vendor.objects.create(code=code, name=code.title(), **fields)
    for vpc, (sku, _) in vpcs.items():
        VendorSku.objects.create(vendor=vendor, vpc=vpc, sku=sku, cost=Decimal("4.00"))
    advise_stock(
        vendor_id=vendor.pk,
        advice=[StockAdvice(vpc, quantity) for vpc, (_, quantity) in vpcs.items()],
        actor="test",
    )
    return vendor


def stock_up(facility: Facility, quantities: Mapping[Sku, int]) -> None:
    receive_stock(
        receipts=[
            Receipt(facility.pk, sku.pk, quantity, f"test-{next(_numbers)}")
            for sku, quantity in quantities.items()
        ],
        actor="test",
    )


def incoming(refnum: str, items: Sequence[tuple[str, int]], **fields: object) -> IncomingOrder:
    """Return an order as a channel would hand it over: (SKU, quantity) at 10.00 each, paid in full by an auth."""
    lines = [
        IncomingLine(
            channel_item_refnum=f"{refnum}-{position}",
            sku_code=code,
            quantity=quantity,
            unit_price=Decimal("10.00"),
            amounts=resolve_line(LineMoney(Decimal("10.00")), quantity=quantity, currency="USD"),
        )
        for position, (code, quantity) in enumerate(items, 1)
    ]
    total = sum((line.amounts.total for line in lines), Decimal(0)) + Decimal("5.00")
    defaults: dict[str, object] = {
        "currency": "USD",
        "content_hash": f"hash of {refnum} {items}",
        "lines": lines,
        "billing": ADDRESS,
        "shipping": ADDRESS,
        "customer": IncomingCustomer("Ada Byron", "ada@example.com", "1"),
        "shipping_amt": Decimal("5.00"),
        "payments": [IncomingPayment("auth", total)],
    }
    return IncomingOrder(channel_refnum=refnum, **(defaults | fields))  # type: ignore[arg-type]


def channel_ref(channel: Channel) -> ChannelRef:
    return ChannelRef(channel.pk, channel.queue_id, "order_acknowledge" in channel.capabilities)


def import_now(channel: Channel, *orders: IncomingOrder) -> ImportResult:
    result = import_orders(channel=channel_ref(channel), orders=orders, actor="test")
    by_ref = {order.channel_refnum: order for order in orders}
    record_incoming(orders={order_id: by_ref[ref] for ref, order_id in result.created.items()})
    return result


def levels() -> dict[tuple[str, str], tuple[int, int]]:
    """Return (facility, SKU) → (on hand, allocated)."""
    rows = fetch(
        """SELECT f.code, s.code, l.on_hand, l.allocated FROM stock_stocklevel l JOIN stock_facility f ON f.id = l.facility_id
           JOIN catalog_sku s ON s.id = l.sku_id ORDER BY 1, 2"""
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def line_counts(refnum: str) -> list[tuple[str, int, int, int, int, int]]:
    """Return (SKU, ordered, open, planned, shipped, cancelled) of an order's lines."""
    rows = fetch(
        """SELECT l.sku_code, l.ordered, l.open, l.planned, l.shipped, l.cancelled FROM orders_orderline l
           JOIN orders_order o ON o.id = l.order_id WHERE o.channel_refnum = %s ORDER BY l.position""",
        [refnum],
    )
    return [(row[0], *row[1:]) for row in rows]


def queued(order_id: int) -> list[tuple[str, str]]:
    """Return (kind, key) of an order's unfinished tasks in the order in which they will run."""
    rows = fetch(
        "SELECT kind, key FROM tasks_task WHERE order_id = %s AND state IN ('queued', 'running') ORDER BY id",
        [order_id],
    )
    return [(row[0], row[1]) for row in rows]
