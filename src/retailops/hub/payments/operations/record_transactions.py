"""The one writer of payment transactions' outcomes and of an order's payment sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.db import columns_of, execute, fetch, unit_of_work
from retailops.hub.orders.operations.count_lines import lock_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.rules import IncomingOrder
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

NOT_COUNTED = "not counted: more than was captured"


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """`state` is succeeded or failed."""

    state: str
    refnum: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money the channel gave back."""

    amount: Decimal
    processing_type: str = ""
    refnum: str = ""


class RefundError(Exception):
    """More was to be given back than was captured."""


def record_incoming(*, orders: Mapping[int, IncomingOrder]) -> None:
    """Record the payments that new orders (id → order) brought along. Orders without any have no payment sums."""
    rows = [
        (
            order_id, payment.kind, payment.state, payment.amount, order.currency, payment.payment_type,
            payment.processing_type, payment.refnum, payment.message[:500], f"pull:{order_id}:{position}",
        )
        for order_id, order in orders.items()
        for position, payment in enumerate(order.payments)
    ]  # fmt: skip
    if not rows:
        return
    execute(
        """INSERT INTO payments_paymenttransaction (order_id, kind, state, amount, currency, payment_type, processing_type,
               refnum, message, key, settled_at)
           SELECT *, now() FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::text[],
               %s::text[], %s::text[], %s::text[], %s::text[]) ON CONFLICT (key) DO NOTHING""",
        columns_of(rows, 10),
    )
    _sum_up({order_id for order_id, order in orders.items() if order.payments})


@unit_of_work
def finish_transactions(*, results: Mapping[int, TransactionResult], actor: str) -> None:
    """Store what became of pending transactions (id → result). One that has an outcome already keeps it."""
    # The sums are added up anew: two outcomes at once would each leave the other out.
    orders = fetch("SELECT order_id FROM payments_paymenttransaction WHERE id = ANY(%s)", [sorted(results)])
    lock_orders({row[0] for row in orders})
    rows = fetch(
        """UPDATE payments_paymenttransaction t SET state = r.state, refnum = r.refnum, message = r.message,
               settled_at = now()
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS r (id, state, refnum, message)
           WHERE t.id = r.id AND t.state = 'pending' RETURNING t.order_id, t.kind, t.state, t.amount""",
        columns_of(
            [(tx, r.state, r.refnum[:255], r.message[:500]) for tx, r in sorted(_capped(results).items())], 4
        ),
    )
    _sum_up({row[0] for row in rows})
    log_events([(row[0], f"{row[1]}_{row[2]}", {"amount": str(row[3])}) for row in rows], actor=actor)


def _capped(results: Mapping[int, TransactionResult]) -> dict[int, TransactionResult]:
    """Don't count refunds beyond what was captured: others may have been reported since they were asked for."""
    rows = fetch(
        """SELECT t.id, t.order_id, t.amount, p.captured - p.refunded FROM payments_paymenttransaction t
           JOIN payments_payment p ON p.order_id = t.order_id
           WHERE t.id = ANY(%s) AND t.kind = 'refund' AND t.state = 'pending' ORDER BY t.id""",
        [sorted(results)],
    )
    capped = dict(results)
    room: dict[int, Decimal] = {}
    for transaction_id, order_id, amount, left in rows:
        room.setdefault(order_id, left)
        if results[transaction_id].state == "succeeded" and amount > room[order_id]:
            capped[transaction_id] = TransactionResult("failed", results[transaction_id].refnum, NOT_COUNTED)
        elif results[transaction_id].state == "succeeded":
            room[order_id] -= amount
    return capped


