"""order_update: the hub tells what changed; the channel answers with its line refs and new money."""

from retailops.contract.base import Envelope, Integer, Money, Number, WireModel
from retailops.contract.events import EventsResponse
from retailops.contract.order import Order
from retailops.contract.returns import Return


class OrderUpdateRequest(Envelope):
    """`rmas` left out means that no return changed."""

    rmas: list[Return] | None = None
    order: Order | None = None


class LineItem(WireModel):
    """`refnum` is the channel's reference for the hub's line `order_item_id`."""

    order_item_id: Integer
    discount_amt: Money | None = None
    discount_pct: Number | None = None
    quantity: Integer | None = None
    refnum: str
    ship_amt: Money | None = None
    shiptax_amt: Money | None = None
    unit_tax: Money | None = None
    unit_tax_pct: Number | None = None


class UpdatedValues(WireModel):
    """Money of the whole order as the channel recalculated it."""

    discount_amt: Money | None = None
    discount_pct: Number | None = None
    shipping_amt: Money | None = None
    tax_amt: Money | None = None
    tax_pct: Number | None = None


class OrderUpdateResponse(EventsResponse):
    """What the channel assigned and recalculated."""

    line_items: list[LineItem] | None = None
    values: UpdatedValues | None = None
