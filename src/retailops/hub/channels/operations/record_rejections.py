"""Keep a list of the orders that a channel offered and the hub could not import."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retailops.hub.db import columns_of, execute


def record_rejections(*, channel_id: int, rejected: Mapping[str, str], imported: Collection[str]) -> None:
    """Store rejected orders (refnum → reason), and note which of the earlier ones came in after all."""
    if rejected:
        execute(
            """INSERT INTO channels_rejectedorder (channel_id, channel_refnum, reason)
               SELECT %s, refnum, reason FROM unnest(%s::text[], %s::text[]) AS r (refnum, reason)
               ON CONFLICT (channel_id, channel_refnum) DO UPDATE SET reason = excluded.reason, last_seen_at = now(),
                 count = channels_rejectedorder.count + 1, imported_at = NULL""",
            [channel_id, *columns_of(sorted(rejected.items()), 2)],
        )
    execute(
        """UPDATE channels_rejectedorder SET imported_at = now()
           WHERE channel_id = %s AND channel_refnum = ANY(%s) AND imported_at IS NULL""",
        [channel_id, sorted(imported)],
    )