@unit_of_work
def record_refunds(*, order_id: int, refunds: Sequence[Refund], key_prefix: str, actor: str) -> None:
    """Record refunds that the channel reports, once for each key; what exceeds the captured money is not counted."""
    lock_orders([order_id])
    locked = fetch(
        "SELECT captured - refunded, currency FROM payments_payment WHERE order_id = %s FOR NO KEY UPDATE",
        [order_id],
    )
    if not locked:
        return
    room, currency = locked[0]
    rows = []
    for position, refund in enumerate(refunds):
        fits = 0 < refund.amount <= room
        room -= refund.amount if fits else 0
        message = "" if fits else NOT_COUNTED
        state = "succeeded" if fits else "failed"
        rows.append((order_id, state, abs(refund.amount), currency, refund.processing_type, refund.refnum, message,
                     f"{key_prefix}:{position}"))  # fmt: skip
    execute(
        """INSERT INTO payments_paymenttransaction (order_id, kind, state, amount, currency, processing_type, refnum,
               message, key, settled_at)
           SELECT order_id, 'refund', state, amount, currency, processing, refnum, message, key, now()
           FROM unnest(%s::bigint[], %s::text[], %s::numeric[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
             AS r (order_id, state, amount, currency, processing, refnum, message, key)
           ON CONFLICT (key) DO NOTHING""",
        columns_of(rows, 8),
    )
    _sum_up({order_id})
    log_events(
        [(order_id, "refunded", {"amount": str(row[2]), "state": row[1]}) for row in rows], actor=actor
    )


@unit_of_work
def request_refund(*, order_id: int, amount: Decimal, reason: str, key: str, actor: str) -> int | None:
    """Ask the channel to give money back (payment_credit) and return the transaction; `None` if `key` is known already.

    Raises `RefundError` if less than that was captured and not yet given back or promised.
    """
    rows = fetch(
        """SELECT p.currency, c.queue_id, p.captured - p.refunded - coalesce((SELECT sum(t.amount)
               FROM payments_paymenttransaction t WHERE t.order_id = p.order_id AND t.kind = 'refund'
                 AND t.state = 'pending'), 0), 'payment_credit' = ANY(c.capabilities)
           FROM payments_payment p JOIN orders_order o ON o.id = p.order_id JOIN channels_channel c ON c.id = o.channel_id
           WHERE p.order_id = %s FOR NO KEY UPDATE OF p""",
        [order_id],
    )
    currency, queue_id, room, capable = rows[0] if rows else ("", 0, Decimal(0), True)
    if not capable:
        message = "the channel does not take refund requests (payment_credit); refund there by hand"
        raise RefundError(message)
    if not 0 < amount <= room:
        message = f"{amount} can't be refunded: {room} {currency} was captured and not given back"
        raise RefundError(message)
    made = fetch(
        """INSERT INTO payments_paymenttransaction (order_id, kind, amount, currency, processing_type, message, key)
           VALUES (%s, 'refund', %s, %s, 'channel_payment', %s, %s) ON CONFLICT (key) DO NOTHING RETURNING id""",
        [order_id, amount, currency, reason[:500], key],
    )
    if not made:
        return None
    transaction_id = int(made[0][0])
    log_events([(order_id, "refund_requested", {"amount": str(amount), "reason": reason})], actor=actor)
    enqueue_tasks(
        [
            NewTask(
                queue_id,
                f"order:{order_id}",
                "payment_credit",
                f"credit:{transaction_id}",
                transaction_id,
                order_id,
            )
        ]
    )
    return transaction_id


def _sum_up(order_ids: Collection[int]) -> None:
    """Recompute payment sums from the transactions that succeeded: the sums can't drift from them."""
    if not order_ids:
        return
    execute(
        """INSERT INTO payments_payment (order_id, currency, authorized, captured, refunded)
           SELECT o.id, o.currency,
             coalesce(sum(t.amount) FILTER (WHERE t.kind IN ('auth', 'charge')), 0),
             coalesce(sum(t.amount) FILTER (WHERE t.kind IN ('charge', 'capture')), 0),
             coalesce(sum(t.amount) FILTER (WHERE t.kind = 'refund'), 0)
           FROM orders_order o LEFT JOIN payments_paymenttransaction t ON t.order_id = o.id AND t.state = 'succeeded'
           WHERE o.id = ANY(%s) GROUP BY o.id
           ON CONFLICT (order_id) DO UPDATE SET authorized = excluded.authorized, captured = excluded.captured,
             refunded = excluded.refunded""",
        [sorted(order_ids)],
    )
