"""Cancel what has not shipped: single lines, or all that is left of orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.db import fetch, unit_of_work
from retailops.hub.fulfilment.operations.complete_orders import finish_orders
from retailops.hub.fulfilment.operations.tell_channel import tell_order
from retailops.hub.fulfilment.operations.withdraw_items import planned_units, withdraw_items
from retailops.hub.orders.operations.count_lines import LineChange, count_lines, lock_orders
from retailops.hub.orders.operations.log_events import log_events


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Units cancelled by line, and the orders that this ended."""

    units: Mapping[int, int]
    completed_orders: Collection[int]


class NotCancellableError(Exception):
    """More units were to be cancelled than a line still has unshipped."""


@unit_of_work
def cancel_orders(
    *, order_ids: Collection[int], actor: str, reason: str, tell_channel: bool = True
) -> CancelResult:
    """Cancel every unshipped unit of orders. One of which nothing shipped is cancelled; the others complete.

    Raises `PoFrozenError` where a vendor already works on a PO. An order with nothing left is left as it is.
    """
    locked = lock_orders(order_ids)
    rows = fetch(
        "SELECT id, open + planned FROM orders_orderline WHERE order_id = ANY(%s) AND open + planned > 0",
        [locked],
    )
    return _cancel(locked, {row[0]: row[1] for row in rows}, actor, reason, tell_channel=tell_channel)


@unit_of_work
def cancel_lines(*, quantities: Mapping[int, int], actor: str, reason: str) -> CancelResult:
    """Cancel units of lines (line → units), open ones first, and tell the channel with an order_update.

    Raises `NotCancellableError` and `PoFrozenError`; then nothing is cancelled.
    """
    wrong = [line_id for line_id, units in quantities.items() if units < 1]
    if wrong:
        message = f"line {wrong[0]}: cancel at least 1 unit, not {quantities[wrong[0]]}"
        raise NotCancellableError(message)
    rows = fetch("SELECT DISTINCT order_id FROM orders_orderline WHERE id = ANY(%s)", [sorted(quantities)])
    locked = lock_orders({row[0] for row in rows})
    return _cancel(locked, quantities, actor, reason, tell_channel=True)


def _cancel(
    order_ids: Collection[int], quantities: Mapping[int, int], actor: str, reason: str, *, tell_channel: bool
) -> CancelResult:
    touched = take_units(quantities, actor=actor, reason=reason)
    count_lines([LineChange(line_id, cancelled=units) for line_id, units in quantities.items()])
    log_events(
        [
            (order_id, "units_cancelled", {"reason": reason, "lines": len(quantities)})
            for order_id in order_ids
        ],
        actor=actor,
    )
    completed = finish_orders(order_ids=order_ids, actor=actor, tell_channel=tell_channel)
    going_on = fetch(
        "SELECT id FROM orders_order WHERE id = ANY(%s) AND completed_at IS NULL AND cancelled_at IS NULL",
        [list(order_ids)],
    )
    if tell_channel:
        tell_order(order_ids=[row[0] for row in going_on], kind="order_update", key="update")
    publish_inventory(sku_ids=touched)
    return CancelResult(dict(quantities), completed)


def take_units(quantities: Mapping[int, int], *, actor: str, reason: str) -> set[int]:
    """Make units of lines open, withdrawing planned ones as needed; return the SKUs whose availability changes."""
    rows = fetch(
        "SELECT id, open, planned, sku_id FROM orders_orderline WHERE id = ANY(%s)", [sorted(quantities)]
    )
    from_plan: dict[int, int] = {}
    for line_id, open_units, planned, _ in rows:
        if quantities[line_id] > open_units + planned:
            left = open_units + planned
            message = (
                f"line {line_id}: {left} units are not shipped yet; {quantities[line_id]} can't be cancelled"
            )
            raise NotCancellableError(message)
        from_plan[line_id] = max(0, quantities[line_id] - open_units)
    withdraw: dict[int, int] = {}
    for item in planned_units(line_ids=[line_id for line_id, units in from_plan.items() if units]):
        units = min(item.units, from_plan[item.line_id])
        from_plan[item.line_id] -= units
        if units:
            withdraw[item.item_id] = units
    touched = withdraw_items(quantities=withdraw, actor=actor, reason=reason)
    return touched | {row[3] for row in rows if row[3] is not None}
