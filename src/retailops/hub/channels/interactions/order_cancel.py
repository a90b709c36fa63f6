"""order_cancel: nothing of the order will ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.contract.order import OrderCancelRequest, OrderCancelResponse, OrderReference
from retailops.hub.channels.interactions.order_documents import order_refnums
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.models import Channel
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask


class OrderCancel(SubjectInteraction[OrderCancelResponse]):
    """A channel that answers status fail keeps the order; a person has to look."""

    kind = "order_cancel"
    response = OrderCancelResponse
    gone = "the order is gone"

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, OrderCancelRequest]:
        """Only the order's names."""
        subjects = {subject_of(task) for task in tasks}
        refnums = order_refnums(subjects)
        return {
            task.id: OrderCancelRequest(
                **self.envelope(channels[task.queue_id]),
                order=OrderReference(channel_order_refnum=refnums[order_id], retailops_order_id=order_id),
            )
            for task in tasks
            if (order_id := subject_of(task)) in refnums
        }
