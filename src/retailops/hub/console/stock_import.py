"""Count or receive stock by the thousand, each row with its own result."""

from __future__ import annotations

from collections.abc import Sequence

from retailops.hub.console.csv_import import CsvRow
from retailops.hub.console.sku_import import RowResult
from retailops.hub.console.stock_actions import MOST_UNITS
from retailops.hub.db import fetch, unit_of_work
from retailops.hub.fulfilment.operations.correct_stock import count_stock
from retailops.hub.stock.operations.receive_stock import Receipt, receive_stock

REQUIRED = ("facility", "sku", "quantity")
Place = tuple[int, int]


@unit_of_work
def import_stock(*, rows: Sequence[CsvRow], mode: str, reason: str, key: str, actor: str) -> list[RowResult]:
    """Set on hand to the counts (`mode` count), or add units (`mode` receive). Wrong rows are refused one by one.

    `key` names the file, so that sending it twice moves stock once.
    """
    places = _Places(rows)
    results: dict[int, RowResult] = {}
    wanted: dict[Place, tuple[CsvRow, int]] = {}
    for row in rows:
        subject = f"{row.values['sku']} at {row.values['facility']}"
        try:
            place, units = places.find(row), _units(row.values["quantity"], least=0 if mode == "count" else 1)
        except ValueError as error:
            results[row.line] = RowResult(row.line, subject, "refused", str(error))
            continue
        if place in wanted:
            problem = f"the same SKU and facility stand in line {wanted[place][0].line} already"
            results[row.line] = RowResult(row.line, subject, "refused", problem)
        else:
            wanted[place] = (row, units)
            done = "counted" if mode == "count" else "posted"
            results[row.line] = RowResult(row.line, subject, done, f"{units:,} units")
    if mode == "count":
        counted = {place: units for place, (_, units) in wanted.items()}
        count_stock(counted=counted, actor=actor, reason=reason or "counted", key=key)
    else:
        receipts = [
            Receipt(*place, quantity=units, key=f"{key}:{row.line}") for place, (row, units) in wanted.items()
        ]
        receive_stock(receipts=receipts, actor=actor, reason=reason)
    return [results[line] for line in sorted(results)]


class _Places:
    """Facilities and SKUs by their codes."""

    def __init__(self, rows: Sequence[CsvRow]) -> None:
        self._facilities: dict[str, int] = dict(fetch("SELECT code, id FROM stock_facility"))
        codes = sorted({row.values["sku"] for row in rows})
        found = fetch("SELECT code, id, kit FROM catalog_sku WHERE code = ANY(%s)", [codes])
        self._skus = {row[0]: (row[1], row[2]) for row in found}

    def find(self, row: CsvRow) -> Place:
        """The row's place. Raises `ValueError`."""
        facility, sku = row.values["facility"], row.values["sku"]
        if facility not in self._facilities:
            raise ValueError(
                f"there is no facility {facility!r}; known are {', '.join(sorted(self._facilities)[:5])}"
            )
        if sku not in self._skus:
            raise ValueError(f"there is no SKU {sku!r} in the catalog")
        if self._skus[sku][1]:
            raise ValueError(f"{sku} is a kit; give its components")
        return self._facilities[facility], self._skus[sku][0]


def _units(text: str, *, least: int) -> int:
    fits = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_UNITS))
    if not (fits and least <= int(text) <= MOST_UNITS):
        raise ValueError(f"quantity {text!r} is not a whole number from {least} up")
    return int(text)
