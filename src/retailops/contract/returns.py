"""Returns and RMAs, and what the channel paid back for them."""

from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field

from retailops.contract.base import Envelope, Integer, Money, WireModel
from retailops.contract.events import EventsResponse
from retailops.contract.order import Order
from retailops.contract.payment import PaymentTransaction

_DIGITS_OF_AN_ID: Final = 18


def _rma_id(value: object) -> object:
    # The older schemas type it as a string, and their examples send the string "null".
    if not isinstance(value, str):
        return value
    if value in {"", "null"}:
        return None
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _DIGITS_OF_AN_ID else value


RmaId: TypeAlias = Annotated[Integer | None, BeforeValidator(_rma_id)]


class ReturnItem(WireModel):
    """One returned line. `restock_fee_amt` is kept from the refund."""

    retailops_item_id: Integer | None = None
    channel_item_refnum: str | None = None
    sku: str | None = None
    quantity: Integer | None = None
    reason: str | None = None
    item_shipping_tax_amt: Money | None = None
    tax_amt: Money | None = None
    shipping_amt: Money | None = None
    restock_fee_amt: Money | None = None
    giftwrap_amt: Money | None = None
    product_amt: Money | None = None
    recycling_amt: Money | None = None
    subtotal_amt: Money | None = None
    credit_amt: Money | None = None
    giftwrap_tax_amt: Money | None = None


class Return(WireModel):
    """`refund_action` is free text; refund and storecredit are in use."""

    retailops_return_id: Integer | None = None
    retailops_rma_id: RmaId = None
    external_rma_refnum: str | None = None
    product_amt: Money | None = None
    subtotal_amt: Money | None = None
    discount_amt: Money | None = None
    shipping_amt: Money | None = None
    tax_amt: Money | None = None
    refund_amt: Money | None = None
    refund_action: str | None = None
    items: list[ReturnItem] | None = None


class OrderReturnedRequest(Envelope):
    """Tells the channel what came back and what to refund."""

    order: Order | None = None
    return_: Return | None = Field(default=None, validation_alias="return", serialization_alias="return")


class ChannelReturn(WireModel):
    """Store credit the channel issued, if any."""

    channel_store_credit_amount: Money | None = None


class OrderReturnedResponse(EventsResponse):
    """`payment_transactions` are refunds the channel made, `return_` the store credit it issued."""

    payment_transactions: list[PaymentTransaction] | None = None
    return_: ChannelReturn | None = Field(
        default=None, validation_alias="return", serialization_alias="return"
    )
