"""The one writer of the PO items' counters, and of the states that follow from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retailops.hub.db import execute, fetch


class PoFrozenError(Exception):
    """Units are on POs that the vendor already works on; only the vendor can give them back."""

    def __init__(self, numbers: Collection[str]) -> None:
        super().__init__(
            f"{', '.join(sorted(numbers))} can't be changed any more: the vendor works on it."
            " Ask the vendor to reject the items, or take them back as a return."
        )
        self.numbers = frozenset(numbers)


def lock_pos_of(shipment_item_ids: Collection[int]) -> list[int]:
    """Lock the POs behind shipment items until the commit."""
    rows = fetch(
        """SELECT id FROM purchasing_purchaseorder WHERE id IN (
             SELECT po_id FROM purchasing_poitem WHERE shipment_item_id = ANY(%s)) ORDER BY id FOR NO KEY UPDATE""",
        [sorted(set(shipment_item_ids))],
    )
    return [row[0] for row in rows]


def ship_po_items(*, quantities: Mapping[int, int]) -> None:
    """Count units (shipment item → units) as shipped by the vendor and complete POs with nothing left."""
    po_ids = lock_pos_of(quantities)
    _count(quantities, "shipped")
    execute(
        """UPDATE purchasing_poitem i SET decremented_at = now() FROM purchasing_purchaseorder po, purchasing_vendor v
           WHERE i.po_id = po.id AND v.id = po.vendor_id AND po.id = ANY(%s) AND i.decremented_at IS NULL
             AND i.shipped > 0 AND i.shipped + i.cancelled = i.quantity""",
        [po_ids],
    )
    _finish(po_ids)


def cancel_po_items(*, quantities: Mapping[int, int], by_vendor: bool) -> None:
    """Take units (shipment item → units) off their POs.

    Raises `PoFrozenError` unless the vendor itself gives them up, or the PO is still ready, or it was submitted to a
    vendor that allows changes until acceptance.
    """
    if not quantities:
        return
    po_ids = lock_pos_of(quantities)
    if not by_vendor:
        frozen = fetch(
            """SELECT po.number FROM purchasing_purchaseorder po JOIN purchasing_vendor v ON v.id = po.vendor_id
               WHERE po.id = ANY(%s) AND NOT (po.state = 'ready' OR po.state = 'submitted' AND v.change_after_submit)""",
            [po_ids],
        )
        if frozen:
            raise PoFrozenError({row[0] for row in frozen})
    _count(quantities, "cancelled")
    execute("UPDATE purchasing_purchaseorder SET version = version + 1 WHERE id = ANY(%s)", [po_ids])
    _finish(po_ids)


def _count(quantities: Mapping[int, int], counter: str) -> None:
    execute(
        f"""UPDATE purchasing_poitem i SET {counter} = i.{counter} + q.units
            FROM unnest(%s::bigint[], %s::int[]) AS q (shipment_item_id, units)
            WHERE i.shipment_item_id = q.shipment_item_id""",  # noqa: S608 - a column name of ours
        [list(quantities), list(quantities.values())],
    )


def _finish(po_ids: Collection[int]) -> None:
    """Complete POs of which something was shipped and nothing is left; cancel those of which nothing was."""
    execute(
        """UPDATE purchasing_purchaseorder po SET completed_at = now(),
               state = CASE WHEN s.shipped > 0 THEN 'complete' ELSE 'cancelled' END
           FROM (SELECT po_id, sum(shipped) AS shipped, sum(quantity - shipped - cancelled) AS left_over
                 FROM purchasing_poitem WHERE po_id = ANY(%s) GROUP BY po_id) s
           WHERE po.id = s.po_id AND s.left_over = 0 AND po.state NOT IN ('complete', 'cancelled')""",
        [list(po_ids)],
    )
