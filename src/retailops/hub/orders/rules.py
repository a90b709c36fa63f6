"""Orders without a database: their status, the money on them, and what keeps them on hold. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from retailops.hub.money import MONEY_MAX, quantize

ZERO = Decimal(0)
HUNDRED = Decimal(100)
#: The kinds of hold that an order's content can be the reason for (see `IncomingOrder.find_holds`).
CONTENT_HOLDS = ("unknown_sku", "address", "payment", "contract")


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The counters summed over an order's lines, and the facts that its status is derived from."""

    ordered: int
    open: int
    planned: int
    shipped: int
    cancelled: bool = False
    completed: bool = False
    on_hold: bool = False
    routed: bool = False
    acknowledged: bool = False
    channel_incomplete: bool = False


def derive_status(facts: OrderFacts) -> str:
    """Return the status that the facts add up to; the first that fits, from the most final down."""
    rules = (
        ("cancelled", facts.cancelled),
        ("completed", facts.completed),
        ("channel_incomplete", facts.channel_incomplete),
        ("on_hold", facts.on_hold),
        ("shipped", facts.shipped > 0 and not facts.open and not facts.planned),
        ("partially_shipped", facts.shipped > 0),
        ("released", facts.planned > 0 and not facts.open),
        ("partially_routed", facts.planned > 0),
        ("backordered", facts.routed),
        ("ready", facts.acknowledged),
    )
    return next((status for status, fits in rules if fits), "received")


@dataclass(frozen=True, slots=True)
class LineMoney:
    """The amounts of a line as a channel may give them; all for the whole line but those named unit."""

    unit_price: Decimal = ZERO
    discount_amt: Decimal | None = None
    discount_pct: Decimal | None = None
    unit_tax: Decimal | None = None
    unit_tax_pct: Decimal | None = None
    ship_amt: Decimal | None = None
    shiptax_amt: Decimal | None = None
    recycling_amt: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """The amounts of a line resolved to money, for the whole line."""

    extended: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    recycling: Decimal

    @property
    def total(self) -> Decimal:
        """What the customer pays for the line."""
        return self.extended - self.discount + self.tax + self.shipping + self.recycling


def resolve_line(money: LineMoney, *, quantity: int, currency: str) -> LineAmounts:
    """Resolve percentages and unit amounts. An amount given outright wins over its percentage."""
    extended = money.unit_price * quantity
    discount = money.discount_amt
    if discount is None:
        discount = extended * (money.discount_pct or ZERO) / HUNDRED
    if money.unit_tax is not None:
        tax = money.unit_tax * quantity
    else:
        tax = (extended - discount) * (money.unit_tax_pct or ZERO) / HUNDRED
    return LineAmounts(
        extended=quantize(extended, currency),
        discount=quantize(discount, currency),
        tax=quantize(tax, currency),
        shipping=quantize((money.ship_amt or ZERO) + (money.shiptax_amt or ZERO), currency),
        recycling=quantize(money.recycling_amt or ZERO, currency),
    )


@dataclass(frozen=True, slots=True)
class IncomingLine:
    """A line as sent; `currency_values` are the amounts in the channel's own words, `amounts` what they come to."""

    channel_item_refnum: str
    sku_code: str
    quantity: int
    amounts: LineAmounts
    unit_price: Decimal = ZERO
    description: str = ""
    item_type: str = "ship"
    currency_values: Mapping[str, object] = field(default_factory=dict)
    options: Sequence[Mapping[str, object]] = ()
    attributes: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True, slots=True)
