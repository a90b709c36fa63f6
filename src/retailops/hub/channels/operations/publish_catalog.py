"""Tell channels of products that were changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retailops.hub.db import execute, unit_of_work
from retailops.hub.tasks.operations.enqueue_selected import enqueue_selected

CATALOG_PUSH = "catalog_push"

_PUSHES = """SELECT DISTINCT c.queue_id, 'catalog:' || c.id AS lane, 'catalog_push' AS kind, 'product:' || s.product_id AS key,
      s.product_id AS subject_id
    FROM catalog_listing l JOIN catalog_sku s ON s.id = l.sku_id
    JOIN channels_channel c ON c.id = l.channel_id AND 'catalog_push' = ANY(c.capabilities)
    WHERE l.enabled AND {which}"""
_MARK = """UPDATE catalog_listing l SET push_state = 'pending', push_message = '' FROM catalog_sku s
    WHERE s.id = l.sku_id AND l.enabled AND {which}"""
_OF_PRODUCTS = (
    "s.product_id = ANY(%(products)s) AND (%(channel)s::bigint IS NULL OR l.channel_id = %(channel)s)"
)
_OF_CHANNELS = "l.channel_id = ANY(%(channels)s)"


@unit_of_work
def publish_catalog(*, product_ids: Collection[int], channel_id: int | None = None) -> int:
    """Queue a push of products to each channel that lists a SKU of theirs, or to one; return how many were queued."""
    return _publish(_OF_PRODUCTS, {"products": sorted(set(product_ids)), "channel": channel_id})


@unit_of_work
def publish_whole_catalog(*, channel_ids: Collection[int]) -> int:
    """Queue a push of all products to channels that list them; return how many were queued."""
    return _publish(_OF_CHANNELS, {"channels": sorted(channel_ids)})


def _publish(which: str, params: Mapping[str, object]) -> int:
    # Queue first, mark after: see `note_pushed`.
    queued = enqueue_selected(_PUSHES.format(which=which), params, payload={})
    execute(_MARK.format(which=which), params)
    return queued
