"""Customer.Return.Receive: goods came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from retailops.hub.api.actions.customer_order_change import OrderNamed
from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Flag, Id, Name, OneOrMany, Reference, Text, Units
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.orders import OrderLine, lines_of
from retailops.hub.api.registry import Batch
from retailops.hub.api.replies import Notice, Outcome
from retailops.hub.api.scopes import facility_of, orders_of
from retailops.hub.api.together import problems_of
from retailops.hub.db import Row, fetch, unit_of_work
from retailops.hub.orders.operations.count_lines import lock_orders
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return


class ReturnItem(Params):
    """Units of an order line, or of a SKU on the order, that came back."""

    order_line_id: Id | None = None
    sku: Name | None = None
    quantity: Units
    reason: Text = ""
    disposition: Literal["restock", "discard"] = "restock"


class ReceiveReturn(OrderNamed):
    """A return by its RMA: goods of one order, received at one facility."""

    rma: Reference
    facility_id: Id | None = None
    facility: Text | None = None
    items: Annotated[Many[ReturnItem], OneOrMany] = Field(min_length=1)
    refund_action: Literal["refund", "storecredit", "none"] = "refund"
    with_shipping: Flag = Field(default=False, description="Give back the lines' shipping, too")


@dataclass(frozen=True, slots=True)
class ReturnReceived:
    """The return that an RMA stands for."""

    rma: str
    return_id: int | None = None


def receive(principal: Principal, records: Sequence[ReceiveReturn]) -> list[Outcome]:
    """Take goods back. The same RMA told again changes nothing."""
    outcomes = []
    for record in records:
        try:
            outcomes.append(_receive(principal, record))
        except Exception as error:  # noqa: BLE001 - told as the record's problem
            outcomes.append(Outcome(ReturnReceived(record.rma), problems=problems_of(error)))
    return outcomes


@unit_of_work
def _receive(principal: Principal, record: ReceiveReturn) -> Outcome:
    facility = facility_of(principal, record)
    [order] = orders_of([record])
    if isinstance(order, ApiError):
        raise order
    lock_orders([order.id])
    known: list[Row] = fetch("SELECT id, order_id FROM returns_return WHERE rma = %s", [record.rma])
    if known:
        return_id, order_id = known[0]
        if order_id != order.id:
            raise ApiError(
                "RMA_CONFLICT", f"RMA {record.rma} is another order's return; use a new RMA", "rma"
            )
        notice = Notice("NO_CHANGE", f"RMA {record.rma} was received before")
        return Outcome(ReturnReceived(record.rma, return_id), warnings=[notice])
    lines = lines_of([order.id])[order.id]
    return_id = receive_return(
        rma=record.rma,
        order_id=order.id,
        facility_id=facility.id,
        items=_items(record.items, lines),
        actor=principal.actor,
        refund_action=record.refund_action,
        with_shipping=record.with_shipping,
    )
    return Outcome(ReturnReceived(record.rma, return_id), changed=True)


def _items(items: Sequence[ReturnItem], lines: Sequence[OrderLine]) -> list[ReturnedItem]:
    """Give each item its lines; units of a SKU come off its lines in their order, as far as they can come back."""
    left = {line.order_line_id: line.quantity_shipped - line.quantity_returned for line in lines}
    found: list[ReturnedItem] = []
    for position, item in enumerate(items):
        path = f"items[{position}]"
        for line_id, units in _take(item, lines, left, path).items():
            found.append(ReturnedItem(line_id, units, item.reason, item.disposition))
    if len({item.line_id for item in found}) < len(found):
        raise ApiError("DUPLICATE_ITEM", "a line comes back twice; put its units into one item", "items")
    return found


def _take(item: ReturnItem, lines: Sequence[OrderLine], left: dict[int, int], path: str) -> Mapping[int, int]:
    if item.order_line_id is None and item.sku is None:
        raise ApiError("MISSING_FIELD", f"{path}: say what came back with order_line_id or sku", path)
    matching = [
        line.order_line_id
        for line in lines
        if item.order_line_id in (None, line.order_line_id) and item.sku in (None, line.sku)
    ]
    if not matching:
        message = f"{path}: {item.sku or item.order_line_id} is not on this order"
        raise ApiError("ORDER_LINE_NOT_FOUND", message, path)
    needed = item.quantity
    taken: dict[int, int] = {}
    for line_id in matching:
        units = min(needed, left[line_id])
        if units > 0:
            taken[line_id] = units
            left[line_id] -= units
            needed -= units
    if needed:
        message = f"{path}: {item.quantity} units can't come back; {item.quantity - needed} shipped and didn't come back yet"
        raise ApiError("OVER_RETURN", message, f"{path}.quantity")
    return taken


RECEIVE = Batch(
    name="Customer.Return.Receive",
    scope=Scope.FACILITY,
    record=ReceiveReturn,
    answer=ReturnReceived,
    handler=receive,
    bare=True,
    example={
        "rma": "RMA-1",
        "order_id": 1,
        "facility": "MAIN",
        "items": [{"sku": "ABC123", "quantity": 1, "reason": "too small"}],
    },
)
