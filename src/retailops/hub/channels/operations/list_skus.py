"""Offer SKUs on a channel."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.audit.operations.record import record
from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.channels.operations.publish_catalog import publish_catalog
from retailops.hub.db import fetch, unit_of_work


@unit_of_work
def list_skus_on_channel(
    *, channel_id: int, sku_ids: Collection[int], actor: str, buffer: int = 0
) -> list[int]:
    """List SKUs and queue the push of their products, then of their quantities; return the listings that are new.

    A SKU that is listed already is left as it is, and told again.
    """
    ids = sorted(set(sku_ids))
    rows = fetch(
        """INSERT INTO catalog_listing (channel_id, sku_id, buffer) SELECT %s, id, %s FROM unnest(%s::bigint[]) AS s (id)
           ON CONFLICT (channel_id, sku_id) DO NOTHING RETURNING id""",
        [channel_id, buffer, ids],
    )
    listing_ids = sorted(row[0] for row in rows)
    products = fetch("SELECT DISTINCT product_id FROM catalog_sku WHERE id = ANY(%s)", [ids])
    publish_catalog(product_ids=[row[0] for row in products], channel_id=channel_id)
    record(
        actor=actor,
        action="listing.create",
        subject=f"channel:{channel_id}",
        data={"listings": len(listing_ids)},
    )
    publish_inventory(sku_ids=ids)
    return listing_ids
