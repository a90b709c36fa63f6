"""Vendors' POs: pages for vendors, and the facts that calls on them are judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from retailops.hub.db import fetch

#: Beyond this a total costs more than it tells.
COUNTED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class PoHead:
    """A PO without its items; `submittable`: ready and due."""

    id: int
    number: str
    type: str
    vendor_id: int
    status: str
    version: int
    created_at: datetime
    date_submit: datetime
    submittable: bool
    submitted_at: datetime | None
    accepted_at: datetime | None
    completed_at: datetime | None
    estimated_ship_date: datetime | None
    change_after_submit: bool
    currency: str
    order_id: int | None
    channel_id: int | None
    channel_name: str | None
    channel_refnum: str | None
    gift_message: str | None
    ship_service_code: str | None


@dataclass(frozen=True, slots=True)
class PoLine:
    """A PO item; on a dropship PO it stands for one shipment item."""

    po_id: int
    po_item_id: int
    shipment_item_id: int | None
    shipment_id: int | None
    vpc: str
    sku: str
    upc: str | None
    description: str
    quantity: int
    shipped: int
    cancelled: int
    unit_cost: Decimal

    @property
    def open(self) -> int:
        """What the vendor still has to ship."""
        return self.quantity - self.shipped - self.cancelled


_HEAD = """po.id, po.number, po.kind, po.vendor_id, po.state, po.version, po.created_at, po.date_submit,
    po.state = 'ready' AND po.date_submit <= now(), po.submitted_at, po.accepted_at, po.completed_at, po.estimated_ship_date,
    v.change_after_submit, po.currency, po.order_id, c.id, c.name, o.channel_refnum, o.gift_message, o.ship_service_code"""
_FROM = """JOIN purchasing_vendor v ON v.id = po.vendor_id LEFT JOIN orders_order o ON o.id = po.order_id
    LEFT JOIN channels_channel c ON c.id = o.channel_id"""


def po_page(
    *,
    vendor_id: int,
    statuses: Sequence[str],
    numbers: Sequence[str] | None,
    due_by: datetime | None,
    after: tuple[datetime, int] | None,
    start: int,
    limit: int,
) -> list[PoHead]:
    """Return POs by (date_submit, id). Each status is read from its own place in the index, as far as the page needs."""
    rows = fetch(
        f"""SELECT {_HEAD} FROM (
             SELECT po.* FROM unnest(%(statuses)s::text[]) AS s (state) CROSS JOIN LATERAL (
               SELECT * FROM purchasing_purchaseorder WHERE vendor_id = %(vendor)s AND state = s.state
                 AND (%(numbers)s::text[] IS NULL OR number = ANY(%(numbers)s))
                 AND (%(due)s::timestamptz IS NULL OR date_submit <= %(due)s)
                 AND (%(at)s::timestamptz IS NULL OR (date_submit, id) > (%(at)s, %(id)s))
               ORDER BY date_submit, id LIMIT %(end)s) po
             ORDER BY po.date_submit, po.id LIMIT %(limit)s OFFSET %(start)s) po {_FROM}
           ORDER BY po.date_submit, po.id""",  # noqa: S608 - constants of ours
        {
            "statuses": sorted(set(statuses)), "vendor": vendor_id, "numbers": numbers, "due": due_by,
            "at": after[0] if after else None, "id": after[1] if after else 0, "start": start, "limit": limit,
            "end": start + limit,
        },
    )  # fmt: skip
    return [PoHead(*row) for row in rows]


def count_pos(*, vendor_id: int, statuses: Sequence[str]) -> int | None:
    """Return how many POs there are; `None` for more than `COUNTED_AT_MOST`."""
    [[count]] = fetch(
        """SELECT count(*) FROM (SELECT 1 FROM purchasing_purchaseorder WHERE vendor_id = %s AND state = ANY(%s)
           LIMIT %s) AS counted""",
        [vendor_id, sorted(set(statuses)), COUNTED_AT_MOST + 1],
    )
    return count if count <= COUNTED_AT_MOST else None


def lock_pos(*, numbers: Collection[str], vendor_id: int | None) -> Mapping[str, PoHead]:
    """Lock POs until the commit and return them by number; with `vendor_id`, only that vendor's."""
    rows = fetch(
        f"""SELECT {_HEAD} FROM purchasing_purchaseorder po {_FROM}
           WHERE po.number = ANY(%s) AND (%s::bigint IS NULL OR po.vendor_id = %s) ORDER BY po.id FOR NO KEY UPDATE OF po""",  # noqa: S608
        [sorted(set(numbers)), vendor_id, vendor_id],
    )
    return {row[1]: PoHead(*row) for row in rows}


