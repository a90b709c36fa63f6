"""Add and change SKUs by the thousand, each row with its own result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.catalog.operations.upsert_skus import SkuRow, upsert_skus
from retailops.hub.channels.operations.publish_catalog import publish_catalog
from retailops.hub.console.csv_import import CsvRow
from retailops.hub.db import unit_of_work
from retailops.hub.money import MONEY_MAX, exponent
from retailops.hub.orders.operations.hold_orders import resolve_unknown_skus

REQUIRED = ("sku",)
OPTIONAL = ("name", "product", "product_name", "brand", "price", "currency", "weight_kg", "active")
YES, NO = ("1", "yes", "true", "y"), ("0", "no", "false", "n")


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: added, changed, unchanged or refused."""

    line: int
    subject: str
    result: str
    message: str = ""


@unit_of_work
def import_skus(*, rows: Sequence[CsvRow], actor: str) -> list[RowResult]:
    """Add SKUs (and products they name) that are new, change others; empty cells change nothing.

    The number of statements doesn't grow with the rows. Wrong rows are refused one by one, and the others go in.
    """
    results: dict[int, RowResult] = {}
    wanted: dict[str, tuple[int, SkuRow]] = {}
    for row in rows:
        try:
            sku = _parse(row.values)
        except ValueError as error:
            results[row.line] = RowResult(row.line, row.values["sku"], "refused", str(error))
            continue
        if sku.code in wanted:
            problem = f"the SKU stands in line {wanted[sku.code][0]} already"
            results[row.line] = RowResult(row.line, sku.code, "refused", problem)
        else:
            wanted[sku.code] = (row.line, sku)
    done = upsert_skus(rows=[sku for _, sku in wanted.values()], actor=actor)
    for code, (line, _) in wanted.items():
        result = "added" if code in done.created else "changed" if code in done.changed else "unchanged"
        results[line] = RowResult(line, code, result)
    resolve_unknown_skus(actor=actor)
    publish_catalog(product_ids=done.changed_products)
    publish_inventory(sku_ids=[*done.created.values(), *done.changed.values()])
    return [results[line] for line in sorted(results)]


def _parse(values: Mapping[str, str]) -> SkuRow:
    code = values["sku"]
    for name, most in (("sku", 100), ("product", 100), ("name", 300), ("product_name", 300), ("brand", 100)):
        if len(values.get(name, "")) > most:
            raise ValueError(f"{name} has more than {most} characters")
    if not code:
        raise ValueError("sku is empty")
    currency = values.get("currency", "").upper() or None
    if currency:
        exponent(currency)
    return SkuRow(
        code=code,
        product_code=values.get("product") or None,
        name=values.get("name") or None,
        product_name=values.get("product_name") or None,
        brand=values.get("brand") or None,
        price=_number("price", values.get("price", ""), MONEY_MAX),
        currency=currency,
        weight_kg=_number("weight_kg", values.get("weight_kg", ""), Decimal(999999)),
        active=_switch(values.get("active", "")),
    )


def _number(name: str, text: str, most: Decimal) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} {text!r} is not a number such as 12.50") from None
    if not (number.is_finite() and 0 <= number <= most and number == round(number, 4)):
        raise ValueError(f"{name} {text!r} is not between 0 and {most} with at most four decimals")
    return number


def _switch(text: str) -> bool | None:
    if not text:
        return None
    if text.lower() not in (*YES, *NO):
        raise ValueError(f"active {text!r} is neither yes nor no")
    return text.lower() in YES
