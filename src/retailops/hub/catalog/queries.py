"""What others ask of the catalog."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retailops.hub.db import fetch


def find_skus(codes: Collection[str]) -> dict[str, int]:
    """Return code → SKU id for active SKUs, by their own code or an alias."""
    rows = fetch(
        """SELECT code, id FROM catalog_sku WHERE code = ANY(%(codes)s) AND active
           UNION ALL
           SELECT i.value, i.sku_id FROM catalog_skuidentifier i JOIN catalog_sku s ON s.id = i.sku_id
           WHERE i.kind = 'alias' AND i.value = ANY(%(codes)s) AND s.active
             AND NOT EXISTS (SELECT 1 FROM catalog_sku own WHERE own.code = i.value)""",
        {"codes": sorted(set(codes))},
    )
    return {row[0]: row[1] for row in rows}


def components_of(sku_ids: Collection[int]) -> Mapping[int, list[tuple[int, int]]]:
    """Return SKU → [(component SKU, units in one)] ; a SKU that is no kit has itself, once."""
    rows = fetch(
        """SELECT s.id, coalesce(k.component_id, s.id), coalesce(k.quantity, 1)
           FROM catalog_sku s LEFT JOIN catalog_kitcomponent k ON s.kit AND k.kit_id = s.id
           WHERE s.id = ANY(%s) AND (NOT s.kit OR k.id IS NOT NULL) ORDER BY 1, 2""",
        [sorted(set(sku_ids))],
    )
    parts: dict[int, list[tuple[int, int]]] = {}
    for sku_id, component_id, quantity in rows:
        parts.setdefault(sku_id, []).append((component_id, quantity))
    return parts
