"""Take over SKUs with their products: new ones are created, known ones updated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.audit.operations.record import record
from retailops.hub.db import columns_of, fetch, unit_of_work


@dataclass(frozen=True, slots=True)
class SkuRow:
    """A SKU as it shall be. Without a product code, the SKU is a product of its own."""

    code: str
    name: str
    price: Decimal = Decimal(0)
    currency: str = "USD"
    product_code: str = ""
    product_name: str = ""
    description: str = ""
    brand: str = ""
    weight_kg: Decimal | None = None
    backorder: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """SKU ids by code. `changed_products` are those whose feed should be published again."""

    created: dict[str, int]
    updated: dict[str, int]
    unchanged: frozenset[str]
    changed_products: frozenset[int]


@unit_of_work
def upsert_skus(*, rows: Sequence[SkuRow], actor: str) -> UpsertResult:
    """Create or update SKUs by code, in two statements. Of two rows with the same code the last one counts.

    A row that changes nothing writes nothing. A known SKU keeps its product.
    """
    unique = sorted({row.code: row for row in rows}.values(), key=lambda row: row.code)
    products = _upsert_products(unique)
    values = [
        (
            products[row.product_code or row.code], row.code, row.name, row.price, row.currency, row.weight_kg,
            row.backorder, row.active,
        )
        for row in unique
    ]  # fmt: skip
    written = fetch(
        """INSERT INTO catalog_sku AS s (product_id, code, name, price, currency, weight_kg, backorder, active)
           SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::numeric[], %s::bool[],
               %s::bool[])
           ON CONFLICT (code) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency,
               weight_kg = excluded.weight_kg, backorder = excluded.backorder, active = excluded.active, updated_at = now()
             WHERE (s.name, s.price, s.currency, s.weight_kg, s.backorder, s.active) IS DISTINCT FROM
               (excluded.name, excluded.price, excluded.currency, excluded.weight_kg, excluded.backorder, excluded.active)
           RETURNING code, id, product_id, xmax = 0""",
        columns_of(values, 8),
    )
    created = {row[0]: row[1] for row in written if row[3]}
    updated = {row[0]: row[1] for row in written if not row[3]}
    if written:
        record(
            actor=actor, action="catalog.upsert", subject="skus", data={"created": len(created), "updated": len(updated)}
        )
    return UpsertResult(
        created,
        updated,
        frozenset(row.code for row in unique) - set(created) - set(updated),
        frozenset(row[2] for row in written),
    )


def _upsert_products(rows: Sequence[SkuRow]) -> dict[str, int]:
    """Create or update the products of SKUs and return code → id. A blank description or brand keeps what is there."""
    unique = {row.product_code or row.code: row for row in rows}
    values = [
        (code, row.product_name or row.name, row.description, row.brand) for code, row in sorted(unique.items())
    ]
    fetched = fetch(
        """INSERT INTO catalog_product AS p (code, name, description, brand)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
           ON CONFLICT (code) DO UPDATE SET name = coalesce(nullif(excluded.name, ''), p.name),
               description = coalesce(nullif(excluded.description, ''), p.description),
               brand = coalesce(nullif(excluded.brand, ''), p.brand), updated_at = now()
           RETURNING code, id""",
        columns_of(values, 4),
    )
    return {row[0]: row[1] for row in fetched}
