"""The money of a return: pro-rated from what was charged, never worked out anew from rates. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.money import quantize


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """What a line was charged for `ordered` units, and how many of them have come back before."""

    ordered: int
    returned: int
    product: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal


@dataclass(frozen=True, slots=True)
class ReturnAmounts:
    """Shares of what was charged."""

    product: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal

    @property
    def credit(self) -> Decimal:
        """What the customer is to get back."""
        return max(Decimal(0), self.product - self.discount + self.tax + self.shipping)


def return_amounts(line: ChargedLine, *, quantity: int, currency: str, with_shipping: bool) -> ReturnAmounts:
    """Return the share of `quantity` units. Shares are taken on running totals: the last unit takes exactly the rest."""

    def share(total: Decimal) -> Decimal:
        before = quantize(total * line.returned / line.ordered, currency)
        after = quantize(total * (line.returned + quantity) / line.ordered, currency)
        return after - before

    shipping = share(line.shipping) if with_shipping else Decimal(0)
    return ReturnAmounts(share(line.product), share(line.discount), share(line.tax), shipping)
