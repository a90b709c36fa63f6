"""What falls due as goods ship, and what is given back as they return: shares that add up to the whole."""

from __future__ import annotations

import itertools
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from retailops.hub.money import exponent, quantize
from retailops.hub.payments.rules import BilledLine, amount_due
from retailops.hub.returns.rules import ChargedLine, return_amounts

amounts = st.decimals(min_value=0, max_value=1000, places=2)
currencies = st.sampled_from(["USD", "JPY"])
#: A line: its total, and units shipped at each step.
lines_of = st.lists(
    st.tuples(amounts, st.lists(st.integers(0, 4), min_size=1, max_size=5)), min_size=1, max_size=4
)


def _billed(
    total: Decimal, steps: list[int], done: int, *, ordered: int | None = None, cancelled: int = 0
) -> BilledLine:
    return BilledLine(total, sum(steps) if ordered is None else ordered, sum(steps[:done]), cancelled)


@given(lines=lines_of, order_level=amounts, currency=currencies)
def test_captures_only_rise_and_add_up_to_the_whole_whatever_the_split(lines, order_level, currency):
    longest = max(len(steps) for _, steps in lines)
    due = [
        amount_due(
            [_billed(total, steps, done) for total, steps in lines],
            order_level=order_level,
            currency=currency,
        )
        for done in range(longest + 1)
    ]
    assert due == sorted(due)
    assert due[0] == 0
    captures = [after - before for before, after in itertools.pairwise(due)]
    shipped = any(sum(steps) for _, steps in lines)
    whole = sum((quantize(total, currency) for total, steps in lines if sum(steps)), Decimal(0)) + quantize(
        order_level, currency
    )
    assert sum(captures) == (whole if shipped else 0)
    assert all(value % Decimal(1).scaleb(-exponent(currency)) == 0 for value in due)


@given(lines=lines_of, order_level=amounts, discount=amounts)
def test_a_discount_on_the_order_is_shared_out_too(lines, order_level, discount):
    total = sum((quantize(line, "USD") for line, steps in lines if sum(steps)), Decimal(0))
    level = max(order_level - discount, -total)
    everything = [_billed(total, steps, len(steps)) for total, steps in lines]
    due = amount_due(everything, order_level=level, currency="USD")
    assert due == (total + level if any(sum(steps) for _, steps in lines) else 0)


@given(lines=lines_of, order_level=amounts, cancel=st.integers(0, 10))
def test_cancelling_the_rest_never_lowers_what_is_due(lines, order_level, cancel):
    def due(cancelled: int) -> Decimal:
        billed = [
            _billed(total, steps, len(steps), ordered=sum(steps) + 10, cancelled=cancelled)
            for total, steps in lines
        ]
        return amount_due(billed, order_level=order_level, currency="USD")

    assert due(cancel) <= due(10)


def test_shipping_falls_due_in_proportion_and_all_of_it_with_the_last():
    def due(shipped: int, cancelled: int = 0) -> Decimal:
        return amount_due(
            [BilledLine(Decimal("30.00"), 3, shipped, cancelled)], order_level=Decimal("5.00"), currency="USD"
        )

    assert [due(0), due(1), due(2), due(3), due(1, 2), due(0, 3)] == [
        Decimal(0), Decimal("11.67"), Decimal("23.33"), Decimal("35.00"), Decimal("15.00"), Decimal(0),
    ]  # fmt: skip


def test_free_goods_still_owe_their_shipping_at_the_end():
    free = (
        [BilledLine(Decimal(0), 2, 1, 0)],
        [BilledLine(Decimal(0), 2, 2, 0)],
        [BilledLine(Decimal(0), 2, 0, 2)],
    )
    assert [amount_due(lines, order_level=Decimal(4), currency="USD") for lines in free] == [0, 4, 0]


@given(
    charged=st.tuples(amounts, amounts, amounts, amounts),
    splits=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    currency=currencies,
)
def test_the_last_unit_back_takes_exactly_the_rest(charged, splits, currency):
    product, discount, tax, shipping = (quantize(amount, currency) for amount in charged)
    returned, sums = 0, [Decimal(0)] * 4
    for quantity in splits:
        line = ChargedLine(sum(splits), returned, product, discount, tax, shipping)
        share = return_amounts(line, quantity=quantity, currency=currency, with_shipping=True)
        parts = (share.product, share.discount, share.tax, share.shipping)
        assert min(parts) >= 0
        assert share.credit == max(Decimal(0), share.product - share.discount + share.tax + share.shipping)
        sums = [a + b for a, b in zip(sums, parts, strict=True)]
        returned += quantity
    assert sums == [product, discount, tax, shipping]


def test_shipping_is_given_back_only_when_asked_for():
    line = ChargedLine(3, 0, Decimal("10.00"), Decimal("1.00"), Decimal("2.00"), Decimal("5.00"))
    shares = return_amounts(line, quantity=1, currency="USD", with_shipping=False)
    assert (shares.product, shares.discount, shares.tax, shares.shipping, shares.credit) == (
        Decimal("3.33"), Decimal("0.33"), Decimal("0.67"), Decimal(0), Decimal("3.67"),
    )  # fmt: skip
