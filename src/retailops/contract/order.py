"""An order as the hub tells it to the channel, and the interactions that only name or finish one."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator

from retailops.contract.base import Envelope, Integer, Money, WireModel
from retailops.contract.events import EventsResponse
from retailops.contract.shipment import Shipment


def _flag(value: object) -> object:
    # The older schemas type `removed` as a string in some interactions and as a boolean in others.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]


class OrderItem(WireModel):
    """A line as it stands now. `estimated_ship_date` is RFC 3339."""

    channel_item_refnum: str | None = None
    sku: str | None = None
    apportioned_ship_amt: Money | None = None
    order_item_id: Integer | None = None
    direct_ship_amt: Money | None = None
    estimated_cost: Money | None = None
    estimated_unit_cost: Money | None = None
    quantity: Integer | None = None
    unit_price: Money | None = None
    estimated_extended_cost: Money | None = None
    estimated_ship_date: str | None = None
    removed: Flag | None = None


class UnshippedItem(WireModel):
    """What will never ship. Effective prices are after discounts, in the order's currency."""

    channel_item_refnum: str | None = None
    sku: str | None = None
    ordered_quantity: Integer | None = None
    unshipped_quantity: Integer | None = None
    effective_unit_price: Money | None = None
    effective_extended_price: Money | None = None


class Order(WireModel):
    """`shipments` holds all fulfilled shipments so far, not only the latest.

    Leave `removed` out of the items except in order_update: the published schema of the other interactions
    refuses every value of it.
    """

    channel_order_refnum: str | None = None
    retailops_order_id: Integer | None = None
    grand_total: Money | None = None
    order_items: list[OrderItem] | None = None
    unshipped_items: list[UnshippedItem] | None = None
    shipments: list[Shipment] | None = None


class OrderReference(WireModel):
    """An order by both ids."""

    channel_order_refnum: str | None = None
    retailops_order_id: Integer | None = None


Outcome: TypeAlias = Literal["success", "fail"]


class OrderAcknowledgeRequest(Envelope):
    """Orders that are now durable in the hub; only now may the channel consider them imported."""

    orders: list[OrderReference] | None = None


class OrderAcknowledgeResponse(EventsResponse):
    """Events only."""


class OrderCancelRequest(Envelope):
    """Asks the channel to cancel the order."""

    order: OrderReference


class OrderCancelResponse(EventsResponse):
    """Whether the channel cancelled it; the reasons are in the events."""

    status: Outcome | None = None


class OrderCompleteRequest(Envelope):
    """Nothing more will ship: the order's `unshipped_items` should be cancelled in the channel."""

    order: Order


class OrderCompleteResponse(EventsResponse):
    """Whether the channel closed it; the reasons are in the events."""

    status: Outcome | None = None
