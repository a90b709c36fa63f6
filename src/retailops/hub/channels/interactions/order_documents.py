"""Orders as the channel is told of them, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from retailops.contract.order import Order, OrderItem, UnshippedItem
from retailops.contract.strict_json import rfc3339
from retailops.hub.channels.interactions.packages import ShippedPackage, exact, packages_of_orders, shipments
from retailops.hub.db import fetch
from retailops.hub.money import apportion, quantize

_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class _Head:
    id: int
    refnum: str
    currency: str
    grand_total: Decimal
    shipping_amt: Decimal


@dataclass(frozen=True, slots=True)
class _Line:
    id: int
    refnum: str
    sku: str
    item_type: str
    ordered: int
    cancelled: int
    unit_price: Decimal
    discount_amt: Decimal
    shipping_amt: Decimal
    estimated_ship_date: datetime | None

    @property
    def quantity(self) -> int:
        return self.ordered - self.cancelled


def order_refnums(order_ids: Collection[int]) -> dict[int, str]:
    """The channels' names of orders."""
    return {
        row[0]: row[1]
        for row in fetch(
            "SELECT id, channel_refnum FROM orders_order WHERE id = ANY(%s)", [sorted(set(order_ids))]
        )
    }


def order_documents(order_ids: Collection[int], *, removed_flags: bool = False) -> dict[int, Order]:
    """Return each order with its items as they stand, what will never ship, and all packages so far.

    `removed_flags` is for order_update alone: the published schema of the others has no valid value of `removed`.
    """
    ids = sorted(set(order_ids))
    heads = [
        _Head(*row)
        for row in fetch(
            """SELECT id, channel_refnum, currency, grand_total, shipping_amt FROM orders_order WHERE id = ANY(%s)""",
            [ids],
        )
    ]
    lines = _lines(ids)
    packages: dict[int, list[ShippedPackage]] = defaultdict(list)
    for package in packages_of_orders(ids):
        packages[package.order_id].append(package)
    return {
        head.id: Order(
            channel_order_refnum=head.refnum,
            retailops_order_id=head.id,
            grand_total=exact(head.grand_total),
            order_items=_items(head, lines[head.id], removed_flags=removed_flags),
            unshipped_items=[_unshipped(head, line) for line in lines[head.id] if line.cancelled],
            shipments=shipments(packages[head.id]),
        )
        for head in heads
    }


def _lines(order_ids: Sequence[int]) -> dict[int, list[_Line]]:
    rows = fetch(
        """SELECT order_id, id, channel_item_refnum, sku_code, item_type, ordered, cancelled, unit_price, discount_amt,
               shipping_amt, estimated_ship_date
           FROM orders_orderline WHERE order_id = ANY(%s) ORDER BY order_id, position""",
        [order_ids],
    )
    lines: dict[int, list[_Line]] = defaultdict(list)
    for row in rows:
        lines[row[0]].append(_Line(*row[1:]))
    return lines


def _items(head: _Head, lines: Sequence[_Line], *, removed_flags: bool) -> list[OrderItem]:
    """`apportioned_ship_amt` is a line's share of the order's shipping, `direct_ship_amt` what is the line's own."""
    shares = (
        apportion(
            quantize(head.shipping_amt, head.currency),
            [line.unit_price * line.quantity for line in lines],
            head.currency,
        )
        if lines
        else []
    )
    return [
        OrderItem(
            channel_item_refnum=line.refnum or None,
            sku=line.sku,
            order_item_id=line.id,
            quantity=line.quantity,
            unit_price=exact(line.unit_price),
            apportioned_ship_amt=share,
            direct_ship_amt=exact(line.shipping_amt),
            estimated_ship_date=rfc3339(line.estimated_ship_date) if line.estimated_ship_date else None,
            removed=line.quantity == 0 if removed_flags else None,
        )
        for line, share in zip(lines, shares, strict=True)
    ]


def _unshipped(head: _Head, line: _Line) -> UnshippedItem:
    price = line.unit_price - line.discount_amt / line.ordered
    return UnshippedItem(
        channel_item_refnum=line.refnum or None,
        sku=line.sku,
        ordered_quantity=line.ordered,
        unshipped_quantity=line.cancelled,
        effective_unit_price=exact(price.quantize(_FOUR_PLACES)),
        effective_extended_price=quantize(price * line.cancelled, head.currency),
    )
