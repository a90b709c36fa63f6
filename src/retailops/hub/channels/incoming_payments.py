"""From a channel's payment transactions to the hub's. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from retailops.contract.payment import PaymentTransaction
from retailops.hub.channels.problems import Problems
from retailops.hub.money import quantize
from retailops.hub.orders.rules import ZERO, IncomingPayment

#: A gift card has paid at once. Transactions without a type come from channels of the older schemas.
_KINDS = {
    "auth": "auth",
    "charge": "charge",
    "capture": "capture",
    "credit": "refund",
    "giftcard": "charge",
    None: "charge",
}


def map_payments(
    transactions: Sequence[PaymentTransaction], currency: str, problems: Problems
) -> list[IncomingPayment]:
    """Map transactions so that captured ≤ authorised and refunded ≤ captured hold whatever the channel says."""
    payments = []
    for index, transaction in enumerate(transactions):
        inside = problems.inside(f"payment_transactions[{index}]")
        if transaction.amount is None:
            inside.add("amount", "is missing; the transaction is left out")
            continue
        payments.append(
            IncomingPayment(
                kind=_KINDS[transaction.transaction_type],
                amount=inside.not_negative("amount", quantize(transaction.amount, currency)),
                state="succeeded" if transaction.status in {None, "success"} else "failed",
                payment_type=inside.fit("payment_type", transaction.payment_type, 255),
                processing_type=transaction.payment_processing_type or "",
                refnum=inside.fit("refnum", transaction.refnum, 255),
                message=transaction.message or "",
            )
        )
    return _balanced(payments, problems)


def _balanced(payments: Sequence[IncomingPayment], problems: Problems) -> list[IncomingPayment]:
    """Take a capture beyond what was authorised for a charge, and don't count a refund beyond what was captured."""
    authorized = _sum(payments, "auth")
    balanced = []
    for payment in payments:
        if payment.state == "succeeded" and payment.kind == "capture":
            if payment.amount > authorized:
                balanced.append(replace(payment, kind="charge"))
                continue
            authorized -= payment.amount
        balanced.append(payment)
    captured = _sum(balanced, "capture") + _sum(balanced, "charge")
    for index, payment in enumerate(balanced):
        if payment.state == "succeeded" and payment.kind == "refund":
            if payment.amount > captured:
                problems.add(
                    "payment_transactions", f"give back {payment.amount}, more than was captured; not counted"
                )
                balanced[index] = replace(
                    payment, state="failed", message="not counted: more than was captured"
                )
            else:
                captured -= payment.amount
    return balanced


def _sum(payments: Sequence[IncomingPayment], kind: str) -> Decimal:
    return sum((p.amount for p in payments if p.state == "succeeded" and p.kind == kind), ZERO)
