"""The picture that routing decides on, read under locks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import groupby

from retailops.hub.catalog.queries import components_of
from retailops.hub.db import fetch
from retailops.hub.purchasing.queries import vendor_offers
from retailops.hub.routing.rules import FacilitySource, OpenLine, OpenOrder, Rule, StockPicture, VendorSource


def active_rules() -> list[Rule]:
    """Return the active rules by position."""
    rows = fetch(
        """SELECT r.id,
               ARRAY(SELECT channel_id FROM routing_routingrule_channels m WHERE m.routingrule_id = r.id),
               ship_service_codes, countries, minimum_total, maximum_total, sources,
               ARRAY(SELECT facilitygroup_id FROM routing_routingrule_facility_groups m WHERE m.routingrule_id = r.id),
               ARRAY(SELECT vendor_id FROM routing_routingrule_vendors m WHERE m.routingrule_id = r.id), sort, split
           FROM routing_routingrule r WHERE status = 'active' ORDER BY position, id"""
    )
    return [
        Rule(
            id=row[0], channels=frozenset(row[1]), ship_service_codes=frozenset(row[2]),
            countries=frozenset(country.casefold() for country in row[3]), minimum_total=row[4], maximum_total=row[5],
            sources=row[6], facility_groups=frozenset(row[7]), vendors=frozenset(row[8]), sort=row[9], split=row[10],
        )
        for row in rows
    ]  # fmt: skip


def open_orders(order_ids: Collection[int]) -> list[OpenOrder]:
    """Return orders with the lines that have open units."""
    rows = fetch(
        """SELECT o.id, o.channel_id, o.ship_service_code, coalesce(a.country, ''), o.grand_total, l.id, l.sku_id, l.open,
               ARRAY(SELECT x.facility_id FROM fulfilment_sourceexclusion x
                     WHERE x.order_line_id = l.id AND x.facility_id IS NOT NULL),
               ARRAY(SELECT x.vendor_id FROM fulfilment_sourceexclusion x
                     WHERE x.order_line_id = l.id AND x.vendor_id IS NOT NULL)
           FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
           LEFT JOIN orders_orderaddress a ON a.order_id = o.id AND a.kind = 'shipping'
           WHERE o.id = ANY(%s) AND l.open > 0 AND l.item_type = 'ship' ORDER BY o.id, l.position""",
        [list(order_ids)],
    )
    allowed = _facilities_of_channels()
    orders = []
    for (order_id, channel_id, service, country, total), of_order in groupby(rows, key=lambda row: row[:5]):
        lines = [OpenLine(row[5], row[6], row[7], frozenset(row[8]), frozenset(row[9])) for row in of_order]
        orders.append(
            OpenOrder(order_id, channel_id, service, country, total, lines, allowed.get(channel_id))
        )
    return orders


def _facilities_of_channels() -> dict[int, frozenset[int]]:
    """Return the facilities of channels that are restricted to some."""
    facilities: dict[int, set[int]] = defaultdict(set)
    for channel_id, facility_id in fetch("SELECT channel_id, facility_id FROM channels_channel_facilities"):
        facilities[channel_id].add(facility_id)
    return {channel_id: frozenset(ids) for channel_id, ids in facilities.items()}


def lock_stock(sku_ids: Collection[int]) -> StockPicture:
    """Lock the stock levels of SKUs (kits: of their components), then the vendor SKUs, and return what is free."""
    parts = components_of(sku_ids)
    components = sorted({sku_id for of_sku in parts.values() for sku_id, _ in of_sku})
    facilities = _facilities()
    levels = fetch(
        """SELECT l.facility_id, l.sku_id, l.on_hand - l.allocated FROM stock_stocklevel l
           WHERE l.sku_id = ANY(%s) AND l.facility_id = ANY(%s)
           ORDER BY l.sku_id, l.facility_id FOR NO KEY UPDATE""",
        [components, list(facilities)],
    )
    offers: dict[int, list[VendorSource]] = defaultdict(list)
    offered: dict[int, int] = {}
    for offer in vendor_offers(sku_ids=sku_ids, lock=True):
        offered[offer.vendor_sku_id] = offer.available
        offers[offer.sku_id].append(
            VendorSource(
                offer.vendor_id,
                offer.vendor_sku_id,
                offer.sku_id,
                offer.priority,
                offer.cost,
                offer.currency,
                offer.stale,
            )
        )
    return StockPicture(
        facilities=list(facilities.values()),
        offers=offers,
        parts=parts,
        free={(row[0], row[1]): row[2] - facilities[row[0]].safety_stock for row in levels},
        offered=offered,
        carried={(row[0], row[1]) for row in levels},
    )


def _facilities() -> dict[int, FacilitySource]:
    rows = fetch(
        """SELECT f.id, f.priority, f.unit_cost, f.safety_stock,
               ARRAY(SELECT facilitygroup_id FROM stock_facility_groups g WHERE g.facility_id = f.id)
           FROM stock_facility f WHERE f.enabled ORDER BY f.id"""
    )
    return {row[0]: FacilitySource(row[0], row[1], row[2], row[3], frozenset(row[4])) for row in rows}
