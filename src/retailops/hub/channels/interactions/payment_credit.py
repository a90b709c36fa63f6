"""payment_credit: give money back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from retailops.contract.payment import (
    CreditRequest,
    PaymentCreditRequest,
    PaymentCreditResponse,
    PaymentTransaction,
)
from retailops.contract.replies import Reply
from retailops.contract.violations import ContractViolation, Violation
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Result
from retailops.hub.channels.interactions.packages import exact
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.interactions.transactions import (
    TransactionRow,
    finish,
    payments_of_orders,
    pending_transactions,
)
from retailops.hub.channels.models import Channel
from retailops.hub.payments.operations.record_transactions import TransactionResult
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass


class PaymentCredit(SubjectInteraction[PaymentCreditResponse]):
    """One refund a call; the channel answers with the transaction it made."""

    kind = "payment_credit"
    response = PaymentCreditResponse
    gone = "the refund is settled already"
    moves_money = True

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, PaymentCreditRequest]:
        """The amount, and what the order was paid with."""
        refunds = pending_transactions({subject_of(task) for task in tasks})
        parents: dict[int, list[PaymentTransaction]] = defaultdict(list)
        for row in payments_of_orders({row.order_id for row in refunds.values()}):
            parents[row.order_id].append(row.document)
        return {
            task.id: PaymentCreditRequest(
                **self.envelope(channels[task.queue_id]),
                credit=CreditRequest(
                    amount=exact(refund.amount), parent_payment_transactions=parents[refund.order_id]
                ),
            )
            for task in tasks
            if (refund := refunds.get(subject_of(task)))
        }

    def read(self, body: bytes) -> Reply[PaymentCreditResponse]:
        """A reply with neither amount nor status doesn't tell whether money has moved."""
        reply = super().read(body)
        if reply.payload.amount is None and reply.payload.status is None:
            raise ContractViolation(reply.violations or [Violation("amount", "is required and missing")])
        return reply

    def take(self, told: Sequence[Told[Reply[PaymentCreditResponse], None]]) -> Mapping[int, Result]:
        """Finish the refunds. After a timeout at the channel's processor it isn't known whether money has moved."""
        asked = pending_transactions({subject_of(each.tasks[0]) for each in told})
        finish(
            [(each, _finished(each.page.payload)) for each in told if each.page.payload.status != "timeout"]
        )
        return {
            each.tasks[0].id: _judge(each.page.payload, asked.get(subject_of(each.tasks[0]))) for each in told
        }


def _finished(made: PaymentCreditResponse) -> TransactionResult:
    state = "succeeded" if made.status in {None, "success"} else "failed"
    return TransactionResult(state, refnum=made.refnum or "", message=made.message or "")


def _judge(made: PaymentCreditResponse, asked: TransactionRow | None) -> Result:
    message = f"status {made.status}: {made.message or 'no reason given'}"
    if made.status == "timeout":
        return Result(OutcomeClass.UNKNOWN, message)
    if made.status not in {None, "success"}:
        return Result(OutcomeClass.REFUSED, message)
    if asked and made.amount is not None and made.amount != asked.amount:
        different = f"the channel says it credited {made.amount}; {exact(asked.amount)} {asked.currency} was asked for"
        return Result(OutcomeClass.OK_WITH_ERRORS, different)
    return Result()
