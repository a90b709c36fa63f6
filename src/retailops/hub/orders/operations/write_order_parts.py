"""The rows under an order, written in bulk for orders that have none yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from retailops.contract.strict_json import dump
from retailops.hub.db import copy_rows
from retailops.hub.orders.models import OrderAddress, OrderCustomer, OrderHold, OrderLine
from retailops.hub.orders.rules import IncomingAddress, IncomingLine, IncomingOrder

LINE_COLUMNS = (
    "order_id", "position", "channel_item_refnum", "item_type", "sku_id", "sku_code", "description", "ordered",
    "shipped", "unit_price", "discount_amt", "tax_amt", "shipping_amt", "recycling_amt", "currency_values", "options",
    "attributes",
)  # fmt: skip
ADDRESS_COLUMNS = (
    "order_id", "kind", "first_name", "last_name", "company", "address1", "address2", "city", "state", "postal_code",
    "country", "phone_number",
)  # fmt: skip


def write_lines(
    orders: Mapping[int, IncomingOrder], skus: Mapping[str, int], *, first_position: int = 1
) -> None:
    """Insert the lines of orders (id → order). Advisory and in-store lines are born shipped."""
    copy_rows(OrderLine, LINE_COLUMNS, _line_rows(orders, skus, first_position))


def _line_rows(
    orders: Mapping[int, IncomingOrder], skus: Mapping[str, int], first_position: int
) -> Iterator[tuple[object, ...]]:
    for order_id, order in orders.items():
        refnums: set[str] = set()
        for position, line in enumerate(order.lines, first_position):
            # A refnum given twice can name one line only; the others stay without (and the order is on hold).
            refnum = "" if line.channel_item_refnum in refnums else line.channel_item_refnum
            refnums.add(refnum)
            yield (order_id, position, refnum, *_line_values(line, skus))


def _line_values(line: IncomingLine, skus: Mapping[str, int]) -> tuple[object, ...]:
    born_shipped = 0 if line.item_type == "ship" else line.quantity
    return (
        line.item_type, skus.get(line.sku_code), line.sku_code, line.description, line.quantity, born_shipped,
        line.unit_price, line.amounts.discount, line.amounts.tax, line.amounts.shipping, line.amounts.recycling,
        dump(dict(line.currency_values)).decode(), json.dumps(line.options), json.dumps(line.attributes),
    )  # fmt: skip


def write_addresses(orders: Mapping[int, IncomingOrder]) -> None:
    """Insert the addresses and customers of orders (id → order)."""
    copy_rows(
        OrderAddress,
        ADDRESS_COLUMNS,
        (
            _address_row(order_id, kind, address)
            for order_id, order in orders.items()
            for kind, address in (("billing", order.billing), ("shipping", order.shipping))
            if address is not None
        ),
    )
    copy_rows(
        OrderCustomer,
        ("order_id", "full_name", "email_address", "phone_number"),
        (
            (order_id, order.customer.full_name, order.customer.email_address, order.customer.phone_number)
            for order_id, order in orders.items()
        ),
    )


def _address_row(order_id: int, kind: str, address: IncomingAddress) -> tuple[object, ...]:
    return (
        order_id, kind, address.first_name, address.last_name, address.company, address.address1, address.address2,
        address.city, address.state, address.postal_code, address.country, address.phone_number,
    )  # fmt: skip


def write_holds(holds: Mapping[int, Mapping[str, str]], actor: str) -> None:
    """Insert the holds (order → kind → reason) of orders that have none yet."""
    copy_rows(
        OrderHold,
        ("order_id", "kind", "reason", "placed_by"),
        (
            (order_id, kind, reason[:500], actor)
            for order_id, of_order in holds.items()
            for kind, reason in of_order.items()
        ),
    )
