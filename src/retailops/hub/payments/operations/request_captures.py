"""Ask the channel for the money of what has shipped."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from itertools import groupby

from retailops.hub.db import columns_of, fetch
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.payments.rules import BilledLine, amount_due
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks


def request_captures(*, order_ids: Collection[int], actor: str) -> list[int]:
    """Queue a settlement for each order whose shipped goods are worth more than was captured; return the transactions.

    Follows the channel's policy (`settle_on`), never asks for more than was authorised, and counts what was asked for
    before, so that calling it again changes nothing. The caller holds the orders' locks.
    """
    due = [
        (order_id, amount, currency, queue_id)
        for order_id, amount, currency, queue_id in _due(order_ids)
        if amount > 0
    ]
    if not due:
        return []
    rows = fetch(
        """INSERT INTO payments_paymenttransaction (order_id, kind, state, amount, currency, payment_type, processing_type,
               key)
           SELECT order_id, 'capture', 'pending', amount, currency, 'capture', 'channel_payment',
               'capture:' || order_id || ':' || (SELECT count(*) FROM payments_paymenttransaction t
                 WHERE t.order_id = d.order_id AND t.kind = 'capture')
           FROM unnest(%s::bigint[], %s::numeric[], %s::text[]) AS d (order_id, amount, currency)
           ON CONFLICT (key) DO NOTHING RETURNING id, order_id""",
        columns_of([row[:3] for row in due], 3),
    )
    queues = {row[0]: row[3] for row in due}
    log_events([(row[0], "capture_requested", {"amount": str(row[1])}) for row in due], actor=actor)
    enqueue_tasks(
        [
            NewTask(
                queues[order_id],
                f"order:{order_id}",
                "order_settle_payment",
                f"settle:{tx_id}",
                tx_id,
                order_id,
            )
            for tx_id, order_id in sorted(rows)
        ]
    )
    return sorted(row[0] for row in rows)


def _due(order_ids: Collection[int]) -> list[tuple[int, Decimal, str, int]]:
    """Return (order, amount to ask for now, currency, queue)."""
    rows = fetch(
        """SELECT o.id, o.currency, c.queue_id, o.shipping_amt + o.tax_amt - o.discount_amt, p.authorized, p.captured,
               coalesce((SELECT sum(t.amount) FROM payments_paymenttransaction t
                 WHERE t.order_id = o.id AND t.kind = 'capture' AND t.state = 'pending'), 0),
               l.unit_price * l.ordered - l.discount_amt + l.tax_amt + l.shipping_amt + l.recycling_amt,
               l.ordered, l.shipped, l.cancelled
           FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id JOIN payments_payment p ON p.order_id = o.id
           JOIN orders_orderline l ON l.order_id = o.id
           WHERE o.id = ANY(%s) AND 'order_settle_payment' = ANY(c.capabilities)
             AND (c.settle_on = 'ship' OR c.settle_on = 'complete' AND o.completed_at IS NOT NULL)
           ORDER BY o.id""",
        [sorted(set(order_ids))],
    )
    due = []
    for _, of_order in groupby(rows, key=lambda row: row[0]):
        lines = list(of_order)
        order_id, currency, queue_id, order_level, authorized, captured, pending = lines[0][:7]
        worth = amount_due(
            [BilledLine(*line[7:]) for line in lines], order_level=order_level, currency=currency
        )
        due.append((order_id, min(worth, authorized) - captured - pending, currency, queue_id))
    return due
