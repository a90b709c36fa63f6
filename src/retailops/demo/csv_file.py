"""Reads a sales file line by line, whatever its encoding; nothing of it is held in memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from retailops.demo.csv_rules import COLUMNS, HeaderError, Rejection, SaleRow, check_header, read_row

MAX_LINE_BYTES = 64 * 1024


def read_file(path: Path) -> Iterator[SaleRow | Rejection]:
    """Yield what each row says; blank lines are no rows. One line is one row: a stray quotation mark spoils only its own.

    Raises:
        HeaderError: the first line is not that of a sales file.
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        lines = _lines(file)
        header = _decode(next(lines, b"").removeprefix(b"\xef\xbb\xbf"))
        if not header.strip():
            message = f"the file is empty; its first line must name the columns {', '.join(COLUMNS)}"
            raise HeaderError(message)
        check_header(_split(header) or [])
        for number, line in enumerate(lines, 2):
            if line.strip():
                yield _read_line(number, line)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines, of a monstrous one just enough to tell that it is one."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES + 1)
        yield line


def _read_line(number: int, line: bytes) -> SaleRow | Rejection:
    if len(line) > MAX_LINE_BYTES:
        return Rejection(number, f"the line is longer than {MAX_LINE_BYTES} bytes")
    fields = _split(_decode(line))
    if fields is None:
        return Rejection(number, "a quotation mark is not closed on its line")
    return read_row(number, fields)


def _decode(line: bytes) -> str:
    """UTF-8, or else Latin-1, in which every byte means something: older exports write £ so."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _split(line: str) -> list[str] | None:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        pass
    try:
        # Inches in an unquoted text ("12" FRAME") are no quotation marks.
        fields = next(csv.reader([line]), [])
    except csv.Error:
        return None
    return None if len(fields) != len(COLUMNS) else fields


def invoices(rows: Iterator[SaleRow]) -> Iterator[list[SaleRow]]:
    """Group neighbouring rows of one invoice."""
    for _, group in groupby(rows, key=lambda row: row.invoice):
        yield list(group)
