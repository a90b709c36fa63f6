"""order_settle_payment: capture what was authorised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.contract.payment import OrderSettlePaymentRequest, OrderSettlePaymentResponse, Payment
from retailops.contract.replies import Reply
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Result
from retailops.hub.channels.interactions.order_documents import order_documents
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.interactions.transactions import finish, pending_transactions
from retailops.hub.channels.models import Channel
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.payments.operations.record_transactions import TransactionResult
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass


class OrderSettlePayment(SubjectInteraction[OrderSettlePaymentResponse]):
    """One transaction a call. A refusal fails the transaction and holds the order."""

    kind = "order_settle_payment"
    response = OrderSettlePaymentResponse
    gone = "the transaction is settled already"
    moves_money = True

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, OrderSettlePaymentRequest]:
        """Orders with the transaction that is to be captured."""
        transactions = pending_transactions({subject_of(task) for task in tasks})
        orders = order_documents({row.order_id for row in transactions.values()})
        return {
            task.id: OrderSettlePaymentRequest(
                **self.envelope(channels[task.queue_id]),
                order=orders[row.order_id],
                payment=Payment.model_validate(
                    {
                        "currency_code": row.currency,
                        "payment_series_id": row.id,
                        "payment_transactions": [row.document],
                    }
                ),
            )
            for task in tasks
            if (row := transactions.get(subject_of(task)))
        }

    def take(self, told: Sequence[Told[Reply[OrderSettlePaymentResponse], None]]) -> Mapping[int, Result]:
        """Finish the transactions; the contract has no other answer than an error event or none."""
        results = super().take(told)
        refused = {
            task_id: result.message
            for task_id, result in results.items()
            if result.outcome is OutcomeClass.REFUSED
        }
        finish([(each, _finished(refused.get(each.tasks[0].id))) for each in told])
        holds = {
            task.order_id: ("payment", f"the channel did not settle the payment: {refused[task.id]}")
            for each in told
            for task in each.tasks
            if task.order_id is not None and task.id in refused
        }
        if holds:
            place_holds(holds=holds, actor="system")
        return results


def _finished(refusal: str | None) -> TransactionResult:
    return TransactionResult("succeeded") if refusal is None else TransactionResult("failed", message=refusal)
