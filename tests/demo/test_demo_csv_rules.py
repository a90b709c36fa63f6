"""What each kind of row of a sales file becomes."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from retailops.demo.csv_file import MAX_LINE_BYTES, invoices, read_file
from retailops.demo.csv_rules import (
    COLUMNS,
    HeaderError,
    Kind,
    Rejection,
    SaleRow,
    Sales,
    Taken,
    check_header,
    judge_row,
    read_row,
)

REAL_FILES = Path(__file__).parents[2] / ".." / "shared" / "data" / "retail"
HEADER = ",".join(COLUMNS)
GOOD = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "WHITE T-LIGHT HOLDER",
    "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850.0",
    "Country": "United Kingdom",
}


def row(**changes: str) -> SaleRow:
    read = read_row(2, list((GOOD | changes).values()))
    assert isinstance(read, SaleRow), read
    return read


def reason(**changes: str) -> str:
    read = read_row(2, list((GOOD | changes).values()))
    verdict = read if isinstance(read, Rejection) else judge_row(read)
    assert isinstance(verdict, Rejection), verdict
    assert verdict.number == 2
    return verdict.reason


def test_a_row_is_read() -> None:
    assert row() == SaleRow(
        number=2,
        invoice="536365",
        code="85123A",
        description="WHITE T-LIGHT HOLDER",
        quantity=6,
        at=datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
        price=Decimal("2.55"),
        customer="17850",
        country="United Kingdom",
    )


@pytest.mark.parametrize(
    "changes, kind",
    [
        ({}, Kind.GOODS),
        ({"CustomerID": ""}, Kind.GOODS),
        ({"UnitPrice": "0.0"}, Kind.GOODS),  # a free gift for a known customer
        ({"StockCode": "DCGS0076"}, Kind.GOODS),
        ({"Description": "?"}, Kind.GOODS),
        ({"Description": ""}, Kind.GOODS),
        ({"Description": "damages"}, Kind.GOODS),
        ({"StockCode": "POST"}, Kind.CHARGE),
        ({"StockCode": "DOT", "CustomerID": ""}, Kind.CHARGE),
        ({"StockCode": "C2"}, Kind.CHARGE),
        ({"StockCode": "m"}, Kind.CHARGE),
        ({"StockCode": "gift_0001_40"}, Kind.CHARGE),
        ({"InvoiceNo": "C536379", "Quantity": "-1"}, Kind.RETURN),
        ({"InvoiceNo": "c536379", "Quantity": "-1"}, Kind.RETURN),
    ],
)
def test_what_is_ordered_or_comes_back(changes: dict[str, str], kind: Kind) -> None:
    assert judge_row(row(**changes)) is kind


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"Quantity": "-6"}, "negative quantity without a credit note: a stock write-off"),
        ({"UnitPrice": "0", "CustomerID": ""}, "no price and no customer: a stock correction"),
        ({"UnitPrice": "-11062.06"}, "negative price: a bookkeeping entry"),
        ({"StockCode": "M", "UnitPrice": "0"}, "charge without a price"),
        ({"StockCode": "D", "InvoiceNo": "C1", "Quantity": "-1"}, "no sale: a discount"),
        ({"StockCode": "D"}, "no sale: a discount"),
        ({"StockCode": "S"}, "no sale: samples"),
        ({"StockCode": "AMAZONFEE"}, "no sale: a marketplace fee"),
        ({"StockCode": "Bank Charges"}, "no sale: bank charges"),
        ({"StockCode": "CRUK"}, "no sale: a charity commission"),
        ({"InvoiceNo": "A563185", "StockCode": "B"}, "no sale: a bad debt adjustment"),
        ({"InvoiceNo": "A563185"}, "not an invoice: its number starts with a letter other than C"),
        ({"InvoiceNo": "C"}, "not an invoice: its number starts with a letter other than C"),
        ({"InvoiceNo": "C1"}, "credit note with a positive quantity"),
        (
            {"InvoiceNo": "C1", "StockCode": "POST", "Quantity": "-1"},
            "credit note of a charge: no goods come back",
        ),
        (
            {"InvoiceNo": "C1", "CustomerID": "", "Quantity": "-1"},
            "credit note without a customer: nothing tells which sale it is of",
        ),
        ({"InvoiceNo": " "}, "InvoiceNo is empty"),
        ({"StockCode": ""}, "StockCode is empty"),
        ({"StockCode": "A" * 101}, "StockCode is longer than 100 characters or has control characters"),
        ({"StockCode": "A\0B"}, "StockCode is longer than 100 characters or has control characters"),
    ],
)
def test_what_is_rejected(changes: dict[str, str], why: str) -> None:
    assert reason(**changes) == why


@pytest.mark.parametrize(
    "text", ["", "0", "-0", "six", "1.5", "1e3", "NaN", "1,000", "\uff11\uff12", "1000001", "9" * 30]
)
def test_quantities_that_are_none(text: str) -> None:
    assert reason(Quantity=text) == "Quantity is not a whole number other than 0, up to 1000000"


@pytest.mark.parametrize("text", ["", "two", "2,55", "NaN", "Infinity", "1e9", "0.00001", "1000000000"])
def test_prices_that_are_none(text: str) -> None:
    assert reason(UnitPrice=text) == "UnitPrice is not an amount of at most four decimals, or too large"


@pytest.mark.parametrize("text", ["", "yesterday", "2010-13-01 08:26:00", "2010-02-30 08:26:00"])
def test_dates_that_are_none(text: str) -> None:
    assert reason(InvoiceDate=text) == "InvoiceDate is not a date"


@pytest.mark.parametrize(
    "text", ["2010-12-01 08:26:00", "2010-12-01 08:26", "2010-12-01T08:26:00", "12/1/2010 8:26"]
)
def test_dates_as_exports_write_them(text: str) -> None:
    assert row(InvoiceDate=text).at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def test_numbers_as_exports_write_them() -> None:
    read = row(Quantity="6.0", UnitPrice="100", CustomerID="", Country="")
    assert (read.quantity, str(read.price), read.customer, read.country) == (6, "100", "", "Unspecified")


def test_control_characters_leave_a_description() -> None:
    assert row(Description="A\0B\tC").description == "A B C"


@pytest.mark.parametrize("count", [0, 7, 9])
def test_a_row_of_other_width_is_rejected(count: int) -> None:
    assert read_row(5, ["x"] * count) == Rejection(5, "not 8 columns")


def test_a_wrong_header_names_the_columns() -> None:
    with pytest.raises(
        HeaderError, match=r"InvoiceNo, StockCode, .* in this order; StockCode, Country missing"
    ):
        check_header([name for name in COLUMNS if name not in ("StockCode", "Country")])
    with pytest.raises(HeaderError, match="found Country, "):
        check_header(list(reversed(COLUMNS)))


def back(quantity: int, **changes: str) -> SaleRow:
    return row(**({"InvoiceNo": "C9", "Quantity": str(quantity)} | changes))


def test_a_return_is_matched_with_the_customers_sales_at_that_price() -> None:
    sales = Sales()
    sales.add(row(Quantity="6"), "1", 1)
    sales.add(row(Quantity="4"), "2", 3)
    sales.add(row(Quantity="50", UnitPrice="2.10"), "3", 1)
    sales.add(row(Quantity="50", CustomerID="1"), "4", 1)
    too_many = Rejection(2, "credit note: more units than are left of any matching sale in this file")
    assert sales.take_back(back(-3)) == [Taken("2", 3, 3)]
    assert sales.take_back(back(-7)) == too_many  # six of one order, one of the other: not one sale
    assert sales.take_back(back(-2)) == [Taken("1", 1, 2)]
    assert sales.take_back(back(-1)) == [Taken("2", 3, 1)]
    assert sales.take_back(back(-4)) == [Taken("1", 1, 4)]
    assert sales.take_back(back(-1)) == too_many
    assert sales.take_back(back(-1, StockCode="X")) == Rejection(
        2, "credit note: no matching sale in this file"
    )


def test_a_return_may_be_of_several_lines_of_one_order() -> None:
    sales = Sales()
    sales.add(row(Quantity="2"), "1", 1)
    sales.add(row(Quantity="3"), "1", 4)
    assert sales.take_back(back(-4)) == [Taken("1", 1, 2), Taken("1", 4, 2)]


def test_a_guests_sale_is_nobodys() -> None:
    sales = Sales()
    sales.add(row(CustomerID=""), "1", 1)
    assert isinstance(sales.take_back(back(-1, CustomerID="")), Rejection)


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def good_line(**changes: str) -> bytes:
    return ",".join((GOOD | changes).values()).encode()


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    file = write(
        tmp_path / "sales.csv",
        b"\xef\xbb\xbf" + HEADER.encode() + b"\r",
        good_line() + b"\r",
        b"",
        good_line(Description='"LARGE, ""RED"" SIGN"'),
        good_line(Description='12" FRAME'),
        good_line(Description='"RED" SIGN'),
        good_line(Description="VOUCHER \u00a340").decode().encode("latin-1"),
        good_line(Description="VOUCHER \u00a350"),
        good_line(Description='"NEVER CLOSED'),
        b"x" * (MAX_LINE_BYTES + 500_000),
        good_line(InvoiceNo="536366"),
    )
    rows = list(read_file(file))
    sales = [read for read in rows if isinstance(read, SaleRow)]
    assert [read.description for read in sales] == [
        "WHITE T-LIGHT HOLDER",
        'LARGE, "RED" SIGN',
        '12" FRAME',
        "RED SIGN",
        "VOUCHER \u00a340",
        "VOUCHER \u00a350",
        "WHITE T-LIGHT HOLDER",
    ]
    assert [read.number for read in rows] == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [read for read in rows if isinstance(read, Rejection)] == [
        Rejection(9, "a quotation mark is not closed on its line"),
        Rejection(10, "the line is longer than 65536 bytes"),
    ]
    assert [len(group) for group in invoices(iter(sales))] == [6, 1]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a;b;c\n1;2;3\n", b"\x00\x01", HEADER.lower().encode()])
def test_a_file_with_another_header_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.csv"
    file.write_bytes(content)
    with pytest.raises(HeaderError, match="must name the columns InvoiceNo, StockCode"):
        list(read_file(file))


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs the real sales files beside the checkout")
def test_a_real_day_adds_up() -> None:
    file = REAL_FILES / "2010-12-01.csv"
    rows = list(read_file(file))
    assert len(rows) == len(file.read_text().splitlines()) - 1 == 3108
    assert [read for read in rows if isinstance(read, Rejection)] == []  # every line of it can be read
    verdicts = Counter(
        verdict.reason if isinstance(verdict, Rejection) else verdict.value
        for verdict in (judge_row(read) for read in rows if isinstance(read, SaleRow))
    )
    assert verdicts == {
        "goods": 3064,
        "charge": 8,
        "return": 25,
        "no price and no customer: a stock correction": 9,
        "negative quantity without a credit note: a stock write-off": 1,
        "no sale: a discount": 1,
    }
