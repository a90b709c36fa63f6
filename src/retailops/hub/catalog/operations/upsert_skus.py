"""Take over SKUs with their products: new ones are created, known ones changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.audit.operations.record import record
from retailops.hub.db import columns_of, fetch, unit_of_work


@dataclass(frozen=True, slots=True)
class SkuRow:
    """A SKU as it shall be; `None` keeps what is stored.

    A new SKU that names no product becomes one of its own; a known one that names another product moves there.
    """

    code: str
    name: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    product_code: str | None = None
    product_name: str | None = None
    brand: str | None = None
    weight_kg: Decimal | None = None
    backorder: bool | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """SKU ids by code; a SKU counts as changed, too, when its product changed."""

    created: Mapping[str, int]
    changed: Mapping[str, int]
    unchanged: Mapping[str, int]
    changed_products: frozenset[int]


@unit_of_work
def upsert_skus(*, rows: Sequence[SkuRow], actor: str) -> UpsertResult:
    """Create or change SKUs by code, in a fixed number of statements. Of two rows with the same code the last one counts.

    A row that changes nothing writes nothing. The caller publishes what changed.
    """
    unique = sorted({row.code: row for row in rows}.values(), key=lambda row: row.code)
    known = _known([row.code for row in unique])
    product_of = {
        row.code: row.product_code or (known[row.code][1] if row.code in known else row.code)
        for row in unique
    }
    products = _upsert_products(unique, product_of)
    created = _insert(unique, product_of)
    updated = _update([row for row in unique if row.code in known], product_of)
    ids = {code: sku_id for code, (sku_id, _) in known.items()} | created
    changed = {
        row.code
        for row in unique
        if row.code in known and (row.code in updated or product_of[row.code] in products)
    }
    if created or changed:
        record(
            actor=actor,
            action="catalog.upsert",
            subject="skus",
            data={"created": len(created), "changed": len(changed)},
        )
    return UpsertResult(
        created=created,
        changed={code: ids[code] for code in sorted(changed)},
        unchanged={code: ids[code] for code in ids if code not in created and code not in changed},
        changed_products=_products_of([*created.values(), *(ids[code] for code in changed)]),
    )


def _known(codes: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Lock SKUs and return code → (id, product code)."""
    rows = fetch(
        """SELECT s.code, s.id, p.code FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
           WHERE s.code = ANY(%s) ORDER BY s.id FOR NO KEY UPDATE OF s""",
        [list(codes)],
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _upsert_products(rows: Sequence[SkuRow], product_of: Mapping[str, str]) -> set[str]:
    """Create products that are new, change others; return the codes of both."""
    values = {
        product_of[row.code]: (product_of[row.code], row.product_name, row.name, row.brand) for row in rows
    }
    written = fetch(
        """INSERT INTO catalog_product AS p (code, name, brand)
           SELECT code, coalesce(product_name, name, code), coalesce(brand, '')
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS n (code, product_name, name, brand)
           ORDER BY code ON CONFLICT (code) DO NOTHING RETURNING code""",
        columns_of(sorted(values.values()), 4),
    )
    changed = fetch(
        """UPDATE catalog_product p SET name = coalesce(n.product_name, p.name), brand = coalesce(n.brand, p.brand),
               updated_at = now()
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS n (code, product_name, brand)
           WHERE p.code = n.code AND (n.product_name <> p.name OR n.brand <> p.brand) RETURNING p.code""",
        columns_of([(code, name, brand) for code, name, _, brand in sorted(values.values())], 3),
    )
    return {row[0] for row in (*written, *changed)}


def _insert(rows: Sequence[SkuRow], product_of: Mapping[str, str]) -> dict[str, int]:
    inserted = fetch(
        """INSERT INTO catalog_sku (product_id, code, name, price, currency, weight_kg, backorder, active)
           SELECT p.id, n.code, coalesce(n.name, ''), coalesce(n.price, 0), coalesce(n.currency, 'USD'), n.weight_kg,
               coalesce(n.backorder, false), coalesce(n.active, true)
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::numeric[], %s::bool[], %s::bool[])
                AS n (product, code, name, price, currency, weight_kg, backorder, active)
           JOIN catalog_product p ON p.code = n.product
           ORDER BY n.code ON CONFLICT (code) DO NOTHING RETURNING code, id""",
        _columns(rows, product_of),
    )
    return {row[0]: row[1] for row in inserted}


def _update(rows: Sequence[SkuRow], product_of: Mapping[str, str]) -> set[str]:
    updated = fetch(
        """UPDATE catalog_sku s SET product_id = p.id, name = coalesce(n.name, s.name), price = coalesce(n.price, s.price),
               currency = coalesce(n.currency, s.currency), weight_kg = coalesce(n.weight_kg, s.weight_kg),
               backorder = coalesce(n.backorder, s.backorder), active = coalesce(n.active, s.active), updated_at = now()
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::numeric[], %s::bool[], %s::bool[])
                AS n (product, code, name, price, currency, weight_kg, backorder, active)
           JOIN catalog_product p ON p.code = n.product
           WHERE s.code = n.code AND (p.id <> s.product_id OR n.name <> s.name OR n.price <> s.price
             OR n.currency <> s.currency OR n.backorder <> s.backorder OR n.active <> s.active
             OR n.weight_kg IS NOT NULL AND n.weight_kg IS DISTINCT FROM s.weight_kg)
           RETURNING s.code""",
        _columns(rows, product_of),
    )
    return {row[0] for row in updated}


def _columns(rows: Sequence[SkuRow], product_of: Mapping[str, str]) -> list[list[object]]:
    values = [
        (
            product_of[row.code],
            row.code,
            row.name,
            row.price,
            row.currency,
            row.weight_kg,
            row.backorder,
            row.active,
        )
        for row in rows
    ]
    return columns_of(values, 8)


def _products_of(sku_ids: Sequence[int]) -> frozenset[int]:
    rows = fetch("SELECT DISTINCT product_id FROM catalog_sku WHERE id = ANY(%s)", [list(sku_ids)])
    return frozenset(row[0] for row in rows)
