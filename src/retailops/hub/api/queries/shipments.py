"""Facilities' shipments: pages for warehouses, and what calls on them are judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from retailops.hub.db import fetch


@dataclass(frozen=True, slots=True)
class ShipmentHead:
    """A shipment and what its packing slip says of the order."""

    id: int
    facility_id: int
    status: str
    created_at: datetime
    order_id: int
    refnum: str
    channel_name: str
    gift_message: str
    ship_service_code: str


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """A shipment item."""

    shipment_id: int
    shipment_item_id: int
    order_line_id: int
    sku: str
    sku_as_sent: str
    upc: str | None
    description: str
    quantity: int
    shipped: int
    cancelled: int

    @property
    def open(self) -> int:
        """What is still to ship."""
        return self.quantity - self.shipped - self.cancelled


_HEAD = """s.id, s.facility_id, s.state, s.created_at, s.order_id, o.channel_refnum,
    c.name, o.gift_message, o.ship_service_code"""
_JOINS = "JOIN orders_order o ON o.id = s.order_id JOIN channels_channel c ON c.id = o.channel_id"


def shipment_page(
    *, facility_id: int | None, statuses: Sequence[str], ids: Sequence[int] | None, after: int, limit: int
) -> list[ShipmentHead]:
    """Return facilities' shipments by id. Each facility and status is read from its own place in the index."""
    rows = fetch(
        f"""SELECT {_HEAD} FROM (
             SELECT s.* FROM stock_facility f CROSS JOIN unnest(%(statuses)s::text[]) AS w (state) CROSS JOIN LATERAL (
               SELECT * FROM fulfilment_shipment WHERE facility_id = f.id AND state = w.state AND id > %(after)s
                 AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)) ORDER BY id LIMIT %(limit)s) s
             WHERE %(facility)s::bigint IS NULL OR f.id = %(facility)s ORDER BY s.id LIMIT %(limit)s) s {_JOINS}
           ORDER BY s.id""",  # noqa: S608 - constants of ours
        {
            "statuses": sorted(set(statuses)),
            "facility": facility_id,
            "ids": ids,
            "after": after,
            "limit": limit,
        },
    )
    return [ShipmentHead(*row) for row in rows]


def orders_of_shipments(*, shipment_ids: Collection[int], facility_id: int | None) -> set[int]:
    """Return the orders of facilities' shipments."""
    rows = fetch(
        """SELECT DISTINCT order_id FROM fulfilment_shipment WHERE id = ANY(%s) AND facility_id IS NOT NULL
           AND (%s::bigint IS NULL OR facility_id = %s)""",
        [sorted(set(shipment_ids)), facility_id, facility_id],
    )
    return {row[0] for row in rows}


def shipments_by_id(*, shipment_ids: Collection[int], facility_id: int | None) -> Mapping[int, ShipmentHead]:
    """Return facilities' shipments; with `facility_id`, only that one's."""
    rows = fetch(
        f"""SELECT {_HEAD} FROM fulfilment_shipment s {_JOINS} WHERE s.id = ANY(%s) AND s.facility_id IS NOT NULL
           AND (%s::bigint IS NULL OR s.facility_id = %s)""",  # noqa: S608 - constants of ours
        [sorted(set(shipment_ids)), facility_id, facility_id],
    )
    return {row[0]: ShipmentHead(*row) for row in rows}


def shipment_lines(shipment_ids: Collection[int]) -> Mapping[int, Sequence[ShipmentLine]]:
    """Return the items of shipments, by shipment and in their order; one statement."""
    rows = fetch(
        """SELECT i.shipment_id, i.id, l.id, coalesce(k.code, l.sku_code), l.sku_code,
               (SELECT min(value) FROM catalog_skuidentifier WHERE sku_id = k.id AND kind = 'upc'),
               coalesce(nullif(l.description, ''), k.name, ''), i.quantity, i.shipped, i.cancelled
           FROM fulfilment_shipmentitem i JOIN orders_orderline l ON l.id = i.order_line_id
           LEFT JOIN catalog_sku k ON k.id = l.sku_id WHERE i.shipment_id = ANY(%s) ORDER BY i.shipment_id, i.id""",
        [sorted(set(shipment_ids))],
    )
    lines: dict[int, list[ShipmentLine]] = {shipment_id: [] for shipment_id in shipment_ids}
    for row in rows:
        lines[row[0]].append(ShipmentLine(*row))
    return lines
