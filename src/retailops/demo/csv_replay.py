"""Replays a sales file: its goods become the catalog, its invoices orders, its credit notes returns, and the rest is reported."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from retailops.demo.catalog import EAST, WEST
from retailops.demo.csv_file import read_file
from retailops.demo.csv_rules import Kind, Rejection, SaleRow, Sales, Taken, is_charge, judge_row
from retailops.demo.scenario import Json
from retailops.demo.seed import SeedSku

CURRENCY = "GBP"
EXAMPLES = 3


@dataclass(slots=True)
class Report:
    """What became of the rows. `rejected` is reason → (how many, the first few line numbers)."""

    rows: int = 0
    order_lines: int = 0
    return_lines: int = 0
    rejected: dict[str, tuple[int, list[int]]] = field(default_factory=dict)

    def reject(self, number: int, reason: str) -> None:
        """Note a row that became nothing."""
        count, examples = self.rejected.get(reason, (0, []))
        self.rejected[reason] = (count + 1, examples + [number] * (len(examples) < EXAMPLES))

    @property
    def rejections(self) -> int:
        """How many rows became nothing."""
        return sum(count for count, _ in self.rejected.values())

    @property
    def adds_up(self) -> bool:
        """Whether every row is accounted for once."""
        return self.rows == self.order_lines + self.return_lines + self.rejections


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One invoice as the shop takes it; `rows` are the lines of the file it is made of."""

    refnum: str
    rows: tuple[int, ...]
    body: dict[str, Json]


@dataclass(frozen=True, slots=True)
class FileReturn:
    """What one credit note takes back of one order: item refnum → units."""

    rma: str
    refnum: str
    rows: tuple[int, ...]
    items: dict[str, int]


def survey(path: Path) -> list[SeedSku]:
    """Read the file once and return its catalog, with enough stock to ship it all: mostly in EAST, a third in WEST.

    Raises:
        HeaderError: the file is not a sales file.
        OSError: it can't be read.
    """
    units = Counter[str]()
    first: dict[str, SaleRow] = {}
    for row in read_file(path):
        if isinstance(row, SaleRow) and judge_row(row) is Kind.GOODS:
            units[row.code] += row.quantity
            first.setdefault(row.code, row)
    return [
        SeedSku(
            code=code,
            name=row.description or code,
            price=str(row.price),
            stock={EAST: units[code] - units[code] // 3, WEST: units[code] // 3},
        )
        for code, row in sorted(first.items())
    ]


class Replay:
    """Reads the file a second time, order by order. `report` grows as rows find their end."""

    def __init__(self, path: Path, *, run: int) -> None:
        self.report = Report()
        self.returns: list[FileReturn] = []
        self._path = path
        self._run = run
        self._sales = Sales()
        self._seen = Counter[str]()

    def orders(self) -> Iterator[FileOrder]:
        """Yield the orders of the file in its sequence; credit notes are kept in `returns`."""
        for invoice, group in groupby(self._rows(), key=lambda row: row.invoice):
            rows = list(group)
            if rows[0].is_credit_note:
                self._keep_returns(invoice, rows)
            else:
                yield self._order(invoice, rows)

    def placed(self, order: FileOrder) -> None:
        """The shop has taken an order."""
        self.report.order_lines += len(order.rows)

    def received(self, returned: FileReturn) -> None:
        """The hub has taken goods back."""
        self.report.return_lines += len(returned.rows)

    def refused(self, rows: Sequence[int], reason: str) -> None:
        """Rows were refused by the shop or the hub."""
        for number in rows:
            self.report.reject(number, reason)

    def _rows(self) -> Iterator[SaleRow]:
        for row in read_file(self._path):
            self.report.rows += 1
            verdict = row if isinstance(row, Rejection) else judge_row(row)
            if isinstance(verdict, Rejection):
                self.report.reject(verdict.number, verdict.reason)
            elif isinstance(row, SaleRow):
                yield row

    def _order(self, invoice: str, rows: Sequence[SaleRow]) -> FileOrder:
        self._seen[invoice] += 1
        # An invoice that comes up again further down is another order of the same name.
        again = f"-{self._seen[invoice]}" if self._seen[invoice] > 1 else ""
        refnum = f"F{self._run}-{invoice}{again}"
        for position, row in enumerate(rows, 1):
            if not is_charge(row.code):
                self._sales.add(row, refnum, position)
        return FileOrder(refnum, tuple(row.number for row in rows), _body(refnum, rows))

    def _keep_returns(self, invoice: str, rows: Sequence[SaleRow]) -> None:
        """One return for each order that the credit note takes something of."""
        taken: dict[str, list[tuple[int, Taken]]] = defaultdict(list)
        for row in rows:
            found = self._sales.take_back(row)
            if isinstance(found, Rejection):
                self.report.reject(found.number, found.reason)
                continue
            for part in found:
                taken[part.refnum].append((row.number, part))
        for refnum, parts in taken.items():
            items = Counter[str]()
            for _, part in parts:
                items[f"{refnum}-{part.position}"] += part.quantity
            numbers = tuple(dict.fromkeys(number for number, _ in parts))
            rma = f"R{self._run}-{invoice}-{len(self.returns) + 1}"
            self.returns.append(FileReturn(rma, refnum, numbers, dict(items)))


def _body(refnum: str, rows: Sequence[SaleRow]) -> dict[str, Json]:
    first = rows[0]
    name = f"Customer {first.customer}" if first.customer else "Guest"
    items: list[Json] = [
        {
            "sku": row.code,
            "description": row.description or row.code,
            "quantity": row.quantity,
            "unit_price": float(row.price),
            "item_type": "advisory" if is_charge(row.code) else "ship",
        }
        for row in rows
    ]
    return {
        "refnum": refnum,
        "date": first.at.isoformat(),
        "currency": CURRENCY,
        "items": items,
        "backorder": True,
        "customer": {"full_name": name, "email_address": "customer@example.com"},
        "shipping_address": {
            "last_name": name,
            "address1": "1 Sample Street",
            "city": "Sample Town",
            "postal_code": "SA1 1AA",
            "country_match": first.country,
        },
    }
