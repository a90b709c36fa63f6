"""What became of listings that were in a catalog push."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retailops.hub.db import columns_of, execute, fetch


@dataclass(frozen=True, slots=True)
class PushedListing:
    """A listing that was told in a lane; `message` is the channel's error, empty if it took it in."""

    listing_id: int
    product_id: int
    lane: str
    message: str


def note_pushed(listings: Sequence[PushedListing]) -> None:
    """Store the push state of listings, but for products whose next push is queued: what they are now is yet to be told.

    Whoever queues a push locks the lane first and marks the listing after, so the lane's lock makes that visible here.
    """
    if not listings:
        return
    fetch(
        "SELECT 1 FROM tasks_lane WHERE name = ANY(%s) ORDER BY name FOR UPDATE",
        [sorted({listing.lane for listing in listings})],
    )
    execute(
        """UPDATE catalog_listing l SET push_message = p.message,
               push_state = CASE WHEN p.message = '' THEN 'pushed' ELSE 'error' END
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS p (id, lane, key, message)
           WHERE l.id = p.id AND NOT EXISTS (SELECT 1 FROM tasks_task t WHERE t.lane = p.lane AND t.kind = 'catalog_push'
             AND t.key = p.key AND t.state = 'queued')""",
        columns_of(
            sorted(
                (each.listing_id, each.lane, f"product:{each.product_id}", each.message[:500])
                for each in listings
            ),
            4,
        ),
    )
