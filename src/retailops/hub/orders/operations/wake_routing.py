"""Ask for orders to be routed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from retailops.hub.db import execute, fetch
from retailops.hub.orders.operations.count_lines import lock_orders
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

ROUTE_ORDERS = "route_orders"
WAKE_BACKORDERS = "wake_backorders"
#: Routing runs in this many lanes side by side; they share the due orders by skipping each other's locks.
ROUTING_LANES = 2
_SKU = "sku:"


def wake_routing(*, order_ids: Collection[int]) -> None:
    """Mark orders as due for routing and queue the job that looks at them. Orders that can't be routed stay asleep."""
    if not order_ids:
        return
    due = execute(
        """UPDATE orders_order SET routing_due_at = now() WHERE id = ANY(%s) AND cancelled_at IS NULL
           AND status IN ('received', 'ready', 'backordered', 'partially_routed', 'partially_shipped')
           AND (acknowledged_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM channels_channel c
                WHERE c.id = channel_id AND 'order_acknowledge' = ANY(c.capabilities)))""",
        [lock_orders(order_ids)],
    )
    if due:
        queue_routing()


def queue_routing() -> None:
    """Queue the routing job in each of its lanes."""
    queue_id = hub_queue_id()
    enqueue_tasks([NewTask(queue_id, f"route:{lane}", ROUTE_ORDERS, "due") for lane in range(ROUTING_LANES)])


def hub_queue_id() -> int:
    """Return the queue of the hub's own work, which a migration creates."""
    return int(fetch("SELECT id FROM tasks_queue WHERE name = 'hub'")[0][0])


def wake_backorders(*, sku_ids: Collection[int]) -> None:
    """Route orders again that wait for units of these SKUs, or of kits made of them."""
    wake_routing(order_ids=backordered(sku_ids=sku_ids))


def wake_backorders_soon(*, sku_ids: Collection[int], besides: Collection[int]) -> None:
    """As `wake_backorders`, by a job: for callers who hold locks on levels, so that they may not wait for orders any more.

    The orders `besides` are the caller's own. The job's payload has a key for each SKU, so that jobs that wait become one.
    """
    if set(backordered(sku_ids=sku_ids)) - set(besides):
        payload = {f"{_SKU}{sku_id}": 1 for sku_id in sorted(set(sku_ids))}
        enqueue_tasks([NewTask(hub_queue_id(), "wake:0", WAKE_BACKORDERS, "due", payload=payload)])


def skus_to_wake(payload: Iterable[str]) -> set[int]:
    """Return the SKUs that the payload of a job of `wake_backorders_soon` names; the queue keeps notes of its own beside them."""
    return {int(key.removeprefix(_SKU)) for key in payload if key.startswith(_SKU)}


def backordered(*, sku_ids: Collection[int]) -> list[int]:
    """Return the orders that wait for units of these SKUs, or of kits made of them.

    Who is about to change the stock locks them before the levels, as orders come first everywhere; `wake_backorders`
    would else wait for an order that is being routed on those very levels.
    """
    if not sku_ids:
        return []
    rows = fetch(
        """SELECT DISTINCT order_id FROM orders_orderline WHERE open > 0 AND item_type = 'ship' AND sku_id IN (
             SELECT unnest(%(skus)s::bigint[])
             UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(skus)s))
           ORDER BY order_id""",
        {"skus": sorted(set(sku_ids))},
    )
    return [row[0] for row in rows]
