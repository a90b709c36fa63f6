"""order_pull: the channel's orders, as it hands them over."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from retailops.contract.base import (
    Address,
    Array,
    Attribute,
    Currency,
    Demanding,
    Envelope,
    Integer,
    Moment,
    Money,
    Number,
    Price,
    Quantity,
    Refnum,
    Tags,
    WireModel,
    at_most,
    one_of,
)
from retailops.contract.payment import PaymentTransaction


class SpecificOrder(WireModel):
    """An order to fetch again, by the channel's ref."""

    channel_refnum: str | None = None


class OrderPullRequest(Envelope):
    """`page_token` is blank at first.

    Leave `specific_orders` out when there are none: some channels take [] as a question for no orders.
    """

    # A hint to channels, not enforced here: a longer token is the channel's own, and only it can end the pull.
    page_token: Annotated[str, Field(json_schema_extra={"maxLength": 35})] | None = None
    specific_orders: list[SpecificOrder] | None = None


class ItemOption(WireModel):
    """Values of type bool are the strings "true" and "false"; of type image, a URL."""

    type: Annotated[str, one_of("text", "bool", "image")] | None = None
    name: str | None = None
    value: str | None = None
    code: str | None = None


class ItemValues(WireModel):
    """Tax is given here or on the order, not both; as unit_tax or unit_tax_pct, not both."""

    discount_amt: Money | None = None
    discount_pct: Number | None = None
    recycling_amt: Money | None = None
    ship_amt: Money | None = None
    shiptax_amt: Money | None = None
    unit_price: Price | None = None
    unit_tax: Money | None = None
    unit_tax_pct: Number | None = None
    vat_pct: Number | None = None


class PulledItem(WireModel):
    """`sku_description` describes a SKU the hub does not know.

    Items of type advisory never ship, those of type instore were bought in a shop.
    """

    channel_item_refnum: Refnum | None = None
    sku: str | None = None
    sku_description: str | None = None
    quantity: Quantity | None = None
    item_type: Literal["ship", "advisory", "instore"] | None = None
    currency_values: ItemValues | None = None
    options: Array[ItemOption] | None = None
    facility_id: Integer | None = None
    vendor_id: Integer | None = None
    fulfillment_actor_id: Integer | None = None
    attributes: Array[Attribute] | None = None
    tags: Tags | None = None
    expected_ship_date: str | None = None
    expected_arrival_date: str | None = None


class OrderValues(WireModel):
    """Amounts of the whole order that are not already on its items."""

    shipping_amt: Money | None = None
    tax_amt: Money | None = None
    discount_amt: Money | None = None


class Customer(WireModel):
    """The buyer."""

    email_address: str | None = None
    full_name: str | None = None
    phone_number: str | None = None


def _null_is_empty(value: object) -> object:
    return [] if value is None else value


Items: TypeAlias = Annotated[Array[PulledItem], BeforeValidator(_null_is_empty)]


class PulledOrder(Demanding):
    """One order of the channel. A field of `required_2022` is None only when read as an older schema."""

    required_2022: ClassVar[tuple[str, ...]] = ("ship_service_code", "billing_address", "shipping_address")

    channel_order_refnum: Refnum
    ship_service_code: str | None = None
    currency_code: Currency
    currency_values: OrderValues | None = None
    cancel: bool | None = None
    channel_date_created: Moment = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    order_items: Items
    gift_message: str | None = None
    payment_transactions: Array[PaymentTransaction] | None = None
    customer_info: Customer | None = None
    attributes: Array[Attribute] | None = None
    ip_address: str | None = None
    tags: Tags | None = None


class OrderPullResponse(WireModel):
    """A blank `next_page_token` ends the pull."""

    next_page_token: str | None = None
    orders: Annotated[list[PulledOrder], at_most(100)] | None = None
