"""Available to sell (ATS), read when it is asked for: never stored, so never out of step with the stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from retailops.hub.availability.rules import Available, Source, kit_sources
from retailops.hub.availability.rules import available_to_sell as add_up
from retailops.hub.catalog.queries import components_of
from retailops.hub.db import fetch
from retailops.hub.purchasing.queries import vendor_offers


@dataclass(frozen=True, slots=True)
class _Listing:
    id: int
    channel_id: int
    sku_id: int
    kit: bool
    enabled: bool
    buffer: int
    maximum: int | None
    use_vendors: bool
    use_inflight: bool


def available_to_sell(*, listing_ids: Collection[int]) -> dict[int, Available]:
    """Return what each listing may show now, in a number of statements that doesn't grow with listings.

    internal: on hand − allocated − the facility's safety stock, over the facilities allowed for the channel;
    external: vendors' advice, netted and aged; inflight: what reorder POs still bring, where the channel wants it;
    less open demand (units ordered anywhere and not yet routed) and the listing's buffer, up to its maximum.
    """
    listings = [
        _Listing(*row)
        for row in fetch(
            """SELECT l.id, l.channel_id, l.sku_id, s.kit, l.enabled AND s.active, l.buffer, l.max_published,
                   c.use_vendor_stock, c.use_inflight_stock
               FROM catalog_listing l JOIN catalog_sku s ON s.id = l.sku_id JOIN channels_channel c ON c.id = l.channel_id
               WHERE l.id = ANY(%s)""",
            [sorted(set(listing_ids))],
        )
    ]
    sku_ids = {listing.sku_id for listing in listings}
    parts = components_of(sku_ids)
    stocked = sorted(sku_ids | {sku_id for of_sku in parts.values() for sku_id, _ in of_sku})
    allowed = _allowed_facilities({listing.channel_id for listing in listings})
    internal = _internal(stocked)
    external = _external(sku_ids)
    inflight = _inflight(stocked) if any(listing.use_inflight for listing in listings) else {}
    demand = _open_demand(stocked)

    def own(listing: _Listing, sku_id: int) -> list[Source]:
        facilities = allowed.get(listing.channel_id)
        return [
            source
            for facility, source in internal.get(sku_id, ())
            if facilities is None or facility in facilities
        ]

    found = {}
    for listing in listings:
        if not listing.enabled:
            found[listing.id] = Available(0)
            continue
        if listing.kit:
            components = [
                (_less_demand(own(listing, sku_id), demand.get(sku_id, 0)), per_kit)
                for sku_id, per_kit in parts.get(listing.sku_id, ())
            ]
            sources = kit_sources(components)
            open_demand = 0
        else:
            sources = own(listing, listing.sku_id)
            open_demand = demand.get(listing.sku_id, 0)
        sources += external.get(listing.sku_id, []) if listing.use_vendors else []
        sources += inflight.get(listing.sku_id, []) if listing.use_inflight else []
        found[listing.id] = add_up(
            sources, open_demand=open_demand, buffer=listing.buffer, maximum=listing.maximum
        )
    return found


def _less_demand(sources: list[Source], demand: int) -> list[Source]:
    """Take the open demand for a component off its sources before kits are counted."""
    return list(add_up(sources, open_demand=demand, buffer=0, maximum=None).details)


def _allowed_facilities(channel_ids: Collection[int]) -> Mapping[int, set[int]]:
    rows = fetch(
        "SELECT channel_id, facility_id FROM channels_channel_facilities WHERE channel_id = ANY(%s)",
        [sorted(channel_ids)],
    )
    allowed: dict[int, set[int]] = defaultdict(set)
    for channel_id, facility_id in rows:
        allowed[channel_id].add(facility_id)
    return allowed


def _internal(sku_ids: Collection[int]) -> Mapping[int, list[tuple[int, Source]]]:
    rows = fetch(
        """SELECT l.sku_id, f.id, f.name, l.on_hand - l.allocated - f.safety_stock, l.on_hand
           FROM stock_stocklevel l JOIN stock_facility f ON f.id = l.facility_id AND f.enabled
           WHERE l.sku_id = ANY(%s) ORDER BY l.sku_id, f.priority, f.id""",
        [list(sku_ids)],
    )
    internal: dict[int, list[tuple[int, Source]]] = defaultdict(list)
    for sku_id, facility_id, name, available, total in rows:
        internal[sku_id].append(
            (facility_id, Source("internal", available, total, facility_name=name, facility_id=facility_id))
        )
    return internal


def _external(sku_ids: Collection[int]) -> Mapping[int, list[Source]]:
    external: dict[int, list[Source]] = defaultdict(list)
    for offer in vendor_offers(sku_ids=sku_ids):
        external[offer.sku_id].append(
            Source("external", offer.available, offer.advised, vendor_name=offer.vendor_name)
        )
    return external


def _inflight(sku_ids: Collection[int]) -> Mapping[int, list[Source]]:
    rows = fetch(
        """SELECT vs.sku_id, f.name, v.name, po.number, po.estimated_ship_date, sum(i.quantity - i.shipped - i.cancelled)::int
           FROM purchasing_poitem i JOIN purchasing_purchaseorder po ON po.id = i.po_id AND po.kind = 'reorder'
             AND po.state IN ('submitted', 'accepted')
           JOIN purchasing_vendorsku vs ON vs.id = i.vendor_sku_id JOIN purchasing_vendor v ON v.id = vs.vendor_id
           JOIN stock_facility f ON f.id = po.facility_id
           WHERE vs.sku_id = ANY(%s) AND i.quantity > i.shipped + i.cancelled
           GROUP BY vs.sku_id, f.name, v.name, po.number, po.estimated_ship_date ORDER BY po.number""",
        [list(sku_ids)],
    )
    inflight: dict[int, list[Source]] = defaultdict(list)
    for sku_id, facility, vendor, number, date, units in rows:
        inflight[sku_id].append(Source("inflight", units, units, facility, vendor, number, date))
    return inflight


def _open_demand(sku_ids: Collection[int]) -> Mapping[int, int]:
    """Return units that are ordered and not routed, by SKU; what is open of a kit counts for its components."""
    rows = fetch(
        """SELECT d.sku_id, sum(d.units)::bigint FROM (
             SELECT l.sku_id, l.open AS units FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
             WHERE l.sku_id = ANY(%(skus)s) AND l.open > 0 AND o.cancelled_at IS NULL
             UNION ALL
             SELECT k.component_id, l.open * k.quantity FROM catalog_kitcomponent k
             JOIN orders_orderline l ON l.sku_id = k.kit_id AND l.open > 0 JOIN orders_order o ON o.id = l.order_id
             WHERE k.component_id = ANY(%(skus)s) AND o.cancelled_at IS NULL) d
           GROUP BY d.sku_id""",
        {"skus": list(sku_ids)},
    )
    return {row[0]: row[1] for row in rows}
