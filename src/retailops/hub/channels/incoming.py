"""From an order as a channel hands it over to an order in the hub's terms. Pure functions.

Nothing is lost silently: what has to be changed to be stored (cut to length, counted as zero) is named in the order's
`problems`, which put it on hold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from retailops.contract.base import Address, Attribute
from retailops.contract.pull import Customer, ItemOption, ItemValues, OrderValues, PulledItem, PulledOrder
from retailops.hub.channels.incoming_payments import map_payments
from retailops.hub.channels.problems import Problems
from retailops.hub.money import quantize
from retailops.hub.orders.rules import (
    ZERO,
    IncomingAddress,
    IncomingCustomer,
    IncomingLine,
    IncomingOrder,
    LineAmounts,
    LineMoney,
    resolve_line,
)

_FOUR_PLACES = Decimal("0.0001")


def map_order(order: PulledOrder) -> IncomingOrder:
    """Map an order. Raises ValueError for one whose amounts can't be stored."""
    problems = Problems()
    currency = order.currency_code
    values = order.currency_values or OrderValues()
    lines = [
        _line(item, currency, problems.inside(f"order_items[{index}]"))
        for index, item in enumerate(order.order_items)
    ]
    customer = order.customer_info or Customer()
    return IncomingOrder(
        channel_refnum=order.channel_order_refnum,
        currency=currency,
        content_hash=content_hash(order),
        lines=lines,
        ship_service_code=problems.fit("ship_service_code", order.ship_service_code, 255),
        billing=_address(order.billing_address, problems.inside("billing_address")),
        shipping=_address(order.shipping_address, problems.inside("shipping_address")),
        customer=IncomingCustomer(
            full_name=problems.fit("customer_info.full_name", customer.full_name, 255),
            email_address=problems.fit("customer_info.email_address", customer.email_address, 255),
            phone_number=problems.fit("customer_info.phone_number", customer.phone_number, 100),
        ),
        payments=map_payments(order.payment_transactions or [], currency, problems),
        shipping_amt=problems.not_negative("shipping_amt", quantize(values.shipping_amt or ZERO, currency)),
        tax_amt=problems.not_negative("tax_amt", quantize(values.tax_amt or ZERO, currency)),
        discount_amt=problems.not_negative("discount_amt", quantize(values.discount_amt or ZERO, currency)),
        gift_message=order.gift_message or "",
        ip_address=problems.fit("ip_address", order.ip_address, 100),
        attributes=_documents(order.attributes),
        tags=[problems.fit("tags[]", tag, 255) for tag in order.tags or []],
        channel_created_at=order.channel_date_created,
        cancel=bool(order.cancel),
        problems=problems.found,
    )


def content_hash(order: PulledOrder) -> str:
    """Name this content: the same whenever the channel says the same, however it writes numbers and times.

    `cancel` is no content: a channel sets it on an order that is otherwise what it was.
    """
    content = order.model_dump(exclude_none=True, exclude={"cancel"})
    return hashlib.sha256(json.dumps(content, default=_canonical, sort_keys=True).encode()).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    message = f"{type(value).__name__} in an order"
    raise TypeError(message)


def _line(item: PulledItem, currency: str, problems: Problems) -> IncomingLine:
    values = item.currency_values or ItemValues()
    quantity = item.quantity
    if quantity is None:
        problems.add("quantity", "is missing")
        quantity = 0
    money = LineMoney(
        unit_price=values.unit_price or ZERO,
        discount_amt=values.discount_amt,
        discount_pct=values.discount_pct,
        unit_tax=values.unit_tax,
        unit_tax_pct=values.unit_tax_pct,
        ship_amt=values.ship_amt,
        shiptax_amt=values.shiptax_amt,
        recycling_amt=values.recycling_amt,
    )
    amounts = resolve_line(money, quantity=quantity, currency=currency)
    return IncomingLine(
        channel_item_refnum=item.channel_item_refnum or "",
        sku_code=problems.fit("sku", item.sku, 255),
        quantity=quantity,
        amounts=LineAmounts(
            extended=amounts.extended,
            discount=problems.not_negative("discount", amounts.discount),
            tax=problems.not_negative("tax", amounts.tax),
            shipping=problems.not_negative("shipping", amounts.shipping),
            recycling=problems.not_negative("recycling_amt", amounts.recycling),
        ),
        unit_price=money.unit_price.quantize(_FOUR_PLACES),
        description=item.sku_description or "",
        item_type=item.item_type or "ship",
        currency_values=values.model_dump(exclude_none=True),
        options=_documents(item.options),
        attributes=_documents(item.attributes),
    )


def _address(address: Address | None, problems: Problems) -> IncomingAddress | None:
    if address is None:
        return None
    fit = problems.fit
    return IncomingAddress(
        first_name=fit("first_name", address.first_name, 255),
        last_name=fit("last_name", address.last_name, 255),
        company=fit("company", address.company, 255),
        address1=fit("address1", address.address1, 255),
        address2=fit("address2", address.address2, 255),
        city=fit("city", address.city, 255),
        state=fit("state_match", address.state_match, 255),
        postal_code=fit("postal_code", address.postal_code, 50),
        country=fit("country_match", address.country_match, 255),
        phone_number=fit("phone_number", address.phone_number, 100),
    )


def _documents(entries: Sequence[Attribute] | Sequence[ItemOption] | None) -> list[dict[str, object]]:
    return [entry.model_dump(exclude_none=True) for entry in entries or []]