class IncomingAddress:
    """An address as sent; state and country may be codes or names."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    phone_number: str = ""


@dataclass(frozen=True, slots=True)
class IncomingCustomer:
    """Who bought."""

    full_name: str = ""
    email_address: str = ""
    phone_number: str = ""


@dataclass(frozen=True, slots=True)
class IncomingPayment:
    """`kind` is auth, charge, capture or refund; `state` is succeeded or failed."""

    kind: str
    amount: Decimal
    state: str = "succeeded"
    payment_type: str = ""
    processing_type: str = ""
    refnum: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class IncomingOrder:
    """An order as a channel hands it over, in our terms. Money is resolved; `content_hash` names this exact content."""

    channel_refnum: str
    currency: str
    content_hash: str
    lines: Sequence[IncomingLine]
    ship_service_code: str = ""
    billing: IncomingAddress | None = None
    shipping: IncomingAddress | None = None
    customer: IncomingCustomer = IncomingCustomer()
    payments: Sequence[IncomingPayment] = ()
    shipping_amt: Decimal = ZERO
    tax_amt: Decimal = ZERO
    discount_amt: Decimal = ZERO
    gift_message: str = ""
    ip_address: str = ""
    attributes: Sequence[Mapping[str, object]] = ()
    tags: Sequence[str] = ()
    channel_created_at: datetime | None = None
    cancel: bool = False
    problems: Sequence[str] = ()

    @property
    def grand_total(self) -> Decimal:
        """The sum of everything on the order, never below zero (see `find_holds`)."""
        return max(ZERO, self._sum())

    def _sum(self) -> Decimal:
        lines = sum((line.amounts.total for line in self.lines), ZERO)
        return lines + self.shipping_amt + self.tax_amt - self.discount_amt

    def find_holds(self, known_skus: Mapping[str, int]) -> dict[str, str]:
        """Return hold kind → reason for everything that must be looked at before this order is routed."""
        holds: dict[str, str] = {}
        ships = [line for line in self.lines if line.item_type == "ship"]
        unknown = sorted({line.sku_code for line in ships if line.sku_code not in known_skus})
        if unknown:
            holds["unknown_sku"] = f"not in the catalog: {', '.join(unknown)}"
        missing = missing_address_fields(self.shipping) if ships else []
        if missing:
            holds["address"] = f"shipping address lacks {', '.join(missing)}"
        payment = self._payment_problem()
        if payment:
            holds["payment"] = payment
        problems = list(self.problems)
        refnums = [line.channel_item_refnum for line in self.lines if line.channel_item_refnum]
        if len(refnums) > len(set(refnums)):
            problems.append("two items have the same channel_item_refnum")
        if not sum(line.quantity for line in self.lines):
            problems.append("the order has no units")
        if self._sum() < 0:
            problems.append(f"the amounts add up to {self._sum()}")
        if problems:
            holds["contract"] = "; ".join(problems)[:500]
        return holds

    def _payment_problem(self) -> str:
        """Name what is wrong with the payments. No payments at all is the channel's way of saying it deals with them."""
        if not self.payments:
            return ""
        refused = [payment for payment in self.payments if payment.state == "failed"]
        paid = sum(
            (p.amount for p in self.payments if p.state == "succeeded" and p.kind in ("auth", "charge")), ZERO
        )
        if paid >= self.grand_total:
            return ""
        if refused:
            return f"a payment of {refused[0].amount} {self.currency} was refused: {refused[0].message or 'no reason given'}"
        return f"payments cover {paid} of {self.grand_total} {self.currency}"

    def unacceptable(self) -> str:
        """Return why this order can't be stored at all; empty when it can."""
        if not self.lines:
            return "order_items is empty: an order needs at least one item"
        amounts = [
            value
            for line in self.lines
            for value in (line.unit_price, line.amounts.extended, line.amounts.total)
        ]
        if max(self.grand_total, *map(abs, amounts)) > MONEY_MAX:
            return f"an amount exceeds {MONEY_MAX}"
        if sum(line.quantity for line in self.lines) >= 2**31:
            return "the quantities exceed 2147483647"
        return ""


def missing_address_fields(address: IncomingAddress | None) -> list[str]:
    """Name what a parcel can't travel without. State and postal code are not used everywhere in the world."""
    if address is None:
        return ["everything"]
    required = {
        "a name": address.first_name or address.last_name or address.company,
        "a street": address.address1,
        "a city": address.city,
        "a country": address.country,
    }
    return [name for name, value in required.items() if not value.strip()]
