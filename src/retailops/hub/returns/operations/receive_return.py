"""Goods come back: put them on the shelf or write them off, and give the money back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.catalog.queries import components_of
from retailops.hub.db import Row, copy_rows, fetch, next_ids, unit_of_work
from retailops.hub.orders.operations.count_lines import LineChange, count_lines, lock_orders, recompute_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.wake_routing import backordered, wake_backorders
from retailops.hub.returns.models import Return, ReturnItem
from retailops.hub.returns.rules import ChargedLine, ReturnAmounts, return_amounts
from retailops.hub.stock.operations.post_moves import Move, post_moves
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ReturnedItem:
    """Units of a line that came back. `disposition` is restock or discard."""

    line_id: int
    quantity: int
    reason: str = ""
    disposition: str = "restock"


class ReturnError(Exception):
    """The goods can't be taken back so. The message names the line, the problem and the way out."""


@unit_of_work
def receive_return(
    *,
    rma: str,
    order_id: int,
    facility_id: int,
    items: Sequence[ReturnedItem],
    actor: str,
    refund_action: str = "refund",
    with_shipping: bool = False,
) -> int:
    """Take shipped goods back, in one step, and tell the channel; returns the return's id.

    Telling of the same `rma` twice takes the goods back once. Never gives back more than was captured and not given
    back yet. Raises `ReturnError`.
    """
    lock_orders([order_id, *backordered(sku_ids=_components(items))])
    known = fetch("SELECT id, order_id FROM returns_return WHERE rma = %s", [rma])
    if known and known[0][1] != order_id:
        message = f"RMA {rma} belongs to another order; give this return a number of its own"
        raise ReturnError(message)
    if known:
        return int(known[0][0])
    lines = _lines(order_id, [item.line_id for item in items])
    _check(items, lines)
    currency = fetch("SELECT currency FROM orders_order WHERE id = %s", [order_id])[0][0]
    amounts = {
        item.line_id: return_amounts(
            ChargedLine(*lines[item.line_id][1:7]),
            quantity=item.quantity,
            currency=currency,
            with_shipping=with_shipping,
        )
        for item in items
    }
    return_id = _write(rma, order_id, facility_id, items, amounts, refund_action)
    count_lines([LineChange(item.line_id, returned=item.quantity) for item in items])
    touched = _restock(return_id, facility_id, items, lines, actor)
    log_events(
        [(order_id, "returned", {"rma": rma, "units": sum(item.quantity for item in items)})], actor=actor
    )
    recompute_orders([order_id])
    _tell_channel(order_id, return_id)
    wake_backorders(sku_ids=touched)
    publish_inventory(sku_ids=touched)
    return return_id


def _components(items: Sequence[ReturnedItem]) -> set[int]:
    """Return the SKUs whose stock the returned lines may raise."""
    rows = fetch(
        "SELECT sku_id FROM orders_orderline WHERE id = ANY(%s) AND sku_id IS NOT NULL",
        [[i.line_id for i in items]],
    )
    return {sku_id for of_sku in components_of({row[0] for row in rows}).values() for sku_id, _ in of_sku}


def _lines(order_id: int, line_ids: Sequence[int]) -> Mapping[int, Row]:
    rows = fetch(
        """SELECT id, ordered, returned, unit_price * ordered, discount_amt, tax_amt, shipping_amt, shipped, sku_id, sku_code
           FROM orders_orderline WHERE order_id = %s AND id = ANY(%s)""",
        [order_id, list(line_ids)],
    )
    return {row[0]: row for row in rows}


def _check(items: Sequence[ReturnedItem], lines: Mapping[int, Row]) -> None:
    if not items:
        message = "a return needs at least one item"
        raise ReturnError(message)
    for item in items:
        if item.line_id not in lines:
            message = f"line {item.line_id} is not a line of this order"
            raise ReturnError(message)
        _, _, returned, *_, shipped, _, sku_code = lines[item.line_id]
        if item.quantity < 1 or item.quantity > shipped - returned:
            message = f"{sku_code}: {shipped} units shipped and {returned} came back; {item.quantity} can't be returned"
            raise ReturnError(message)
    if len({item.line_id for item in items}) < len(items):
        message = "a line appears twice; put its units into one item"
        raise ReturnError(message)


