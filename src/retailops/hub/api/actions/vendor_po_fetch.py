"""Vendor.PO.Fetch: the POs a vendor is to work on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from retailops.hub.api import cursors
from retailops.hub.api.addresses import ShipAddress, ship_addresses
from retailops.hub.api.carriers import CARRIER_CLASSES
from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Flag, Id, Limit, Moment, Name, OneOrMany, Start, Text, words
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.vendor_pos import PoHead, PoLine, count_pos, po_lines, po_page, service_classes
from retailops.hub.api.registry import Query
from retailops.hub.api.scopes import vendor_of

#: How long after its end a PO still shows where its goods went.
ADDRESS_KEPT: Final = timedelta(days=30)
#: "open" is a word of older clients; a PO of ours is ready from the start.
PO_STATUSES: Final = ("open", "ready", "submitted", "accepted", "complete", "cancelled")


class FetchPos(Params):
    """Which POs; by (date_submit, id). To walk through many, send `next_after` of the last answer as `after`."""

    vendor_id: Id | None = None
    vendor_name: Text | None = None
    status: Annotated[list[str], words(*PO_STATUSES)] = ["ready"]
    po: Annotated[Many[Name] | None, OneOrMany] = None
    date_submit_max: Moment | None = Field(default=None, description="Leave out POs that are due later")
    start: Start = 0
    limit: Limit = 100
    after: Name | None = None
    with_items: Flag = False
    with_ship_address: Flag = True
    with_order: Flag = False
    with_ship_service: Flag = False


@dataclass(frozen=True, slots=True)
class PoItem:
    """Units of a VPC that were ordered. Money is text."""

    po_item_id: int
    vpc: str
    sku: str
    upc: str | None
    description: str
    quantity: int
    quantity_open: int
    quantity_shipped: int
    quantity_cancelled: int
    unit_cost: Decimal


@dataclass(frozen=True, slots=True)
class OrderOfPo:
    """What a packing slip says of the order."""

    channel_name: str | None
    channel_refnum: str | None
    gift_message: str | None


@dataclass(frozen=True, slots=True)
class ShipService:
    """The service that the customer chose, and the ship classes that the retailer has mapped to it."""

    name: str
    ship_class_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Po:
    """A PO. Parts that were not asked for are null. `submittable`: it may be marked as submitted now."""

    id: int
    po: str
    type: str
    vendor_id: int
    status: str
    version: int
    date_created: datetime
    date_submit: datetime
    submittable: int
    date_submitted: datetime | None
    date_accepted: datetime | None
    date_completed: datetime | None
    estimated_ship_date: datetime | None
    change_after_submit: int
    currency: str
    order_id: int | None
    order: OrderOfPo | None
    ship_address: ShipAddress | None
    ship_service: ShipService | None
    items: Sequence[PoItem] | None


@dataclass(frozen=True, slots=True)
class PoPage:
    """`total` is null where there are more than 10,000, and when going on from `after`."""

    records: Sequence[Po]
    total: int | None
    start: int
    limit: int
    next_after: str | None


def fetch_pos(principal: Principal, params: FetchPos) -> PoPage:
    """Return a page of POs, in a number of statements that doesn't grow with it."""
    vendor = vendor_of(principal, params)
    if params.after is not None and params.start:
        raise ApiError("START_OUT_OF_RANGE", "send start or after, not both", "start")
    at = cursors.read(params.after, 2) if params.after is not None else None
    heads = po_page(
        vendor_id=vendor.id,
        statuses=params.status,
        numbers=params.po,
        due_by=params.date_submit_max,
        after=(cursors.moment(at[0]), at[1]) if at else None,
        start=params.start,
        limit=params.limit,
    )
    whole = params.after is None and params.po is None and params.date_submit_max is None
    last = heads[-1] if len(heads) == params.limit else None
    return PoPage(
        records=_records(heads, params),
        total=count_pos(vendor_id=vendor.id, statuses=params.status) if whole else None,
        start=params.start,
        limit=params.limit,
        next_after=cursors.write(cursors.microseconds(last.date_submit), last.id) if last else None,
    )


def _records(heads: Sequence[PoHead], params: FetchPos) -> list[Po]:
    lines = po_lines([head.id for head in heads]) if params.with_items else {}
    addresses = ship_addresses(_address_owners(heads)) if params.with_ship_address else {}
    services = _services(heads) if params.with_ship_service else {}
    return [
        Po(
            head.id, head.number, head.type, head.vendor_id, head.status, head.version, head.created_at, head.date_submit,
            int(head.submittable), head.submitted_at, head.accepted_at, head.completed_at, head.estimated_ship_date,
            int(head.change_after_submit), head.currency, head.order_id,
            OrderOfPo(head.channel_name, head.channel_refnum, head.gift_message) if params.with_order else None,
            addresses.get(head.order_id or 0),
            services.get(head.id),
            [_item(line) for line in lines[head.id]] if params.with_items else None,
        )
        for head in heads
    ]  # fmt: skip


def _address_owners(heads: Sequence[PoHead]) -> Collection[int]:
    """Return the orders whose addresses vendors still have a use for."""
    oldest = datetime.now(UTC) - ADDRESS_KEPT
    return {
        head.order_id
        for head in heads
        if head.order_id and (head.completed_at is None or head.completed_at > oldest)
    }


def _services(heads: Sequence[PoHead]) -> Mapping[int, ShipService]:
    codes = {
        (head.channel_id, head.ship_service_code)
        for head in heads
        if head.channel_id and head.ship_service_code
    }
    mapped = service_classes([(channel, code) for channel, code in codes if channel and code])
    ids = {(each.carrier_name, each.carrier_class_name): each.id for each in CARRIER_CLASSES.values()}
    services = {}
    for head in heads:
        if head.channel_id and head.ship_service_code:
            names = mapped.get((head.channel_id, head.ship_service_code), ())
            services[head.id] = ShipService(
                head.ship_service_code, [ids[name] for name in names if name in ids]
            )
    return services


def _item(line: PoLine) -> PoItem:
    return PoItem(
        line.po_item_id, line.vpc, line.sku, line.upc, line.description, line.quantity, line.open, line.shipped,
        line.cancelled, line.unit_cost,
    )  # fmt: skip


FETCH = Query(
    name="Vendor.PO.Fetch",
    scope=Scope.VENDOR,
    request=FetchPos,
    answer=PoPage,
    handler=fetch_pos,
    example={"vendor_id": "27", "start": 0, "limit": 10, "status": "ready", "with_items": 1},
)
