"""Tell of a facility whose settings were changed."""

from __future__ import annotations

from retailops.hub.catalog.operations.publish_inventory import publish_selected
from retailops.hub.db import fetch, unit_of_work
from retailops.hub.orders.operations.wake_routing import wake_routing

#: What changes how many units a facility offers, and which facility's come first.
OFFER_SETTINGS = frozenset({"enabled", "priority", "safety_stock"})

# A kit is made at one facility, of components that are there.
_SKUS = """SELECT sku_id FROM stock_stocklevel WHERE facility_id = %(facility)s
    UNION SELECT k.kit_id FROM stock_stocklevel s JOIN catalog_kitcomponent k ON k.component_id = s.sku_id
    WHERE s.facility_id = %(facility)s"""
_LISTINGS = """SELECT id FROM catalog_listing WHERE sku_id IN ({skus}) AND channel_id IN (
      SELECT channel_id FROM channels_channel_facilities WHERE facility_id = %(facility)s
      UNION SELECT id FROM channels_channel WHERE id NOT IN (SELECT channel_id FROM channels_channel_facilities))"""
_WAITING = """SELECT DISTINCT l.order_id FROM orders_orderline l JOIN stock_facility f ON f.id = %(facility)s AND f.enabled
    WHERE l.open > 0 AND l.item_type = 'ship' AND l.sku_id IN ({skus})"""


@unit_of_work
def publish_facility(*, facility_id: int) -> int:
    """Queue inventory pushes for what a facility stocks, and route the orders that wait for it; return how many pushes.

    Call it in the transaction that changed the facility, after the change: the push lanes stay locked until the commit.
    """
    given = {"facility": facility_id}
    wake_routing(order_ids=[row[0] for row in fetch(_WAITING.format(skus=_SKUS), given)])
    return publish_selected(_LISTINGS.format(skus=_SKUS), given)
