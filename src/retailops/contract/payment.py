"""Payments: transactions, settling what was shipped, and asking the channel for a refund."""

from typing import Annotated, ClassVar, Literal

from retailops.contract.base import Currency, Demanding, Envelope, Integer, Money, WireModel, one_of
from retailops.contract.events import EventsResponse
from retailops.contract.order import Order


class PaymentTransaction(Demanding):
    """One movement of money. No `status` means success.

    The older schemas know giftcard, channel_storecredit and authorize.net; they can be read and never built.
    """

    required_2022: ClassVar[tuple[str, ...]] = ("payment_type", "amount", "transaction_type")

    payment_processing_type: (
        Annotated[
            Literal["channel_payment", "channel_giftcert", "channel_storecredit", "authorize.net"],
            one_of("channel_payment", "channel_giftcert"),
        ]
        | None
    ) = None
    transaction_type: (
        Annotated[
            Literal["auth", "charge", "capture", "credit", "giftcard"],
            one_of("auth", "charge", "capture", "credit"),
        ]
        | None
    ) = None
    payment_type: str | None = None
    amount: Money | None = None
    message: str | None = None
    status: Literal["canceled", "success", "fail", "decline", "timeout"] | None = None
    refnum: str | None = None


class Payment(WireModel):
    """`payment_series_id` groups the transactions that belong together in the hub."""

    currency_code: Currency | None = None
    payment_series_id: Integer | None = None
    payment_transactions: list[PaymentTransaction] | None = None


class OrderSettlePaymentRequest(Envelope):
    """Asks the channel to capture what was authorised."""

    order: Order | None = None
    payment: Payment | None = None


class OrderSettlePaymentResponse(EventsResponse):
    """Events only."""


class CreditRequest(WireModel):
    """How much to pay back, and the transactions it was paid with."""

    amount: Money | None = None
    parent_payment_transactions: list[PaymentTransaction] | None = None


class PaymentCreditRequest(Envelope):
    """Asks the channel for a refund."""

    credit: CreditRequest | None = None


class PaymentCreditResponse(PaymentTransaction):
    """The transaction the channel made."""
