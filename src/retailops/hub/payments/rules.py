"""What an order's shipped goods are worth. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.money import quantize

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line's money (`total`: goods less discount, with tax, shipping and recycling) and where its units are."""

    total: Decimal
    ordered: int
    shipped: int
    cancelled: int


def amount_due(lines: Sequence[BilledLine], *, order_level: Decimal, currency: str) -> Decimal:
    """Return what may be captured for what has shipped so far.

    A line's shipped units are worth their share of the line; the amounts on the order itself (shipping + tax −
    discount) fall due in proportion to the goods that will ship at all. Shares are rounded on running totals, so that
    the last shipment takes exactly the rest.
    """
    shipped = sum((_share(line.total, line.shipped, line.ordered, currency) for line in lines), ZERO)
    to_ship = sum(
        (_share(line.total, line.ordered - line.cancelled, line.ordered, currency) for line in lines), ZERO
    )
    if to_ship <= 0:
        ended = all(line.shipped + line.cancelled == line.ordered for line in lines)
        everything = ended and any(line.shipped for line in lines)
        return max(ZERO, quantize(order_level, currency) if everything else ZERO)
    return max(ZERO, shipped + quantize(order_level * shipped / to_ship, currency))


def _share(total: Decimal, units: int, of: int, currency: str) -> Decimal:
    return quantize(total * units / of, currency) if of else ZERO
