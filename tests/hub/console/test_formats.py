"""How values look, and how CSV is read and written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailops.hub.console import formats
from retailops.hub.console.csv_export import FORMULA_STARTS, csv_lines, safe_cell
from retailops.hub.console.csv_import import CsvError, read_csv
from retailops.hub.orders.models import Order
from retailops.hub.tasks.rules import OutcomeClass

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "amount, currency, shown",
    [
        ("1234.5", "USD", "1,234.50 USD"), ("1234.5000", "USD", "1,234.50 USD"), ("0.0125", "USD", "0.0125 USD"),
        ("1200", "JPY", "1,200 JPY"), ("-3", "EUR", "-3.00 EUR"), ("5", "", "5.00"),
    ],
)  # fmt: skip
def test_money(amount: str, currency: str, shown: str) -> None:
    assert formats.money(Decimal(amount), currency) == shown


@pytest.mark.parametrize(
    "ago, shown",
    [(0, "now"), (30, "30 s ago"), (90, "1 min ago"),
     (7300, "2 h ago"), (3 * 86400, "3 d ago"), (-600, "in 10 min"), (90 * 86400, "3 months ago")],
)  # fmt: skip
def test_relative_times(ago: int, shown: str) -> None:
    assert formats.relative(NOW - timedelta(seconds=ago), NOW) == shown


def test_what_people_typed_is_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    for shown in (
        formats.chip(evil),
        formats.link("/x", evil),
        formats.code(evil),
        formats.fold("a", {"x": evil}),
        formats.moment(NOW),
    ):
        assert "<script>" not in shown


def test_states_that_stop_work_are_not_calm() -> None:
    calm = {
        state for state in [*Order.Status.values, *OutcomeClass] if "c-chip-calm" in formats.chip(str(state))
    }
    assert calm == {"received", "cancelled"}


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    assert not safe_cell(text).startswith(FORMULA_STARTS)


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0")), min_size=1, max_size=4
    )
)
def test_what_is_written_is_read_again(cells: list[str]) -> None:
    names = [f"column{number}" for number in range(len(cells))]
    content = "".join(csv_lines(names, [cells])).encode()
    rows = read_csv(content, required=names, optional=())
    read = list(rows[0].values.values()) if rows else [""] * len(cells)
    guarded = [cell.strip()[:1] == "'" and cell.strip()[1:].startswith(FORMULA_STARTS) for cell in cells]
    assert read == [
        cell.strip()[1:].strip() if was else cell.strip() for cell, was in zip(cells, guarded, strict=True)
    ]


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(content: bytes) -> None:
    try:
        rows = read_csv(content, required=["a"], optional=["b"])
    except CsvError:
        return
    assert all(set(row.values) >= {"a"} for row in rows)
