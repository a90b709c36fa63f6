"""Amounts of money: rounding and sharing out. Pure functions on ``Decimal``; an amount never is a float."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

MONEY_MAX = Decimal("9999999999.9999")
"""The largest amount a ``NUMERIC(14,4)`` column holds."""

CURRENCY_EXPONENTS = {
    "AUD": 2,
    "CAD": 2,
    "CHF": 2,
    "EUR": 2,
    "GBP": 2,
    "HKD": 2,
    "JPY": 0,
    "MXN": 2,
    "NZD": 2,
    "PLN": 2,
    "SGD": 2,
    "USD": 2,
}
"""Decimal places of the currencies of the channel contract; any other currency has two."""


def exponent(currency: str) -> int:
    """Decimal places of a currency (ISO 4217 code). Raises ``ValueError`` for what is no such code."""
    if not re.fullmatch("[A-Z]{3}", currency):
        msg = f"currency {currency!r} is not an ISO 4217 code of three capital letters, such as USD"
        raise ValueError(msg)
    return CURRENCY_EXPONENTS.get(currency, 2)


def quantize(amount: Decimal, currency: str) -> Decimal:
    """``amount`` rounded to the currency's smallest unit, halves away from zero; zero has no sign.

    Raises ``ValueError`` for NaN, infinity and amounts beyond ``MONEY_MAX``.
    """
    places = exponent(currency)
    if not amount.is_finite() or abs(amount) > MONEY_MAX:
        msg = f"amount {amount:.30} is not a number between -{MONEY_MAX} and {MONEY_MAX}"
        raise ValueError(msg)
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if abs(rounded) > MONEY_MAX:
        msg = f"amount {amount} rounds to {rounded} {currency}, beyond {MONEY_MAX}"
        raise ValueError(msg)
    return rounded or abs(rounded)


def apportion(total: Decimal, weights: Sequence[Decimal | int], currency: str) -> list[Decimal]:
    """Share ``total`` in proportion to ``weights``, in whole smallest units; the shares sum to it exactly.

    Largest remainder: units left over go to the shares that rounding down took most from, earlier ones
    first. A weight of zero gets nothing, unless all are zero: then all count the same. A negative total
    gives the negated shares of the positive one.

    Raises ``ValueError`` for a total finer than the smallest unit (``quantize`` it first), negative or
    non-finite weights, and a total other than zero with nothing to share it over.
    """
    quantized = quantize(total, currency)
    if quantized != total:
        msg = f"total {total} is finer than the smallest unit of {currency}: quantize it first"
        raise ValueError(msg)
    shares = _exact_weights(weights)
    if not shares:
        if total:
            msg = f"total {total} {currency} cannot be shared over no weights"
            raise ValueError(msg)
        return []
    unit = Decimal(1).scaleb(-exponent(currency))
    units = int(abs(quantized) / unit)
    sign = -1 if quantized < 0 else 1
    return [sign * count * unit if count else count * unit for count in _largest_remainder(units, shares)]


def _exact_weights(weights: Sequence[Decimal | int]) -> list[Fraction]:
    for position, weight in enumerate(weights):
        if not Decimal(weight).is_finite() or weight < 0:
            msg = f"weight {weight} at position {position} is not a number from 0 up"
            raise ValueError(msg)
    exact = [Fraction(weight) for weight in weights]
    return exact if any(exact) else [Fraction(1)] * len(exact)


def _largest_remainder(units: int, weights: list[Fraction]) -> list[int]:
    whole = sum(weights)
    ideal = [units * weight / whole for weight in weights]
    counts = [int(share) for share in ideal]
    by_remainder = sorted(range(len(ideal)), key=lambda index: counts[index] - ideal[index])
    for index in by_remainder[: units - sum(counts)]:
        counts[index] += 1
    return counts
