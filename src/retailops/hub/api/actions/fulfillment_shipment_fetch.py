"""Fulfillment.Shipment.Fetch: what a facility is to pick, pack and ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from retailops.hub.api import cursors
from retailops.hub.api.addresses import ShipAddress, ship_addresses
from retailops.hub.api.loose import Flag, Id, Limit, Name, OneOrMany, Text, words
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.shipments import ShipmentHead, ShipmentLine, shipment_lines, shipment_page
from retailops.hub.api.registry import Query
from retailops.hub.api.scopes import facility_of

#: "ready" is older clients' word for both that can be worked on.
READY = ("released", "partially_shipped")


class FetchShipments(Params):
    """Which shipments; by id. To walk through many, send `next_after` of the last answer as `after`."""

    facility_id: Id | None = None
    facility: Text | None = None
    status: Annotated[list[str], words("ready", *READY, "shipped", "cancelled")] = ["ready"]
    ids: Annotated[Many[Id] | None, OneOrMany] = None
    limit: Limit = 100
    after: Name | None = None
    with_items: Flag = True
    with_ship_address: Flag = True


@dataclass(frozen=True, slots=True)
class ShipmentItem:
    """Units of an order line that the facility ships."""

    shipment_item_id: int
    order_line_id: int
    sku: str
    upc: str | None
    description: str
    quantity: int
    quantity_open: int
    quantity_shipped: int
    quantity_cancelled: int


@dataclass(frozen=True, slots=True)
class OrderOfShipment:
    """What a packing slip says of the order."""

    channel_name: str
    channel_refnum: str
    gift_message: str


@dataclass(frozen=True, slots=True)
class ShipServiceName:
    """The service that the customer chose, in the channel's words."""

    name: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment. Parts that were not asked for are null."""

    id: int
    facility_id: int
    status: str
    date_created: datetime
    order_id: int
    order: OrderOfShipment
    ship_service: ShipServiceName
    ship_address: ShipAddress | None
    items: Sequence[ShipmentItem] | None


@dataclass(frozen=True, slots=True)
class ShipmentPage:
    """A page of shipments."""

    records: Sequence[Shipment]
    limit: int
    next_after: str | None


def fetch_shipments(principal: Principal, params: FetchShipments) -> ShipmentPage:
    """Return a page of shipments, in a number of statements that doesn't grow with it."""
    anywhere = principal.facility is None and params.facility_id is None and params.facility is None
    statuses = {status for word in params.status for status in (READY if word == "ready" else (word,))}
    heads = shipment_page(
        facility_id=None if anywhere else facility_of(principal, params).id,
        statuses=sorted(statuses),
        ids=params.ids,
        after=cursors.read(params.after, 1)[0] if params.after is not None else 0,
        limit=params.limit,
    )
    lines = shipment_lines([head.id for head in heads]) if params.with_items else {}
    addresses = ship_addresses([head.order_id for head in heads]) if params.with_ship_address else {}
    records = [
        _shipment(head, lines[head.id] if params.with_items else None, addresses.get(head.order_id))
        for head in heads
    ]
    full = len(heads) == params.limit
    return ShipmentPage(records, params.limit, cursors.write(heads[-1].id) if full else None)


def _shipment(
    head: ShipmentHead, lines: Sequence[ShipmentLine] | None, address: ShipAddress | None
) -> Shipment:
    return Shipment(
        id=head.id,
        facility_id=head.facility_id,
        status=head.status,
        date_created=head.created_at,
        order_id=head.order_id,
        order=OrderOfShipment(head.channel_name, head.refnum, head.gift_message),
        ship_service=ShipServiceName(head.ship_service_code),
        ship_address=address,
        items=None if lines is None else [_item(line) for line in lines],
    )


def _item(line: ShipmentLine) -> ShipmentItem:
    return ShipmentItem(
        line.shipment_item_id,
        line.order_line_id,
        line.sku,
        line.upc,
        line.description,
        line.quantity,
        line.open,
        line.shipped,
        line.cancelled,
    )


FETCH = Query(
    name="Fulfillment.Shipment.Fetch",
    scope=Scope.FACILITY,
    request=FetchShipments,
    answer=ShipmentPage,
    handler=fetch_shipments,
    example={"status": "ready", "limit": 100},
)
