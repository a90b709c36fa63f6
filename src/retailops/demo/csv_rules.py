"""What a row of a sales file means: an order line, a return, or nothing that can be ordered. Pure rules, no files.

The columns are those of the "Online Retail" files of a UK gift wholesaler. Their habits, and what we make of them:

=============================================== =====================================================
goods with a price                              an order line
goods without a price, customer named           an order line (a free gift)
carriage (POST, DOT, C2…), manual (M), vouchers an advisory order line: charged, nothing to ship
credit note (invoice starts with C), goods      a return of what the same customer bought at that price
credit note of a charge or discount, fees, …    rejected: no goods move
negative quantity without a credit note         rejected: a stock write-off
no price and no customer                        rejected: a stock correction
anything unreadable                             rejected, naming the column
=============================================== =====================================================
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d")
#: Codes that are charged for, but are no goods: carriage, manual entries, vouchers.
CHARGES = frozenset({"POST", "DOT", "C2", "C3", "M"})
#: Codes of the bookkeeping that no customer ordered.
BOOKKEEPING = {
    "AMAZONFEE": "a marketplace fee",
    "B": "a bad debt adjustment",
    "BANK CHARGES": "bank charges",
    "CRUK": "a charity commission",
    "D": "a discount",
    "S": "samples",
}
MAX_QUANTITY = 1_000_000
MAX_AMOUNT = Decimal(10) ** 9
MAX_INVOICE = 40
MAX_TEXT = 100
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


class Kind(StrEnum):
    """What a row that is not rejected becomes."""

    GOODS = "goods"
    CHARGE = "charge"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class SaleRow:
    """A row that can be read. `number` is its line in the file (the header is line 1); `customer` is empty for a guest."""

    number: int
    invoice: str
    code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str

    @property
    def is_credit_note(self) -> bool:
        """Whether the row takes something back."""
        return self.invoice.startswith("C")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that becomes neither an order line nor a return, and why."""

    number: int
    reason: str


class HeaderError(Exception):
    """The file does not have the columns of a sales file."""


def check_header(fields: Sequence[str]) -> None:
    """Accept the header of a sales file. Raises `HeaderError`, naming the columns that are wanted and missing."""
    found = [name.strip() for name in fields]
    if found != list(COLUMNS):
        missing = [name for name in COLUMNS if name not in found]
        problem = f"{', '.join(missing)} missing" if missing else f"found {', '.join(found)}"
        message = f"the first line must name the columns {', '.join(COLUMNS)}, in this order; {problem}"
        raise HeaderError(message)


def read_row(number: int, fields: Sequence[str]) -> SaleRow | Rejection:  # noqa: PLR0911 - one a problem
    """Read the fields of one line; what can't be read is rejected, naming the column."""
    if len(fields) != len(COLUMNS):
        return Rejection(number, f"not {len(COLUMNS)} columns")
    texts = [text.strip() for text in fields]
    invoice, code, description, quantity, date, price, customer, country = texts
    for name, text, longest in (("InvoiceNo", invoice, MAX_INVOICE), ("StockCode", code, MAX_TEXT)):
        if not text:
            return Rejection(number, f"{name} is empty")
        if len(text) > longest or _CONTROL.search(text):
            return Rejection(number, f"{name} is longer than {longest} characters or has control characters")
    units, amount, at = _whole_number(quantity), _money(price), _date(date)
    if units is None or not 0 < abs(units) <= MAX_QUANTITY:
        return Rejection(number, f"Quantity is not a whole number other than 0, up to {MAX_QUANTITY}")
    if amount is None or amount * abs(units) >= MAX_AMOUNT:
        return Rejection(number, "UnitPrice is not an amount of at most four decimals, or too large")
    if at is None:
        return Rejection(number, "InvoiceDate is not a date")
    return SaleRow(
        number=number,
        invoice=invoice.upper(),
        code=code.upper(),
        description=_CONTROL.sub(" ", description)[: 2 * MAX_TEXT],
        quantity=units,
        at=at,
        price=amount,
        customer=_CONTROL.sub("", customer).removesuffix(".0")[:MAX_TEXT],
        country=_CONTROL.sub("", country)[:MAX_TEXT] or "Unspecified",
    )


