"""order_complete: nothing more will ship; what has not been shipped is to be cancelled in the channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.contract.order import OrderCompleteRequest, OrderCompleteResponse
from retailops.hub.channels.interactions.order_documents import order_documents
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.models import Channel
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask


class OrderComplete(SubjectInteraction[OrderCompleteResponse]):
    """Carries everything: items, what will never ship, all packages."""

    kind = "order_complete"
    response = OrderCompleteResponse
    gone = "the order is gone"

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, OrderCompleteRequest]:
        """The whole orders."""
        subjects = {subject_of(task) for task in tasks}
        orders = order_documents(subjects)
        return {
            task.id: OrderCompleteRequest(**self.envelope(channels[task.queue_id]), order=orders[order_id])
            for task in tasks
            if (order_id := subject_of(task)) in orders
        }
