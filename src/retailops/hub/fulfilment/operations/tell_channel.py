"""Queue what the channel must hear about an order, in the order's own lane: nothing there overtakes."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import fetch
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks


def tell_packages(*, package_ids: Collection[int]) -> None:
    """Queue the submission of each package."""
    rows = fetch(
        """SELECT c.queue_id, s.order_id, p.id FROM fulfilment_package p JOIN fulfilment_shipment s ON s.id = p.shipment_id
           JOIN orders_order o ON o.id = s.order_id JOIN channels_channel c ON c.id = o.channel_id
           WHERE p.id = ANY(%s) AND 'order_shipment_submit' = ANY(c.capabilities) ORDER BY p.id""",
        [sorted(package_ids)],
    )
    enqueue_tasks(
        [
            NewTask(
                queue_id,
                f"order:{order_id}",
                "order_shipment_submit",
                f"package:{package_id}",
                package_id,
                order_id,
            )
            for queue_id, order_id, package_id in rows
        ]
    )


def tell_order(*, order_ids: Collection[int], kind: str, key: str) -> None:
    """Queue one interaction about whole orders: order_update, order_cancel or order_complete."""
    rows = fetch(
        """SELECT c.queue_id, o.id FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id
           WHERE o.id = ANY(%s) AND %s = ANY(c.capabilities) ORDER BY o.id""",
        [sorted(order_ids), kind],
    )
    enqueue_tasks(
        [NewTask(queue_id, f"order:{order_id}", kind, key, order_id, order_id) for queue_id, order_id in rows]
    )
