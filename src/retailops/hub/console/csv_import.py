"""Read an uploaded CSV file: bounded, tolerant of what spreadsheets write, exact about what is wrong where."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from retailops.hub.console.csv_export import FORMULA_STARTS

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 50_000


class CsvError(ValueError):
    """The file as a whole can't be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One record with the number of its first line in the file."""

    line: int
    values: dict[str, str]


def read_csv(content: bytes, *, required: Sequence[str], optional: Sequence[str]) -> list[CsvRow]:
    """Rows by column name. Columns may be in any order, separated by comma, semicolon or tab.

    Raises `CsvError` for files that are too big, not text, or lack a column.
    """
    if len(content) > MOST_BYTES:
        raise CsvError(f"the file has {len(content):,} bytes; at most {MOST_BYTES:,} are taken, split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CsvError("the file is not UTF-8 text; save it as “CSV UTF-8” in your spreadsheet") from None
    if "\0" in text:
        raise CsvError("the file holds NUL characters; save it as “CSV UTF-8” in your spreadsheet")
    first = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_header(names, required, optional)
        return _rows(reader, names)
    except csv.Error as error:
        raise CsvError(f"line {reader.line_num}: {error}") from None


def _check_header(names: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        raise CsvError(
            f"column {missing[0]!r} is missing; the first line must name the columns: {', '.join(required)}"
        )
    unknown = [name for name in names if name not in required and name not in optional]
    if unknown:
        raise CsvError(f"column {unknown[0]!r} is not known; known are {', '.join((*required, *optional))}")
    if len(set(names)) < len(names):
        raise CsvError("a column appears twice in the first line")


def _plain(cell: str) -> str:
    """A cell without the apostrophe that our own export puts before what looks like a formula."""
    cell = cell.strip()
    guarded = cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS)
    return cell[1:].strip() if guarded else cell


def _rows(reader: object, names: Sequence[str]) -> list[CsvRow]:
    rows: list[CsvRow] = []
    for record in reader:  # type: ignore[attr-defined] # csv's reader type has no public name
        if not any(cell.strip() for cell in record):
            continue
        if len(rows) >= MOST_ROWS:
            raise CsvError(f"more than {MOST_ROWS:,} rows; split the file")
        cells = [_plain(cell) for cell in record]
        padded = [*cells, *[""] * (len(names) - len(cells))]
        rows.append(CsvRow(reader.line_num, dict(zip(names, padded, strict=False))))  # type: ignore[attr-defined]
    return rows
