"""order_acknowledge: these orders are in the hub for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from retailops.contract.events import Event
from retailops.contract.order import OrderAcknowledgeRequest, OrderAcknowledgeResponse, OrderReference
from retailops.contract.replies import Reply
from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Result, find_errors, judge
from retailops.hub.channels.interactions.hear import Failure
from retailops.hub.channels.interactions.order_documents import order_refnums
from retailops.hub.channels.interactions.replies import ReplyInteraction, subject_of
from retailops.hub.channels.models import Channel
from retailops.hub.orders.operations.acknowledge_orders import acknowledge_orders
from retailops.hub.orders.queries import awaiting_pushes, ordered_skus
from retailops.hub.tasks.handlers import Built, Call
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.rules import OutcomeClass

#: How soon an acknowledgement that had to wait looks again.
HOLD_BACK_SECONDS = 0.05

#: Task id → the channel's name of its order.
Refnums = Mapping[int, str]


class OrderAcknowledge(ReplyInteraction[OrderAcknowledgeResponse, Refnums]):
    """Up to 100 orders in one call; each is judged by itself."""

    kind = "order_acknowledge"
    across_lanes = 100
    response = OrderAcknowledgeResponse

    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """Put the orders of a channel together. Those that failed before go in smaller calls: one of them may be why."""
        refnums = order_refnums({subject_of(task) for task in tasks})
        waiting = awaiting_pushes(refnums)
        known = [task for task in tasks if subject_of(task) in refnums and subject_of(task) not in waiting]
        return Built(
            calls=[
                self._call(channels[chunk[0].queue_id], chunk, {t.id: refnums[subject_of(t)] for t in chunk})
                for chunk in _chunks(known, self.across_lanes)
            ],
            settled=[
                *(
                    self.nothing_to_tell(t, "the order is gone")
                    for t in tasks
                    if subject_of(t) not in refnums
                ),
                *(self._hold_back(t) for t in tasks if subject_of(t) in waiting),
            ],
        )

    def take(self, told: Sequence[Told[Reply[OrderAcknowledgeResponse], Refnums]]) -> Mapping[int, Result]:
        """Acknowledge the orders that no error event names."""
        results: dict[int, Result] = {}
        accepted: dict[str, list[int]] = defaultdict(list)
        for each in told:
            of_call = _judge(each.tasks, each.detail, each.page.events)
            results |= of_call
            accepted[each.actor] += [
                subject_of(task)
                for task in each.tasks
                if of_call[task.id].outcome is not OutcomeClass.REFUSED
            ]
        for each in told:
            order_ids = accepted.pop(each.actor, [])
            acknowledge_orders(order_ids=order_ids, actor=each.actor)
            # Until now the channel took these units off by itself; from now on the number has to (decision 3).
            publish_inventory(sku_ids=ordered_skus(order_ids), only_channel=each.channel.id, force=True)
        return results

    def on_failure(self, failed: Told[Failure, Refnums]) -> Failure:
        """An order that the channel chokes on must not park the others: they are tried again in smaller calls."""
        failure, count = failed.page, len(failed.tasks)
        if failure.outcome is OutcomeClass.PERMANENT and count > 1:
            message = f"{failure.message} for {count} orders together; they are told in smaller calls next"
            return failure.judged(OutcomeClass.RETRYABLE, message)
        return failure

    def _hold_back(self, task: ClaimedTask) -> Settlement:
        """A push computed before the order was imported must not arrive after its acknowledgement (decision 3)."""
        return Settlement(
            task,
            OutcomeClass.OK,
            "waits for an inventory push in flight",
            again=True,
            retry_after=HOLD_BACK_SECONDS,
        )

    def _call(self, channel: Channel, tasks: Sequence[ClaimedTask], refnums: Refnums) -> Call:
        orders = [
            OrderReference(channel_order_refnum=refnums[task.id], retailops_order_id=task.subject_id)
            for task in tasks
        ]
        return self.call(
            channel, tasks, OrderAcknowledgeRequest(**self.envelope(channel), orders=orders), refnums
        )


def _chunks(tasks: Sequence[ClaimedTask], most: int) -> Iterator[list[ClaimedTask]]:
    """Tasks by queue and by how often they were tried: `most` at first, a tenth of that after each failure."""
    groups: dict[tuple[int, int], list[ClaimedTask]] = defaultdict(list)
    for task in tasks:
        size = max(1, most // 10 ** min(task.attempts - 1, 9))
        groups[task.queue_id, size].append(task)
    for (_, size), group in groups.items():
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _judge(tasks: Sequence[ClaimedTask], refnums: Refnums, events: Sequence[Event]) -> dict[int, Result]:
    if len(tasks) == 1:
        return {tasks[0].id: judge(events)}
    names = {
        task.id: (("order_refnum", refnums[task.id]), ("order_id", str(task.subject_id))) for task in tasks
    }
    errors = find_errors(events, {name for of_task in names.values() for name in of_task})
    # An error that names no order says nothing certain about any. If one was not taken in, the channel offers it again.
    others = Result(OutcomeClass.OK_WITH_ERRORS, errors.rest) if errors.rest else Result()
    return {
        task.id: Result(OutcomeClass.REFUSED, message)
        if (message := errors.about(*names[task.id]))
        else others
        for task in tasks
    }
