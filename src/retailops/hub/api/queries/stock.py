"""Stock levels, and what calls on them are judged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from retailops.hub.db import fetch


@dataclass(frozen=True, slots=True)
class StockRecord:
    """`available` = on hand less allocated: what may still be set aside for orders."""

    facility_id: int
    facility: str
    sku_id: int
    sku: str
    on_hand: int
    allocated: int
    available: int


@dataclass(frozen=True, slots=True)
class StockedSku:
    """A SKU; kits have no stock of their own."""

    id: int
    kit: bool


def stock_page(
    *, facility_id: int | None, skus: Sequence[str] | None, after: tuple[int, int], limit: int
) -> list[StockRecord]:
    """Return levels by (SKU id, facility id)."""
    rows = fetch(
        """SELECT f.id, f.code, s.id, s.code, l.on_hand, l.allocated, l.on_hand - l.allocated
           FROM (SELECT * FROM stock_stocklevel l WHERE (sku_id, facility_id) > (%(sku)s, %(after)s)
                   AND (%(facility)s::bigint IS NULL OR facility_id = %(facility)s)
                   AND (%(skus)s::text[] IS NULL OR sku_id IN (SELECT id FROM catalog_sku WHERE code = ANY(%(skus)s)))
                 ORDER BY sku_id, facility_id LIMIT %(limit)s) l
           JOIN stock_facility f ON f.id = l.facility_id JOIN catalog_sku s ON s.id = l.sku_id
           ORDER BY l.sku_id, l.facility_id""",
        {"facility": facility_id, "skus": skus, "sku": after[0], "after": after[1], "limit": limit},
    )
    return [StockRecord(*row) for row in rows]


def stocked_skus(codes: Collection[str]) -> Mapping[str, StockedSku]:
    """Return SKUs, active or not, by code: stock may be left of those that are sold no more."""
    rows = fetch("SELECT code, id, kit FROM catalog_sku WHERE code = ANY(%s)", [sorted(set(codes))])
    return {row[0]: StockedSku(*row[1:]) for row in rows}


def posted_moves(keys: Collection[str]) -> set[str]:
    """Return which stock moves exist already."""
    return {row[0] for row in fetch("SELECT key FROM stock_stockmove WHERE key = ANY(%s)", [sorted(keys)])}


def lock_references(references: Collection[str]) -> None:
    """Let calls with the same reference wait for each other until the commit."""
    fetch(
        "SELECT pg_advisory_xact_lock(hashtextextended(r, 0)) FROM unnest(%s::text[]) AS r",
        [sorted(set(references))],
    )
