"""Rounding and sharing out money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailops.hub.money import CURRENCY_EXPONENTS, MONEY_MAX, apportion, exponent, quantize

D = Decimal

currencies = st.sampled_from([*CURRENCY_EXPONENTS, "SEK"])
amounts = st.decimals(-MONEY_MAX, MONEY_MAX, places=4)
weights = st.lists(st.decimals(0, MONEY_MAX, places=4) | st.integers(0, 1000), min_size=1, max_size=30)


@pytest.mark.parametrize(
    "amount,currency,expected",
    [
        ("1.005", "USD", "1.01"),
        ("-1.005", "USD", "-1.01"),
        ("1.0049", "USD", "1.00"),
        ("2.5", "JPY", "3"),
        ("1", "EUR", "1.00"),
        ("-0.001", "USD", "0.00"),
        ("7.125", "SEK", "7.13"),
        ("9999999999.99", "USD", "9999999999.99"),
    ],
)
def test_quantize(amount: str, currency: str, expected: str) -> None:
    assert str(quantize(D(amount), currency)) == expected


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "10000000000", "-1E+30", "9999999999.9999"]
)
def test_quantize_refuses_what_no_column_holds(amount: str) -> None:
    with pytest.raises(ValueError, match=r"^amount "):
        quantize(D(amount), "USD")


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDT", "ÜSD", "U5D"])
def test_currency_codes(currency: str) -> None:
    with pytest.raises(ValueError, match=r"is not an ISO 4217 code of three capital letters, such as USD$"):
        exponent(currency)


def test_contract_currencies() -> None:
    assert len(CURRENCY_EXPONENTS) == 12
    assert {code for code, places in CURRENCY_EXPONENTS.items() if places != 2} == {"JPY"}


@pytest.mark.parametrize(
    "total,shares,currency,expected",
    [
        ("10.00", [1, 1, 1], "USD", ["3.34", "3.33", "3.33"]),
        ("-10.00", [1, 1, 1], "USD", ["-3.34", "-3.33", "-3.33"]),
        ("0.01", [0, 5, 5], "USD", ["0.00", "0.01", "0.00"]),
        ("1.00", [0, 0, 0], "USD", ["0.34", "0.33", "0.33"]),
        ("0.00", [1, 2], "USD", ["0.00", "0.00"]),
        ("100", [1, 1, 1], "JPY", ["34", "33", "33"]),
        ("1.00", [1, 2, 4], "EUR", ["0.14", "0.29", "0.57"]),
        ("0.02", [50, 49, 1], "USD", ["0.01", "0.01", "0.00"]),
        ("-0.01", [1, 1], "USD", ["-0.01", "0.00"]),
    ],
)
def test_apportion(total: str, shares: list[int], currency: str, expected: list[str]) -> None:
    assert [str(share) for share in apportion(D(total), shares, currency)] == expected


def test_apportion_over_nothing() -> None:
    assert apportion(D(0), [], "USD") == []
    with pytest.raises(ValueError, match=r"^total 1\.00 USD cannot be shared over no weights$"):
        apportion(D("1.00"), [], "USD")


@pytest.mark.parametrize("weight", [D("-1"), D("NaN"), D("Infinity"), -1])
def test_apportion_names_the_bad_weight(weight: Decimal | int) -> None:
    with pytest.raises(ValueError, match=rf"^weight {weight} at position 1 is not a number from 0 up$"):
        apportion(D("1.00"), [1, weight], "USD")


def test_apportion_wants_whole_units() -> None:
    with pytest.raises(ValueError, match=r"^total 1\.001 is finer than the smallest unit of USD"):
        apportion(D("1.001"), [1], "USD")


@given(amount=amounts, currency=currencies)
def test_quantize_moves_at_most_half_a_unit(amount: Decimal, currency: str) -> None:
    unit = D(1).scaleb(-exponent(currency))
    if abs(amount) >= MONEY_MAX - 1:
        return
    rounded = quantize(amount, currency)
    assert abs(rounded - amount) <= unit / 2
    assert rounded % unit == 0
    assert quantize(rounded, currency) == rounded


@given(amount=st.integers(-(10**10) + 1, 10**10 - 1), shares=weights, currency=currencies)
def test_shares_sum_to_the_total_and_are_fair(
    amount: int, shares: list[Decimal | int], currency: str
) -> None:
    unit = D(1).scaleb(-exponent(currency))
    total = amount * unit
    parts = apportion(total, shares, currency)
    assert len(parts) == len(shares)
    assert sum(parts) == total
    whole = sum(shares)
    for part, weight in zip(parts, shares, strict=True):
        assert part % unit == 0
        assert part * total >= 0
        assert not (part == 0 and part.is_signed())
        if whole:
            # Within one unit of the exact share, compared in whole numbers: no rounding in the test.
            exact, own = int(total / unit) * int(weight * 10000), int(part / unit) * int(whole * 10000)
            assert abs(exact - own) < int(whole * 10000)
            assert part == 0 or weight > 0


@given(amount=st.integers(0, 10**9), shares=weights)
def test_a_credit_mirrors_the_charge(amount: int, shares: list[Decimal | int]) -> None:
    total = D(amount).scaleb(-2)
    charge, credit = apportion(total, shares, "USD"), apportion(-total, shares, "USD")
    assert [-part for part in credit] == charge
