"""Customer.Order.Fetch: orders, for operators' tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from retailops.hub.api import cursors
from retailops.hub.api.addresses import ShipAddress, ship_addresses
from retailops.hub.api.loose import Flag, Id, Limit, Moment, Name, OneOrMany, words
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.orders import (
    Hold,
    OrderFilter,
    OrderHead,
    OrderLine,
    holds_of,
    lines_of,
    order_page,
)
from retailops.hub.api.registry import Query
from retailops.hub.orders.models import Order


class FetchOrders(Params):
    """Which orders; by id, or by date_updated with `updated_since`. `next_after` of the last answer goes on as `after`."""

    ids: Annotated[Many[Id] | None, OneOrMany] = None
    refnums: Annotated[Many[Name] | None, OneOrMany] = None
    channel: Name | None = None
    status: Annotated[list[str] | None, words(*Order.Status.values)] = None
    updated_since: Moment | None = None
    limit: Limit = 100
    after: Name | None = None
    with_lines: Flag = True
    with_ship_address: Flag = False


@dataclass(frozen=True, slots=True)
class FetchedOrder(OrderHead):
    """An order. Parts that were not asked for are null; `holds` are those that keep it from being routed."""

    holds: Sequence[Hold]
    lines: Sequence[OrderLine] | None
    ship_address: ShipAddress | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders."""

    records: Sequence[FetchedOrder]
    limit: int
    next_after: str | None


def fetch_orders(principal: Principal, params: FetchOrders) -> OrderPage:  # noqa: ARG001 - operators see all
    """Return a page of orders, in a number of statements that doesn't grow with it."""
    by_update = params.updated_since is not None
    after = cursors.read(params.after, 2 if by_update else 1) if params.after is not None else None
    heads = order_page(
        wanted=OrderFilter(params.ids, params.refnums, params.channel, params.status, params.updated_since),
        after_id=after[-1] if after else 0,
        after_update=cursors.moment(after[0]) if after and by_update else None,
        limit=params.limit,
    )
    ids = [head.id for head in heads]
    holds = holds_of(ids)
    lines = lines_of(ids) if params.with_lines else {}
    addresses = ship_addresses(ids) if params.with_ship_address else {}
    records = [
        FetchedOrder(
            **{name: getattr(head, name) for name in OrderHead.__dataclass_fields__},
            holds=holds[head.id],
            lines=lines.get(head.id),
            ship_address=addresses.get(head.id),
        )
        for head in heads
    ]
    full = len(heads) == params.limit
    return OrderPage(records, params.limit, _cursor(heads[-1], by_update=by_update) if full else None)


def _cursor(last: OrderHead, *, by_update: bool) -> str:
    if by_update:
        return cursors.write(cursors.microseconds(last.date_updated), last.id)
    return cursors.write(last.id)


FETCH = Query(
    name="Customer.Order.Fetch",
    scope=Scope.OPERATOR,
    request=FetchOrders,
    answer=OrderPage,
    handler=fetch_orders,
    example={"status": ["ready", "backordered"], "limit": 100},
)
