"""Add and change SKUs by the thousand, each row with its own result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.console.csv_import import CsvRow
from retailops.hub.db import Row, columns_of, execute, fetch, unit_of_work
from retailops.hub.money import MONEY_MAX, exponent
from retailops.hub.orders.operations.hold_orders import resolve_unknown_skus

REQUIRED = ("sku",)
OPTIONAL = ("name", "product", "product_name", "brand", "price", "currency", "weight_kg", "active")
YES, NO = ("1", "yes", "true", "y"), ("0", "no", "false", "n")

GIVEN = """unnest(%s::text[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::numeric[], %s::bool[])
    AS n (product, code, name, price, currency, weight_kg, active) JOIN catalog_product p ON p.code = n.product"""
# No input goes into these texts: every value is a parameter.
INSERT_SKUS = f"""INSERT INTO catalog_sku (product_id, code, name, price, currency, weight_kg, active)
    SELECT p.id, n.code, coalesce(n.name, ''), coalesce(n.price, 0), coalesce(n.currency, 'USD'), n.weight_kg,
      coalesce(n.active, true)
    FROM {GIVEN} ORDER BY n.code ON CONFLICT (code) DO NOTHING"""  # noqa: S608 - as above
UPDATE_SKUS = f"""UPDATE catalog_sku s SET product_id = p.id, name = coalesce(n.name, s.name),
      price = coalesce(n.price, s.price), currency = coalesce(n.currency, s.currency),
      weight_kg = coalesce(n.weight_kg, s.weight_kg), active = coalesce(n.active, s.active), updated_at = now()
    FROM {GIVEN}
    WHERE s.code = n.code AND (p.id <> s.product_id OR n.name <> s.name OR n.price <> s.price OR n.currency <> s.currency
      OR n.active <> s.active OR n.weight_kg IS NOT NULL AND n.weight_kg IS DISTINCT FROM s.weight_kg)"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: added, changed, unchanged or refused."""

    line: int
    subject: str
    result: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Sku:
    """A row as values; `None` keeps what is stored."""

    code: str
    product: str
    name: str | None
    product_name: str | None
    brand: str | None
    price: Decimal | None
    currency: str | None
    weight_kg: Decimal | None
    active: bool | None


@unit_of_work
def import_skus(*, rows: Sequence[CsvRow], actor: str) -> list[RowResult]:
    """Add SKUs (and products they name) that are new, change others; empty cells change nothing.

    The number of statements doesn't grow with the rows. Wrong rows are refused one by one, and the others go in.
    """
    results: dict[int, RowResult] = {}
    wanted: dict[str, tuple[int, _Sku]] = {}
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
    before = _stored(list(wanted))
    _write([sku for _, sku in wanted.values()])
    after = _stored(list(wanted))
    for code, (line, _) in wanted.items():
        result = "added" if code not in before else "changed" if before[code] != after[code] else "unchanged"
        results[line] = RowResult(line, code, result)
    resolve_unknown_skus(actor=actor)
    publish_inventory(sku_ids=[row[0] for row in after.values()])
    return [results[line] for line in sorted(results)]


def _parse(values: Mapping[str, str]) -> _Sku:
    code = values["sku"]
    for name, most in (("sku", 100), ("product", 100), ("name", 300), ("product_name", 300), ("brand", 100)):
        if len(values.get(name, "")) > most:
            raise ValueError(f"{name} has more than {most} characters")
    if not code:
        raise ValueError("sku is empty")
    currency = values.get("currency", "").upper() or None
    if currency:
        exponent(currency)
    return _Sku(
        code=code,
        product=values.get("product") or "",
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


def _stored(codes: Sequence[str]) -> dict[str, Row]:
    rows = fetch(
        """SELECT s.code, s.id, s.name, s.price, s.currency, s.weight_kg, s.active, p.code, p.name, p.brand
           FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id WHERE s.code = ANY(%s)""",
        [list(codes)],
    )
    return {row[0]: row[1:] for row in rows}


def _write(skus: Sequence[_Sku]) -> None:
    """Upsert products, then SKUs. A new SKU that names no product becomes one of its own."""
    stored = _stored([sku.code for sku in skus])
    product_of = {
        sku.code: sku.product or (stored[sku.code][6] if sku.code in stored else sku.code) for sku in skus
    }
    products = {
        product_of[sku.code]: (product_of[sku.code], sku.product_name, sku.name, sku.brand) for sku in skus
    }
    execute(
        """INSERT INTO catalog_product AS p (code, name, brand)
           SELECT code, coalesce(product_name, name, code), coalesce(brand, '')
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS n (code, product_name, name, brand)
           ORDER BY code ON CONFLICT (code) DO NOTHING""",
        columns_of([products[code] for code in sorted(products)], 4),
    )
    execute(
        """UPDATE catalog_product p SET name = coalesce(n.product_name, p.name), brand = coalesce(n.brand, p.brand),
             updated_at = now()
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS n (code, product_name, brand)
           WHERE p.code = n.code AND (n.product_name <> p.name OR n.brand <> p.brand)""",
        columns_of([(code, name, brand) for code, name, _, brand in products.values()], 3),
    )
    execute(INSERT_SKUS, _sku_columns(skus, product_of))
    execute(UPDATE_SKUS, _sku_columns(skus, product_of))


def _sku_columns(skus: Sequence[_Sku], product_of: Mapping[str, str]) -> list[list[object]]:
    rows = [
        (product_of[sku.code], sku.code, sku.name, sku.price, sku.currency, sku.weight_kg, sku.active)
        for sku in skus
    ]
    return columns_of(rows, 7)
