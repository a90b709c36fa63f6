"""Change an order after it was imported: look at what would come of it first, then do it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.catalog.queries import find_skus
from retailops.hub.db import columns_of, execute, fetch, unit_of_work
from retailops.hub.fulfilment.operations.cancel_orders import take_units
from retailops.hub.fulfilment.operations.complete_orders import finish_orders
from retailops.hub.fulfilment.operations.tell_channel import tell_order
from retailops.hub.money import quantize
from retailops.hub.orders.operations.count_lines import LineChange, count_lines, lock_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.wake_routing import wake_routing

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A change of one line (`line_id`), or a line to add (`sku_code`, `quantity` and `unit_price`).

    `quantity` is what the customer is to get in all, shipped units included; 0 removes what has not shipped.
    """

    line_id: int | None = None
    sku_code: str | None = None
    quantity: int | None = None
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LinePreview:
    """A line before and after; `line_id` is empty for one to be added."""

    line_id: int | None
    sku_code: str
    old_quantity: int
    new_quantity: int
    old_total: Decimal
    new_total: Decimal


@dataclass(frozen=True, slots=True)
class EditPreview:
    """What would come of an edit; `warnings` are for a person to weigh.

    Totals are of the whole order, in `currency`.
    """

    lines: Sequence[LinePreview]
    old_total: Decimal
    new_total: Decimal
    currency: str
    warnings: Sequence[str]


class EditError(Exception):
    """The order can't be changed so. The message names the line, the problem and the way out."""


@dataclass(frozen=True, slots=True)
class _Line:
    id: int
    sku_code: str
    ordered: int
    shipped: int
    planned: int
    cancelled: int
    unit_price: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    recycling: Decimal

    @property
    def wanted(self) -> int:
        return self.ordered - self.cancelled

    def total(self, unit_price: Decimal, quantity: int, currency: str) -> Decimal:
        """What so many units cost. Tax, discount and shipping keep their rate: what was charged for a unit ordered."""
        extras = self.tax + self.shipping + self.recycling - self.discount
        by_rate = extras * quantity / self.ordered if self.ordered else ZERO
        return quantize(unit_price * quantity, currency) + quantize(by_rate, currency)


def preview_edit(*, order_id: int, changes: Sequence[LineEdit]) -> EditPreview:
    """Return what `edit_order` would do, changing nothing. Raises `EditError` for what it would refuse."""
    head = fetch(
        "SELECT currency, grand_total, completed_at, cancelled_at FROM orders_order WHERE id = %s", [order_id]
    )
    if not head:
        message = f"there is no order {order_id}"
        raise EditError(message)
    currency, total, completed_at, cancelled_at = head[0]
    if completed_at or cancelled_at:
        message = "the order has ended; send goods back with a return, or give money back with a refund"
        raise EditError(message)
    lines = _lines(order_id)
    _refuse_twins(changes, lines)
    skus = find_skus({change.sku_code for change in changes if change.sku_code})
    previews = [_preview(change, lines, skus, currency) for change in changes]
    difference = sum((line.new_total - line.old_total for line in previews), ZERO)
    return EditPreview(
        previews, total, total + difference, currency, _warnings(order_id, previews, total + difference)
    )


@unit_of_work
def edit_order(*, order_id: int, changes: Sequence[LineEdit], actor: str) -> EditPreview:
    """Change an order's lines, route what was added, and tell the channel with an order_update.

    Raises `EditError`, and `PoFrozenError` where units would have to be taken from a vendor who works on them.
    """
    lock_orders([order_id])
    preview = preview_edit(order_id=order_id, changes=changes)
    lines = _lines(order_id)
    decreases = {
        line.line_id: line.old_quantity - line.new_quantity
        for line in preview.lines
        if line.line_id and line.new_quantity < line.old_quantity
    }
    touched = take_units(decreases, actor=actor, reason="edited") if decreases else set()
    count_lines([LineChange(line_id, cancelled=units) for line_id, units in decreases.items()])
    count_lines(
        [
            LineChange(line.line_id, ordered=line.new_quantity - line.old_quantity)
            for line in preview.lines
            if line.line_id and line.new_quantity > line.old_quantity
        ]
    )
    _reprice(changes, lines)
    _add_lines(order_id, [change for change in changes if change.line_id is None])
    execute(
        "UPDATE orders_order SET grand_total = %s, updated_at = now() WHERE id = %s",
        [preview.new_total, order_id],
    )
    log_events(
        [(order_id, "edited", {"old_total": str(preview.old_total), "new_total": str(preview.new_total)})],
        actor=actor,
    )
    tell_order(order_ids=[order_id], kind="order_update", key="update")
    finish_orders(order_ids=[order_id], actor=actor)
    wake_routing(order_ids=[order_id])
    rows = fetch("SELECT sku_id FROM orders_orderline WHERE order_id = %s AND sku_id IS NOT NULL", [order_id])
    publish_inventory(sku_ids=touched | {row[0] for row in rows})
    return preview


