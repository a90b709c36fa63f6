"""order_returned: goods came back; the channel gives the money back and says how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.contract.replies import Reply
from retailops.contract.returns import OrderReturnedRequest, OrderReturnedResponse
from retailops.contract.violations import Violation
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Result
from retailops.hub.channels.interactions.order_documents import order_documents
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.interactions.return_documents import returns_by_id
from retailops.hub.channels.models import Channel
from retailops.hub.payments.operations.record_transactions import Refund, record_refunds
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass


class OrderReturned(SubjectInteraction[OrderReturnedResponse]):
    """One return a call."""

    kind = "order_returned"
    response = OrderReturnedResponse
    gone = "the return is gone"
    moves_money = True

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, OrderReturnedRequest]:
        """Returns with their orders."""
        returns = returns_by_id({subject_of(task) for task in tasks})
        orders = order_documents({each.order_id for each in returns.values()})
        return {
            task.id: OrderReturnedRequest(
                **self.envelope(channels[task.queue_id]), order=orders[each.order_id], return_=each.document
            )
            for task in tasks
            if (each := returns.get(subject_of(task)))
        }

    def violations(self, page: Reply[OrderReturnedResponse]) -> Sequence[Violation]:
        """Transactions that are no credits of a positive amount are not counted."""
        return [
            *page.violations,
            *(
                Violation("payment_transactions[]", "must be credits of a positive amount; ignored")
                for each in page.payload.payment_transactions or []
                if each.transaction_type != "credit" or not each.amount or each.amount < 0
            ),
        ]

    def take(self, told: Sequence[Told[Reply[OrderReturnedResponse], None]]) -> Mapping[int, Result]:
        """Record what the channel gave back: refunds, store credit."""
        results = dict(super().take(told))
        for each in told:
            task = each.tasks[0]
            refunds = _refunds(each.page.payload)
            if refunds and task.order_id is not None:
                record_refunds(
                    order_id=task.order_id,
                    refunds=refunds,
                    key_prefix=f"return:{subject_of(task)}",
                    actor=each.actor,
                )
            problems = _problems(each.page.payload)
            if problems and results[task.id].outcome is OutcomeClass.OK:
                results[task.id] = Result(OutcomeClass.OK_WITH_ERRORS, problems)
        return results


def _refunds(payload: OrderReturnedResponse) -> list[Refund]:
    """Refunds the channel made and the store credit it issued."""
    refunds = [
        Refund(each.amount, each.payment_processing_type or "", each.refnum or "")
        for each in payload.payment_transactions or []
        if each.transaction_type == "credit"
        and each.status in {None, "success"}
        and each.amount
        and each.amount > 0
    ]
    credit = payload.return_.channel_store_credit_amount if payload.return_ else None
    return [*refunds, Refund(credit, "channel_storecredit")] if credit and credit > 0 else refunds


def _problems(payload: OrderReturnedResponse) -> str:
    """Refunds that the channel tried and that did not come about."""
    return "; ".join(
        f"a refund of {each.amount} has status {each.status}: {each.message or 'no reason given'}"
        for each in payload.payment_transactions or []
        if each.status not in {None, "success"}
    )
