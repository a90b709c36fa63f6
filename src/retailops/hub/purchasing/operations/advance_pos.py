"""A vendor takes POs up and commits to them."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import execute, fetch, unit_of_work
from retailops.hub.orders.operations.log_events import log_events


@unit_of_work
def submit_pos(*, po_ids: Collection[int], actor: str) -> list[int]:
    """Note that the vendor has retrieved POs; return those that were ready and due, the others stay as they are."""
    rows = fetch(
        """UPDATE purchasing_purchaseorder SET state = 'submitted', submitted_at = now() WHERE id IN (
             SELECT id FROM purchasing_purchaseorder WHERE id = ANY(%s) AND state = 'ready' AND date_submit <= now()
             ORDER BY id FOR NO KEY UPDATE) RETURNING id""",
        [sorted(set(po_ids))],
    )
    submitted = sorted(row[0] for row in rows)
    _log(submitted, "po_submitted", actor)
    _decrement(submitted, "submitted")
    return submitted


@unit_of_work
def accept_pos(*, po_ids: Collection[int], actor: str) -> list[int]:
    """Note that the vendor commits to submitted POs, which freezes them; return those that were submitted."""
    rows = fetch(
        """UPDATE purchasing_purchaseorder SET state = 'accepted', accepted_at = now() WHERE id IN (
             SELECT id FROM purchasing_purchaseorder WHERE id = ANY(%s) AND state = 'submitted'
             ORDER BY id FOR NO KEY UPDATE) RETURNING id""",
        [sorted(set(po_ids))],
    )
    accepted = sorted(row[0] for row in rows)
    _log(accepted, "po_accepted", actor)
    _decrement(accepted, "accepted")
    return accepted


def _log(po_ids: Collection[int], kind: str, actor: str) -> None:
    """Note it in the histories of the customers' orders."""
    rows = fetch(
        "SELECT order_id, number FROM purchasing_purchaseorder WHERE id = ANY(%s) AND order_id IS NOT NULL ORDER BY id",
        [list(po_ids)],
    )
    log_events([(row[0], kind, {"po": row[1]}) for row in rows], actor=actor)


def _decrement(po_ids: Collection[int], moment: str) -> None:
    """Note from when on the vendor's own figure leaves these units out."""
    execute(
        """UPDATE purchasing_poitem i SET decremented_at = now() FROM purchasing_purchaseorder po, purchasing_vendor v
           WHERE i.po_id = po.id AND v.id = po.vendor_id AND po.id = ANY(%s) AND v.decrement_on = %s
             AND i.decremented_at IS NULL""",
        [list(po_ids), moment],
    )
