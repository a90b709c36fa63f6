"""Payment transactions as the channel is told of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.contract.payment import PaymentTransaction
from retailops.hub.channels.interactions.base import Detail, Page, Told
from retailops.hub.channels.interactions.packages import exact
from retailops.hub.channels.interactions.replies import subject_of
from retailops.hub.db import fetch
from retailops.hub.payments.operations.record_transactions import TransactionResult, finish_transactions

#: What the contract of 2022 can name; other types are left out.
_PROCESSING_TYPES = {"channel_payment", "channel_giftcert"}


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A payment transaction of the hub."""

    id: int
    order_id: int
    kind: str
    amount: Decimal
    currency: str
    payment_type: str
    processing_type: str
    refnum: str

    @property
    def document(self) -> PaymentTransaction:
        """In the contract's words: a refund is a credit."""
        return PaymentTransaction.model_validate(
            {
                "transaction_type": "credit" if self.kind == "refund" else self.kind,
                "payment_type": self.payment_type,
                "payment_processing_type": self.processing_type
                if self.processing_type in _PROCESSING_TYPES
                else None,
                "amount": exact(self.amount),
                "refnum": self.refnum or None,
            }
        )


def pending_transactions(ids: Collection[int]) -> dict[int, TransactionRow]:
    """Those of the transactions that have no outcome yet."""
    rows = _load("id = ANY(%s) AND state = 'pending'", ids)
    return {row.id: row for row in rows}


def payments_of_orders(order_ids: Collection[int]) -> list[TransactionRow]:
    """What orders were paid with: the transactions that brought money in."""
    return _load(
        "order_id = ANY(%s) AND state = 'succeeded' AND kind IN ('auth', 'charge', 'capture')", order_ids
    )


def _load(condition: str, ids: Collection[int]) -> list[TransactionRow]:
    rows = fetch(
        f"""SELECT id, order_id, kind, amount, currency, payment_type, processing_type, refnum
            FROM payments_paymenttransaction WHERE {condition} ORDER BY id""",  # noqa: S608 - ours
        [sorted(set(ids))],
    )
    return [TransactionRow(*row) for row in rows]


def finish(finished: Sequence[tuple[Told[Page, Detail], TransactionResult]]) -> None:
    """Store what became of the transaction that each call was about."""
    by_channel: dict[str, dict[int, TransactionResult]] = defaultdict(dict)
    for told, result in finished:
        by_channel[told.actor][subject_of(told.tasks[0])] = result
    for actor, results in sorted(by_channel.items()):
        finish_transactions(results=results, actor=actor)