def order_of_po(*, number: str, vendor_id: int | None) -> int | None:
    """Return the order that a dropship PO is for."""
    rows = fetch(
        """SELECT order_id FROM purchasing_purchaseorder
           WHERE number = %s AND (%s::bigint IS NULL OR vendor_id = %s) AND order_id IS NOT NULL""",
        [number, vendor_id, vendor_id],
    )
    return rows[0][0] if rows else None


def po_lines(po_ids: Collection[int]) -> Mapping[int, Sequence[PoLine]]:
    """Return the items of POs, by PO and in their order; one statement."""
    rows = fetch(
        """SELECT i.po_id, i.id, i.shipment_item_id, si.shipment_id, vs.vpc, s.code,
               (SELECT min(value) FROM catalog_skuidentifier WHERE sku_id = s.id AND kind = 'upc'),
               coalesce(nullif(l.description, ''), nullif(s.name, ''), p.name), i.quantity, i.shipped, i.cancelled, i.unit_cost
           FROM purchasing_poitem i JOIN purchasing_vendorsku vs ON vs.id = i.vendor_sku_id
           JOIN catalog_sku s ON s.id = vs.sku_id JOIN catalog_product p ON p.id = s.product_id
           LEFT JOIN fulfilment_shipmentitem si ON si.id = i.shipment_item_id
           LEFT JOIN orders_orderline l ON l.id = si.order_line_id
           WHERE i.po_id = ANY(%s) ORDER BY i.po_id, i.id""",
        [sorted(set(po_ids))],
    )
    lines: dict[int, list[PoLine]] = {po_id: [] for po_id in po_ids}
    for row in rows:
        lines[row[0]].append(PoLine(*row))
    return lines


def package_rows(shipment_ids: Collection[int]) -> list[tuple[int, str, int, int]]:
    """Return (shipment, package key, shipment item, units) of what is packed already; one statement."""
    return [
        (row[0], row[1], row[2], row[3])
        for row in fetch(
            """SELECT p.shipment_id, p.key, i.shipment_item_id, i.quantity FROM fulfilment_package p
               JOIN fulfilment_packageitem i ON i.package_id = p.id WHERE p.shipment_id = ANY(%s) ORDER BY p.id""",
            [sorted(set(shipment_ids))],
        )
    ]


def service_classes(services: Collection[tuple[int, str]]) -> Mapping[tuple[int, str], list[tuple[str, str]]]:
    """Return (channel, its ship service code) → (carrier, class) as the retailer has mapped them; one statement."""
    rows = fetch(
        """SELECT m.channel_id, m.code, m.carrier_name, m.carrier_class_name FROM channels_shipcode m
           JOIN unnest(%s::bigint[], %s::text[]) AS k (channel_id, code) ON k.channel_id = m.channel_id AND k.code = m.code
           ORDER BY m.id""",
        [[channel_id for channel_id, _ in services], [code for _, code in services]],
    )
    classes: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for channel_id, code, carrier, carrier_class in rows:
        classes.setdefault((channel_id, code), []).append((carrier, carrier_class))
    return classes
