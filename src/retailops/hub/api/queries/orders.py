"""Orders for operators' tools."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from retailops.hub.db import fetch


@dataclass(frozen=True, slots=True)
class OrderHead:
    """An order without its lines. Money is NUMERIC; `date_created` is the channel's.

    `authorized`, `captured` and `refunded` are null for an order without payments.
    """

    id: int
    channel: str
    refnum: str
    status: str
    currency: str
    ship_service: str
    gift_message: str
    shipping_amt: Decimal
    tax_amt: Decimal
    discount_amt: Decimal
    grand_total: Decimal
    authorized: Decimal | None
    captured: Decimal | None
    refunded: Decimal | None
    date_created: datetime | None
    date_imported: datetime
    date_updated: datetime
    date_acknowledged: datetime | None
    date_cancelled: datetime | None
    date_completed: datetime | None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line and its counters; amounts are for the whole line."""

    order_line_id: int
    refnum: str
    item_type: str
    sku: str
    description: str
    quantity: int
    quantity_open: int
    quantity_planned: int
    quantity_shipped: int
    quantity_cancelled: int
    quantity_returned: int
    unit_price: Decimal
    discount_amt: Decimal
    tax_amt: Decimal
    shipping_amt: Decimal
    routing_reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that keeps the order from being routed."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What is asked for; `None` doesn't narrow. Empty lists find nothing."""

    ids: Sequence[int] | None
    refnums: Sequence[str] | None
    channel: str | None
    statuses: Sequence[str] | None
    updated_since: datetime | None


_HEAD = """o.id, c.code, o.channel_refnum, o.status, o.currency, o.ship_service_code, o.gift_message, o.shipping_amt, o.tax_amt,
    o.discount_amt, o.grand_total, p.authorized, p.captured, p.refunded, o.channel_created_at,
    o.imported_at, o.updated_at, o.acknowledged_at, o.cancelled_at,
    o.completed_at"""
_FILTER = """(%(ids)s::bigint[] IS NULL OR o.id = ANY(%(ids)s))
    AND (%(refnums)s::text[] IS NULL OR o.channel_refnum = ANY(%(refnums)s))
    AND (%(channel)s::text IS NULL OR o.channel_id = (SELECT id FROM channels_channel WHERE code = %(channel)s))
    AND (%(statuses)s::text[] IS NULL OR o.status = ANY(%(statuses)s))"""
#: Three ways through the orders, each along an index: by id, by status and id, by update and id.
_BY_ID = f"""SELECT o.* FROM orders_order o WHERE o.id > %(id)s AND {_FILTER} ORDER BY o.id LIMIT %(limit)s"""  # noqa: S608 - constants of ours
_BY_STATUS = f"""SELECT o.* FROM unnest(%(statuses)s::text[]) AS w (status) CROSS JOIN LATERAL (
      SELECT * FROM orders_order o WHERE o.status = w.status AND o.id > %(id)s AND {_FILTER} ORDER BY o.id LIMIT %(limit)s) o
    ORDER BY o.id LIMIT %(limit)s"""  # noqa: S608
_BY_UPDATE = f"""SELECT o.* FROM orders_order o WHERE o.updated_at >= %(since)s
    AND (%(at)s::timestamptz IS NULL OR (o.updated_at, o.id) > (%(at)s, %(id)s)) AND {_FILTER}
    ORDER BY o.updated_at, o.id LIMIT %(limit)s"""  # noqa: S608


def order_page(
    *, wanted: OrderFilter, after_id: int, after_update: datetime | None, limit: int
) -> list[OrderHead]:
    """Return orders by id; with `updated_since`, by (date_updated, id)."""
    page, order = _BY_ID, "o.id"
    if wanted.updated_since is not None:
        page, order = _BY_UPDATE, "o.updated_at, o.id"
    elif wanted.statuses is not None and wanted.ids is None and wanted.refnums is None:
        page = _BY_STATUS
    rows = fetch(
        f"""SELECT {_HEAD} FROM ({page}) o JOIN channels_channel c ON c.id = o.channel_id
            LEFT JOIN payments_payment p ON p.order_id = o.id ORDER BY {order}""",  # noqa: S608 - constants of ours
        {
            "ids": wanted.ids, "refnums": wanted.refnums, "channel": wanted.channel, "statuses": wanted.statuses,
            "since": wanted.updated_since, "at": after_update, "id": after_id, "limit": limit,
        },
    )  # fmt: skip
    return [OrderHead(*row) for row in rows]


def lines_of(order_ids: Collection[int]) -> Mapping[int, Sequence[OrderLine]]:
    """Return orders' lines in their order; one statement."""
    rows = fetch(
        """SELECT order_id, id, channel_item_refnum, item_type, sku_code, description, ordered, open, planned, shipped,
               cancelled, returned, unit_price, discount_amt, tax_amt, shipping_amt, routing_reason
           FROM orders_orderline WHERE order_id = ANY(%s) ORDER BY order_id, position""",
        [list(order_ids)],
    )
    lines: dict[int, list[OrderLine]] = {order_id: [] for order_id in order_ids}
    for row in rows:
        lines[row[0]].append(OrderLine(*row[1:]))
    return lines


def holds_of(order_ids: Collection[int]) -> Mapping[int, Sequence[Hold]]:
    """Return orders' open holds; one statement."""
    rows = fetch(
        """SELECT order_id, kind, reason FROM orders_orderhold WHERE order_id = ANY(%s) AND released_at IS NULL
           ORDER BY order_id, id""",
        [list(order_ids)],
    )
    holds: dict[int, list[Hold]] = {order_id: [] for order_id in order_ids}
    for row in rows:
        holds[row[0]].append(Hold(*row[1:]))
    return holds


def statuses_of(order_ids: Collection[int]) -> Mapping[int, str]:
    """Return orders' status; one statement."""
    return dict(fetch("SELECT id, status FROM orders_order WHERE id = ANY(%s)", [list(order_ids)]))