def _lines(order_id: int) -> Mapping[int, _Line]:
    rows = fetch(
        """SELECT id, sku_code, ordered, shipped, planned, cancelled, unit_price, discount_amt, tax_amt, shipping_amt,
               recycling_amt FROM orders_orderline WHERE order_id = %s AND item_type = 'ship' ORDER BY position""",
        [order_id],
    )
    return {row[0]: _Line(*row) for row in rows}


def _refuse_twins(changes: Sequence[LineEdit], lines: Mapping[int, _Line]) -> None:
    counts = Counter(change.line_id for change in changes if change.line_id is not None)
    for line_id, count in counts.items():
        if count > 1 and line_id in lines:
            message = f"{lines[line_id].sku_code}: its line is changed twice; put the changes into one"
            raise EditError(message)


def _preview(
    change: LineEdit, lines: Mapping[int, _Line], skus: Mapping[str, int], currency: str
) -> LinePreview:
    if change.unit_price is not None and change.unit_price < 0:
        message = f"unit price {change.unit_price}: a price can't be below zero"
        raise EditError(message)
    if change.line_id is None:
        return _preview_added(change, skus, currency)
    line = lines.get(change.line_id)
    if line is None:
        message = f"line {change.line_id} is not a line of this order that ships"
        raise EditError(message)
    quantity = line.wanted if change.quantity is None else change.quantity
    if quantity < line.shipped:
        message = (
            f"{line.sku_code}: {line.shipped} units have shipped; the quantity can't be set to {quantity}"
        )
        raise EditError(message)
    price = line.unit_price if change.unit_price is None else change.unit_price
    return LinePreview(
        line.id, line.sku_code, line.wanted, quantity,
        line.total(line.unit_price, line.wanted, currency), line.total(price, quantity, currency),
    )  # fmt: skip


def _preview_added(change: LineEdit, skus: Mapping[str, int], currency: str) -> LinePreview:
    if not change.sku_code or change.sku_code not in skus:
        message = f"SKU {change.sku_code!r} is not in the catalog; add it there first"
        raise EditError(message)
    if not change.quantity or change.quantity < 1:
        message = f"{change.sku_code}: quantity must be at least 1, not {change.quantity}"
        raise EditError(message)
    total = quantize((change.unit_price or ZERO) * change.quantity, currency)
    return LinePreview(None, change.sku_code, 0, change.quantity, ZERO, total)


def _warnings(order_id: int, lines: Sequence[LinePreview], new_total: Decimal) -> list[str]:
    warnings = []
    paid = fetch("SELECT authorized, captured FROM payments_payment WHERE order_id = %s", [order_id])
    if paid and new_total > paid[0][0]:
        warnings.append(f"the new total is above the {paid[0][0]} that the customer has authorised")
    if paid and new_total < paid[0][1]:
        warnings.append(f"{paid[0][1]} has been captured already; refund the difference")
    if all(line.new_quantity == 0 for line in lines):
        warnings.append("every changed line is removed")
    return warnings


def _reprice(changes: Sequence[LineEdit], lines: Mapping[int, _Line]) -> None:
    """Store new prices, and keep the extras of lines whose ordered quantity rises at their rate by unit."""
    rows = []
    for change in changes:
        if change.line_id is None:
            continue
        line = lines[change.line_id]
        growth = max(0, (line.wanted if change.quantity is None else change.quantity) - line.wanted)
        factor = Decimal(line.ordered + growth) / line.ordered if line.ordered else Decimal(1)
        price = line.unit_price if change.unit_price is None else change.unit_price
        extras = (value * factor for value in (line.discount, line.tax, line.shipping, line.recycling))
        rows.append((line.id, price, *extras))
    execute(
        """UPDATE orders_orderline l SET unit_price = n.price, discount_amt = round(n.discount, 4), tax_amt = round(n.tax, 4),
               shipping_amt = round(n.shipping, 4), recycling_amt = round(n.recycling, 4)
           FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[])
                AS n (id, price, discount, tax, shipping, recycling) WHERE l.id = n.id""",
        columns_of(rows, 6),
    )


def _add_lines(order_id: int, added: Sequence[LineEdit]) -> None:
    if not added:
        return
    skus = find_skus({change.sku_code for change in added if change.sku_code})
    rows = [
        (position, skus[change.sku_code or ""], change.sku_code, change.quantity, change.unit_price or ZERO)
        for position, change in enumerate(added, 1)
    ]
    execute(
        """INSERT INTO orders_orderline (order_id, position, sku_id, sku_code, ordered, unit_price)
           SELECT %s, n.position + (SELECT max(position) FROM orders_orderline WHERE order_id = %s), n.sku_id, n.code,
               n.quantity, n.price
           FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::int[], %s::numeric[])
                AS n (position, sku_id, code, quantity, price)""",
        [order_id, order_id, *columns_of(rows, 5)],
    )