def _write(
    rma: str,
    order_id: int,
    facility_id: int,
    items: Sequence[ReturnedItem],
    amounts: Mapping[int, ReturnAmounts],
    refund_action: str,
) -> int:
    credit = sum((a.credit for a in amounts.values()), ZERO)
    refund = min(credit, _refundable(order_id)) if refund_action != "none" else ZERO
    record = Return.objects.create(
        rma=rma, order_id=order_id, facility_id=facility_id, state=Return.State.CLOSED, refund_action=refund_action,
        product_amt=sum((a.product for a in amounts.values()), ZERO),
        discount_amt=sum((a.discount for a in amounts.values()), ZERO),
        tax_amt=sum((a.tax for a in amounts.values()), ZERO),
        shipping_amt=sum((a.shipping for a in amounts.values()), ZERO),
        refund_amt=refund,
    )  # fmt: skip
    copy_rows(
        ReturnItem,
        ("id", "return_record_id", "order_line_id", "quantity", "reason", "disposition", "product_amt", "discount_amt",
         "tax_amt", "shipping_amt", "credit_amt"),
        (
            (item_id, record.pk, item.line_id, item.quantity, item.reason, item.disposition, a.product, a.discount, a.tax,
             a.shipping, a.credit)
            for item_id, item, a in zip(next_ids(ReturnItem, len(items)), items, (amounts[i.line_id] for i in items), strict=True)
        ),
    )  # fmt: skip
    return int(record.pk)


def _refundable(order_id: int) -> Decimal:
    """Return what was captured (or is being captured) and not given back or promised to be."""
    rows = fetch(
        """SELECT coalesce(sum(amount) FILTER (WHERE kind IN ('charge', 'capture') AND state <> 'failed'), 0)
               - coalesce(sum(amount) FILTER (WHERE kind = 'refund' AND state <> 'failed'), 0)
           FROM payments_paymenttransaction WHERE order_id = %s""",
        [order_id],
    )
    promised = fetch(
        """SELECT coalesce(sum(r.refund_amt), 0) FROM returns_return r WHERE r.order_id = %s AND NOT EXISTS (
             SELECT 1 FROM payments_paymenttransaction t
             WHERE t.order_id = r.order_id AND t.key LIKE 'return:' || r.id || ':%%')""",
        [order_id],
    )
    room: Decimal = rows[0][0] - promised[0][0]
    return max(ZERO, room)


def _restock(
    return_id: int, facility_id: int, items: Sequence[ReturnedItem], lines: Mapping[int, Row], actor: str
) -> set[int]:
    """Put units that can be sold again on the shelf; kits as their components."""
    skus = {item.line_id: lines[item.line_id][8] for item in items if item.disposition == "restock"}
    parts = components_of({sku_id for sku_id in skus.values() if sku_id})
    rows = fetch("SELECT order_line_id, id FROM returns_returnitem WHERE return_record_id = %s", [return_id])
    item_ids = {row[0]: row[1] for row in rows}
    post_moves(
        [
            Move(
                "return", facility_id, sku_id, f"return:{item_ids[item.line_id]}:{sku_id}",
                d_on_hand=item.quantity * per_unit, reason=item.reason, return_item_id=item_ids[item.line_id],
            )
            for item in items
            for sku_id, per_unit in parts.get(skus.get(item.line_id, 0) or 0, ())
        ],
        actor=actor,
    )  # fmt: skip
    return {sku_id for of_sku in parts.values() for sku_id, _ in of_sku}


def _tell_channel(order_id: int, return_id: int) -> None:
    rows = fetch(
        """SELECT c.queue_id FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id
           WHERE o.id = %s AND 'order_returned' = ANY(c.capabilities)""",
        [order_id],
    )
    enqueue_tasks(
        [
            NewTask(row[0], f"order:{order_id}", "order_returned", f"return:{return_id}", return_id, order_id)
            for row in rows
        ]
    )
