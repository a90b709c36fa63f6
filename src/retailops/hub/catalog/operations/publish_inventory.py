"""Tell channels that the available quantity of SKUs may have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retailops.hub.tasks.operations.enqueue_selected import enqueue_selected

INVENTORY_PUSH = "inventory_push"

_PUSHES = """SELECT c.queue_id, 'inventory:' || c.id AS lane, 'inventory_push' AS kind, 'listing:' || l.id AS key,
      l.id AS subject_id
    FROM catalog_listing l JOIN channels_channel c ON c.id = l.channel_id AND 'inventory_push' = ANY(c.capabilities)
    WHERE {which}"""
_OF_SKUS = _PUSHES.format(
    which="""l.enabled AND (%(only)s::bigint IS NULL OR c.id = %(only)s) AND c.id IS DISTINCT FROM %(except)s::bigint
      AND l.sku_id IN (
        SELECT unnest(%(skus)s::bigint[]) UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(skus)s))"""
)
_OF_LISTINGS = _PUSHES.format(which="l.id = ANY(%(listings)s) AND (l.enabled OR l.published_at IS NOT NULL)")


def publish_inventory(
    *,
    sku_ids: Collection[int],
    only_channel: int | None = None,
    except_channel: int | None = None,
    force: bool = False,
) -> int:
    """Queue an inventory push for each listing of these SKUs, and of the kits made of them; return how many.

    What is sent is computed when it is sent; many changes of one SKU make one push. `force` sends it even if the
    quantity is the one last published. Call it last in an operation: the push lane of each channel stays locked until
    the commit.
    """
    if not sku_ids:
        return 0
    params = {"skus": sorted(set(sku_ids)), "only": only_channel, "except": except_channel}
    return enqueue_selected(_OF_SKUS, params, payload={"force": True} if force else {})


def publish_listings(*, listing_ids: Collection[int]) -> int:
    """Queue an inventory push for listings whatever was told of them before; return how many.

    A listing that is switched off is told, too, as sold out, if the channel was ever told of it.
    """
    return enqueue_selected(_OF_LISTINGS, {"listings": sorted(listing_ids)}, payload={"force": True})


def publish_selected(listings: str, params: Mapping[str, object]) -> int:
    """Queue an inventory push for each enabled listing whose id the SQL query `listings` gives; return how many.

    For changes that touch more SKUs than should be fetched: those of a facility, a vendor, a channel.
    """
    return enqueue_selected(_PUSHES.format(which=f"l.enabled AND l.id IN ({listings})"), params, payload={})