def judge_row(row: SaleRow) -> Kind | Rejection:
    """Decide what a row is. A `RETURN` still has to be matched with what was sold, see `Sales`."""
    reason = _why_not(row)
    if reason:
        return Rejection(row.number, reason)
    if row.is_credit_note:
        return Kind.RETURN
    return Kind.CHARGE if is_charge(row.code) else Kind.GOODS


def is_charge(code: str) -> bool:
    """Whether a stock code stands for money only."""
    return code in CHARGES or code.startswith("GIFT_")


def _why_not(row: SaleRow) -> str:
    rules = (
        (row.price < 0, "negative price: a bookkeeping entry"),
        (row.code in BOOKKEEPING, f"no sale: {BOOKKEEPING.get(row.code)}"),
        (
            not row.invoice.removeprefix("C")[:1].isdigit(),
            "not an invoice: its number starts with a letter other than C",
        ),
        (row.is_credit_note and row.quantity > 0, "credit note with a positive quantity"),
        (row.is_credit_note and is_charge(row.code), "credit note of a charge: no goods come back"),
        (
            row.is_credit_note and not row.customer,
            "credit note without a customer: nothing tells which sale it is of",
        ),
        (
            not row.is_credit_note and row.quantity < 0,
            "negative quantity without a credit note: a stock write-off",
        ),
        (not row.price and is_charge(row.code), "charge without a price"),
        (not row.price and not row.customer, "no price and no customer: a stock correction"),
    )
    return next((reason for applies, reason in rules if applies), "")


@dataclass(slots=True)
class SoldLine:
    """Units of one order line that have not come back. `position` counts the order's lines from 1."""

    refnum: str
    position: int
    left: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Units of an order line that a return takes back."""

    refnum: str
    position: int
    quantity: int


@dataclass(slots=True)
class Sales:
    """What was sold so far in the file, to find the sale that a credit note is of."""

    _lines: dict[tuple[str, str, Decimal], list[SoldLine]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: SaleRow, refnum: str, position: int) -> None:
        """Note a sale. A guest's is not noted: nothing could be matched with it."""
        if row.customer:
            self._lines[row.customer, row.code, row.price].append(SoldLine(refnum, position, row.quantity))

    def take_back(self, row: SaleRow) -> Sequence[Taken] | Rejection:
        """Match a credit note with lines of one earlier order of the same customer, code and price, the newest that will do."""
        lines = self._lines.get((row.customer, row.code, row.price), [])
        for refnum in dict.fromkeys(line.refnum for line in reversed(lines)):
            of_order = [line for line in lines if line.refnum == refnum]
            if sum(line.left for line in of_order) >= -row.quantity:
                return _take(of_order, -row.quantity)
        if lines:
            return Rejection(
                row.number, "credit note: more units than are left of any matching sale in this file"
            )
        return Rejection(row.number, "credit note: no matching sale in this file")


def _take(lines: Sequence[SoldLine], units: int) -> list[Taken]:
    taken = []
    for line in lines:
        part = min(units, line.left)
        if part:
            taken.append(Taken(line.refnum, line.position, part))
            line.left -= part
            units -= part
    return taken


def _whole_number(text: str) -> int | None:
    value = _decimal(text)
    return int(value) if value is not None and value == value.to_integral_value() else None


def _money(text: str) -> Decimal | None:
    value = _decimal(text)
    if value is None or value != round(value, 4):
        return None
    return round(value, 4).normalize() + 0


def _decimal(text: str) -> Decimal | None:
    """Read a plain number: no NaN, no exponents that would not fit, no digit groups."""
    if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern lets only numbers through
        return None


def _date(text: str) -> datetime | None:
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
