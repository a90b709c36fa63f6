"""The hub's own work: kinds of task that call nobody."""

from __future__ import annotations

import time
from typing import ClassVar

from retailops.hub.db import unit_of_work
from retailops.hub.orders.operations.hold_orders import resolve_unknown_skus
from retailops.hub.orders.operations.wake_routing import (
    ROUTE_ORDERS,
    WAKE_BACKORDERS,
    skus_to_wake,
    wake_backorders,
)
from retailops.hub.routing.operations.route_orders import route_due_orders
from retailops.hub.tasks.handlers import JobHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.keep_schedules import prune_history
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.rules import OutcomeClass

ORDERS_AT_ONCE = 100
#: A job gives its lane back after this long, so that leases stay short and stopping is quick.
TURN_SECONDS = 5.0
KEEP_TASKS_DAYS = 90


class RouteOrders(JobHandler):
    """Routes all orders that are due."""

    kind: ClassVar[str] = ROUTE_ORDERS

    def run(self, task: ClaimedTask) -> Settlement:
        """Route batch after batch until nothing is due."""
        started = time.monotonic()
        while route_due_orders(limit=ORDERS_AT_ONCE, actor="system").orders:
            if time.monotonic() - started > TURN_SECONDS:
                return Settlement(task, OutcomeClass.OK, again=True)
        return Settlement(task, OutcomeClass.OK)


class WakeBackorders(JobHandler):
    """Has orders routed again that wait for units that were freed."""

    kind: ClassVar[str] = WAKE_BACKORDERS

    def run(self, task: ClaimedTask) -> Settlement:
        """Wake those that wait for the SKUs of the payload."""
        unit_of_work(wake_backorders)(sku_ids=skus_to_wake(task.payload))
        return Settlement(task, OutcomeClass.OK)


class PruneHistory(JobHandler):
    """Deletes finished tasks that are older than anybody asks for."""

    kind: ClassVar[str] = "prune_history"

    def run(self, task: ClaimedTask) -> Settlement:
        """Delete one batch, and come back for the next."""
        deleted = prune_history(keep_days=KEEP_TASKS_DAYS)
        return Settlement(task, OutcomeClass.OK, f"{deleted} deleted", again=deleted > 0)


class ResolveUnknownSkus(JobHandler):
    """Gives orders the SKUs that the catalog has learned since they came in."""

    kind: ClassVar[str] = "resolve_unknown_skus"

    def run(self, task: ClaimedTask) -> Settlement:
        """Release the orders whose SKUs are all known now."""
        return Settlement(
            task, OutcomeClass.OK, f"{len(resolve_unknown_skus(actor='system'))} orders released"
        )


JOB_HANDLERS = {
    handler.kind: handler
    for handler in (RouteOrders(), WakeBackorders(), PruneHistory(), ResolveUnknownSkus())
}
