"""Customer.Order.Edit, .Cancel and .ReleaseHold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import Field

from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Flag, Id, Name, OneOrMany, Price, Text, UnitsOrNone, words
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.orders import holds_of, statuses_of
from retailops.hub.api.registry import Batch, Query
from retailops.hub.api.replies import Notice, Outcome
from retailops.hub.api.scopes import OrderRef, orders_of
from retailops.hub.api.together import problems_of, together
from retailops.hub.fulfilment.operations.cancel_orders import cancel_orders
from retailops.hub.fulfilment.operations.edit_order import (
    EditError,
    LineEdit,
    LinePreview,
    edit_order,
    preview_edit,
)
from retailops.hub.orders.models import OrderHold
from retailops.hub.orders.operations.hold_orders import release_holds
from retailops.hub.purchasing.operations.count_po_items import PoFrozenError

R = TypeVar("R", bound="OrderNamed")
K = TypeVar("K")


class OrderNamed(Params):
    """An order by its id, or by its channel refnum (with `channel` where two channels use the same)."""

    order_id: Id | None = None
    refnum: Name | None = None
    channel: Name | None = None


class LineChange(Params):
    """A line to change, by its id, or to add, by its SKU. `quantity` is what the customer is to get in all."""

    order_line_id: Id | None = None
    sku: Name | None = None
    quantity: UnitsOrNone | None = None
    unit_price: Price | None = None


class EditOrder(OrderNamed):
    """Changes of an order; `preview` tells what would come of them and changes nothing."""

    lines: Annotated[Many[LineChange], OneOrMany] = Field(min_length=1)
    preview: Flag = False


class CancelOrder(OrderNamed):
    """An order to cancel as far as it hasn't shipped."""

    reason: Text = "cancelled by the retailer"


class ReleaseHold(OrderNamed):
    """An order and the kinds of holds to release; none named: all."""

    kinds: Annotated[list[str], words(*OrderHold.Kind.values)] = Field(
        default_factory=lambda: sorted(OrderHold.Kind.values)
    )


@dataclass(frozen=True, slots=True)
class OrderEdited:
    """`lines` before and after."""

    order_id: int
    currency: str
    old_total: Decimal
    new_total: Decimal
    lines: Sequence[LinePreview]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order and the status that it has now."""

    order_id: int | None
    order_status: str | None


def edit(principal: Principal, params: EditOrder) -> OrderEdited:
    """Change an order. Not idempotent: lines without an id are added each time."""
    [order] = orders_of([params])
    if isinstance(order, ApiError):
        raise order
    named = [line.order_line_id for line in params.lines if line.order_line_id is not None]
    if len(named) > len(set(named)):
        raise ApiError(
            "DUPLICATE_ITEM", "a line is named twice; send all changes of a line in one entry", "lines"
        )
    changes = [
        LineEdit(line.order_line_id, line.sku, line.quantity, line.unit_price) for line in params.lines
    ]
    try:
        if params.preview:
            result = preview_edit(order_id=order.id, changes=changes)
        else:
            result = edit_order(order_id=order.id, changes=changes, actor=principal.actor)
    except (EditError, PoFrozenError) as error:
        raise ApiError.of(problems_of(error)) from None
    except ValueError as error:  # amounts beyond what money can be
        raise ApiError("OUT_OF_RANGE", str(error), "lines") from None
    return OrderEdited(
        order.id, result.currency, result.old_total, result.new_total, result.lines, result.warnings
    )


def cancel(principal: Principal, records: Sequence[CancelOrder]) -> list[Outcome]:
    """Cancel orders; all those with one reason together."""

    def act(reason: str, order_ids: Sequence[int]) -> None:
        cancel_orders(order_ids=order_ids, actor=principal.actor, reason=reason)

    return _change(records, lambda record: record.reason, act, _cancellable)


def _cancellable(order: OrderRef, _record: CancelOrder) -> Notice | None:
    if order.status == "completed":
        raise ApiError(
            "ORDER_ENDED", f"{order.refnum} is complete; take goods back with a return; status: completed"
        )
    return (
        Notice("NO_CHANGE", f"{order.refnum} was cancelled before") if order.status == "cancelled" else None
    )


def release(principal: Principal, records: Sequence[ReleaseHold]) -> list[Outcome]:
    """Release holds; all those of the same kinds together."""
    holds = holds_of([order.id for order in orders_of(records) if isinstance(order, OrderRef)])

    def act(kinds: tuple[str, ...], order_ids: Sequence[int]) -> None:
        release_holds(order_ids=order_ids, kinds=kinds, actor=principal.actor)

    def held(order: OrderRef, record: ReleaseHold) -> Notice | None:
        if any(hold.kind in record.kinds for hold in holds.get(order.id, ())):
            return None
        return Notice("NO_CHANGE", f"{order.refnum} has no such hold")

    return _change(records, lambda record: tuple(record.kinds), act, held)


def _change(
    records: Sequence[R],
    group_of: Callable[[R], K],
    act: Callable[[K, Sequence[int]], None],
    judge: Callable[[OrderRef, R], Notice | None],
) -> list[Outcome]:
    """Change orders in groups, in a number of statements that doesn't grow with the orders of a group.

    `judge` returns a notice for an order with nothing to change and raises `ApiError` for one that can't be changed.
    """
    outcomes = [Outcome(OrderChanged(record.order_id, None)) for record in records]
    groups: dict[K, dict[int, int]] = defaultdict(dict)
    found = orders_of(records)
    for position, (record, order) in enumerate(zip(records, found, strict=True)):
        try:
            if isinstance(order, ApiError):
                raise order
            notice = judge(order, record)
        except ApiError as error:
            outcomes[position].problems = error.problems
            continue
        if notice is None and order.id in groups[group_of(record)]:
            notice = Notice("NO_CHANGE", "an earlier record of this call is about the same order")
        if notice is None:
            groups[group_of(record)][order.id] = position
        else:
            outcomes[position].warnings.append(notice)
    for group, positions in groups.items():
        failed = together(list(positions), lambda some, group=group: act(group, some))  # type: ignore[misc] # bound now
        for at, position in enumerate(positions.values()):
            outcomes[position].problems = failed.get(at, ())
            outcomes[position].changed = at not in failed
    _tell_statuses(outcomes, found)
    return outcomes


def _tell_statuses(outcomes: Sequence[Outcome], found: Sequence[OrderRef | ApiError]) -> None:
    statuses = statuses_of([order.id for order in found if isinstance(order, OrderRef)])
    for outcome, order in zip(outcomes, found, strict=True):
        if isinstance(order, OrderRef):
            outcome.facts = OrderChanged(order.id, statuses[order.id])


EDIT = Query(
    name="Customer.Order.Edit",
    scope=Scope.OPERATOR,
    request=EditOrder,
    answer=OrderEdited,
    handler=edit,
    example={"order_id": 1, "lines": [{"order_line_id": 1, "quantity": 2}], "preview": 1},
)
CANCEL = Batch(
    name="Customer.Order.Cancel",
    scope=Scope.OPERATOR,
    record=CancelOrder,
    answer=OrderChanged,
    handler=cancel,
    bare=True,
    example={"records": [{"order_id": 1, "reason": "the customer changed their mind"}]},
)
RELEASE_HOLD = Batch(
    name="Customer.Order.ReleaseHold",
    scope=Scope.OPERATOR,
    record=ReleaseHold,
    answer=OrderChanged,
    handler=release,
    bare=True,
    example={"records": [{"order_id": 1, "kinds": ["operator"]}]},
)
