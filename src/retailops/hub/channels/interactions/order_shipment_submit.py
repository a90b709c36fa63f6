"""order_shipment_submit: a package has left the building."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.contract.shipment import OrderShipmentSubmitRequest, OrderShipmentSubmitResponse
from retailops.hub.channels.interactions.packages import packages_by_id, shipments
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.models import Channel
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask


class OrderShipmentSubmit(SubjectInteraction[OrderShipmentSubmitResponse]):
    """One package a call, under the shipment it belongs to."""

    kind = "order_shipment_submit"
    response = OrderShipmentSubmitResponse
    gone = "the package is gone"

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, OrderShipmentSubmitRequest]:
        """Packages with their items and the channel's code for how they travel."""
        packages = packages_by_id({subject_of(task) for task in tasks})
        return {
            task.id: OrderShipmentSubmitRequest(
                **self.envelope(channels[task.queue_id]),
                channel_order_refnum=package.order_refnum,
                retailops_order_id=package.order_id,
                shipment=shipments([package])[0],
            )
            for task in tasks
            if (package := packages.get(subject_of(task)))
        }
