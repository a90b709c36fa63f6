"""Returns as the channel is told of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from retailops.contract.returns import Return, ReturnItem
from retailops.hub.channels.interactions.packages import exact
from retailops.hub.db import fetch

_BY_ORDER = "order_id = ANY(%s) AND state IN ('authorized', 'closed')"
_BY_ID = "id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class TellableReturn:
    """A return with the order it is of."""

    id: int
    order_id: int
    document: Return


def returns_of_orders(order_ids: Collection[int]) -> list[TellableReturn]:
    """The returns of orders that were authorised, whether closed or not; cancelled ones are left out."""
    return _load(_BY_ORDER, order_ids)


def returns_by_id(return_ids: Collection[int]) -> dict[int, TellableReturn]:
    """Returns by their ids."""
    return {each.id: each for each in _load(_BY_ID, return_ids)}


def _load(condition: str, ids: Collection[int]) -> list[TellableReturn]:
    rows = fetch(
        f"""SELECT id, order_id, rma, refund_action, product_amt, discount_amt, shipping_amt, tax_amt, refund_amt
            FROM returns_return WHERE {condition} ORDER BY id""",  # noqa: S608 - ours
        [sorted(set(ids))],
    )
    items = _items([row[0] for row in rows])
    return [
        TellableReturn(
            return_id,
            order_id,
            Return(
                retailops_return_id=return_id,
                retailops_rma_id=return_id,
                external_rma_refnum=rma,
                product_amt=exact(product),
                subtotal_amt=exact(product - discount),
                discount_amt=exact(discount),
                shipping_amt=exact(shipping),
                tax_amt=exact(tax),
                refund_amt=exact(refund),
                refund_action=action,
                items=items[return_id],
            ),
        )
        for return_id, order_id, rma, action, product, discount, shipping, tax, refund in rows
    ]


def _items(return_ids: list[int]) -> dict[int, list[ReturnItem]]:
    rows = fetch(
        """SELECT i.return_record_id, l.id, l.channel_item_refnum, l.sku_code, i.quantity, i.reason, i.product_amt,
               i.discount_amt, i.tax_amt, i.shipping_amt, i.credit_amt
           FROM returns_returnitem i JOIN orders_orderline l ON l.id = i.order_line_id
           WHERE i.return_record_id = ANY(%s) ORDER BY i.id""",
        [return_ids],
    )
    items: dict[int, list[ReturnItem]] = defaultdict(list)
    for return_id, line_id, refnum, sku, quantity, reason, product, discount, tax, shipping, credit in rows:
        items[return_id].append(
            ReturnItem(
                retailops_item_id=line_id,
                channel_item_refnum=refnum or None,
                sku=sku,
                quantity=quantity,
                reason=reason or None,
                product_amt=exact(product),
                subtotal_amt=exact(product - discount),
                tax_amt=exact(tax),
                shipping_amt=exact(shipping),
                credit_amt=exact(credit),
            )
        )
    return items
