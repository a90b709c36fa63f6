"""Keep count of the contract's rules that channels' replies break."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from retailops.contract.redaction import MASK, redact
from retailops.contract.violations import Violation
from retailops.hub.db import columns_of, execute

#: Of one reply, so that a channel gone mad can't flood the table.
MOST_OF_ONE_REPLY = 50

_INDEX = re.compile(r"\[\d+\]")
_TIMES = re.compile(r" \(\d+ times\)$")


def record_violations(*, interaction: str, found: Sequence[tuple[int, Sequence[Violation]]]) -> None:
    """Count (channel, violations) in one statement. Where in an array it was makes no difference: `orders[].sku`."""
    counts: Counter[tuple[int, str, str]] = Counter()
    excerpts: dict[tuple[int, str, str], str] = {}
    for channel_id, violations in found:
        for violation in violations[:MOST_OF_ONE_REPLY]:
            path = _INDEX.sub("[]", violation.path)
            message = _TIMES.sub("", _INDEX.sub("[]", violation.message))
            key = (channel_id, path[:200], message[:300])
            counts[key] += 1
            excerpts.setdefault(key, _redacted(path, violation.value))
    rows = [(*key, excerpts[key], count) for key, count in sorted(counts.items())]
    if not rows:
        return
    execute(
        """INSERT INTO channels_contractviolation (channel_id, interaction, path, message, excerpt, count)
           SELECT channel_id, %s, path, message, excerpt, count
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[])
             AS v (channel_id, path, message, excerpt, count)
           ON CONFLICT (channel_id, interaction, path, message) DO UPDATE SET last_seen_at = now(),
             count = channels_contractviolation.count + excluded.count, excerpt = excluded.excerpt""",
        [interaction, *columns_of(rows, 5)],
    )


def _redacted(path: str, value: str) -> str:
    """The value if the field it stands in is one that identifies nobody."""
    if not value:
        return ""
    name = path.rpartition(".")[2].removesuffix("[]")
    shown = redact({name: value})
    return str(shown[name])[:200] if isinstance(shown, dict) else MASK
