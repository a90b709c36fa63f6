"""Where a channel's order pull stands; the one writer of the cursor."""

from __future__ import annotations

import hashlib

from retailops.hub.db import execute, fetch

MOST_PAGES = 10_000


class EndlessWalkError(Exception):
    """The channel's pages never end; the cursor has been put back to the start."""


def move_cursor(*, channel_id: int, sent: str, following: str) -> None:
    """Go on from the page asked for with token `sent` to `following`, in the transaction that stores the page.

    A blank `following` ends the walk. Raises `EndlessWalkError` if that token was seen in this walk before, or after
    10,000 pages.
    """
    if not following:
        reset_cursor(channel_id=channel_id)
        return
    seen = _walked(channel_id) if sent else []
    name = hashlib.sha256(following.encode()).hexdigest()[:16]
    if name in seen or len(seen) >= MOST_PAGES:
        reset_cursor(channel_id=channel_id)
        message = (
            "was sent before in this walk" if name in seen else f"still goes on after {MOST_PAGES} pages"
        )
        raise EndlessWalkError(message)
    execute(
        """INSERT INTO channels_channelcursor (channel_id, page_token, walk_tokens, walk_started_at)
           VALUES (%(channel)s, %(token)s, %(walked)s, now())
           ON CONFLICT (channel_id) DO UPDATE SET page_token = excluded.page_token, walk_tokens = excluded.walk_tokens,
             walk_started_at = CASE WHEN %(begins)s THEN now() ELSE channels_channelcursor.walk_started_at END""",
        {"channel": channel_id, "token": following, "walked": [*seen, name], "begins": not sent},
    )


def reset_cursor(*, channel_id: int) -> None:
    """End the walk: the next pull starts with a blank token."""
    execute(
        """INSERT INTO channels_channelcursor (channel_id, walk_started_at, walk_finished_at) VALUES (%s, now(), now())
           ON CONFLICT (channel_id) DO UPDATE SET page_token = '', walk_tokens = '{}', walk_finished_at = now(),
             walk_started_at = CASE WHEN channels_channelcursor.page_token = '' THEN now()
               ELSE channels_channelcursor.walk_started_at END""",
        [channel_id],
    )


def _walked(channel_id: int) -> list[str]:
    rows = fetch("SELECT walk_tokens FROM channels_channelcursor WHERE channel_id = %s", [channel_id])
    return list(rows[0][0]) if rows else []
