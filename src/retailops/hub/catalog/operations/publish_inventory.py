"""Tell channels that the available quantity of SKUs may have changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from retailops.hub.db import Row, fetch
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

INVENTORY_PUSH = "inventory_push"


def publish_inventory(
    *,
    sku_ids: Collection[int],
    only_channel: int | None = None,
    except_channel: int | None = None,
    force: bool = False,
) -> None:
    """Queue an inventory push for each listing of these SKUs, and of the kits made of them.

    What is sent is computed when it is sent; many changes of one SKU make one push. `force` sends it even if the
    quantity is the one last published. Call it last in an operation: the push lane of each channel stays locked until
    the commit.
    """
    if not sku_ids:
        return
    rows = fetch(
        """SELECT c.queue_id, c.id, l.id FROM catalog_listing l JOIN channels_channel c ON c.id = l.channel_id
           WHERE l.enabled AND 'inventory_push' = ANY(c.capabilities)
             AND (%(only)s::bigint IS NULL OR c.id = %(only)s) AND c.id IS DISTINCT FROM %(except)s::bigint
             AND l.sku_id IN (
             SELECT unnest(%(skus)s::bigint[])
             UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(skus)s))
           ORDER BY l.id""",
        {"skus": sorted(set(sku_ids)), "only": only_channel, "except": except_channel},
    )
    _enqueue(rows, force=force)


def publish_listings(*, listing_ids: Collection[int]) -> None:
    """Queue an inventory push for listings that the channel has just learned of, whatever was told of them before."""
    rows = fetch(
        """SELECT c.queue_id, c.id, l.id FROM catalog_listing l JOIN channels_channel c ON c.id = l.channel_id
           WHERE l.id = ANY(%s) AND l.enabled AND 'inventory_push' = ANY(c.capabilities) ORDER BY l.id""",
        [sorted(listing_ids)],
    )
    _enqueue(rows, force=True)


def _enqueue(rows: Sequence[Row], *, force: bool) -> None:
    enqueue_tasks(
        [
            NewTask(
                queue_id,
                f"inventory:{channel_id}",
                INVENTORY_PUSH,
                f"listing:{listing_id}",
                listing_id,
                payload={"force": True} if force else {},
            )
            for queue_id, channel_id, listing_id in rows
        ]
    )
