"""Tell of a vendor whose settings were changed."""

from __future__ import annotations

from retailops.hub.catalog.operations.publish_inventory import publish_selected
from retailops.hub.db import fetch, unit_of_work
from retailops.hub.orders.operations.wake_routing import wake_routing

#: What changes how many units a vendor's advice is good for.
OFFER_SETTINGS = frozenset({"enabled", "buffer", "fresh_hours", "expiry_hours", "feed_latency_seconds"})

_LISTINGS = """SELECT l.id FROM catalog_listing l JOIN channels_channel c ON c.id = l.channel_id AND c.use_vendor_stock
    WHERE l.sku_id IN (SELECT sku_id FROM purchasing_vendorsku WHERE vendor_id = %(vendor)s AND active)"""
_WAITING = """SELECT DISTINCT l.order_id FROM orders_orderline l
    JOIN purchasing_vendorsku s ON s.sku_id = l.sku_id AND s.active
    JOIN purchasing_vendor v ON v.id = s.vendor_id AND v.enabled
    WHERE v.id = %(vendor)s AND l.open > 0 AND l.item_type = 'ship'"""


@unit_of_work
def publish_vendor(*, vendor_id: int) -> int:
    """Queue inventory pushes for what a vendor ships, and route the orders that wait for it; return how many pushes.

    Call it in the transaction that changed the vendor, after the change: the push lanes stay locked until the commit.
    """
    given = {"vendor": vendor_id}
    wake_routing(order_ids=[row[0] for row in fetch(_WAITING, given)])
    return publish_selected(_LISTINGS, given)
