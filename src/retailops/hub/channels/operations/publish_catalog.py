"""Tell channels of products that were changed."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import execute, fetch, unit_of_work
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

CATALOG_PUSH = "catalog_push"


@unit_of_work
def publish_catalog(*, product_ids: Collection[int], channel_id: int | None = None) -> int:
    """Queue a push of products to each channel that lists a SKU of theirs, or to one; return how many were queued."""
    ids = sorted(set(product_ids))
    rows = fetch(
        """SELECT DISTINCT c.queue_id, c.id, s.product_id
           FROM catalog_sku s JOIN catalog_listing l ON l.sku_id = s.id AND l.enabled
           JOIN channels_channel c ON c.id = l.channel_id AND 'catalog_push' = ANY(c.capabilities)
           WHERE s.product_id = ANY(%s) AND (%s::bigint IS NULL OR c.id = %s) ORDER BY c.id, s.product_id""",
        [ids, channel_id, channel_id],
    )
    # Queue first, mark after: see `note_pushed`.
    enqueue_tasks(
        [
            NewTask(queue_id, f"catalog:{channel}", CATALOG_PUSH, f"product:{product_id}", product_id)
            for queue_id, channel, product_id in rows
        ]
    )
    execute(
        """UPDATE catalog_listing l SET push_state = 'pending', push_message = '' FROM catalog_sku s
           WHERE s.id = l.sku_id AND s.product_id = ANY(%s) AND l.enabled AND (%s::bigint IS NULL OR l.channel_id = %s)""",
        [ids, channel_id, channel_id],
    )
    return len(rows)
