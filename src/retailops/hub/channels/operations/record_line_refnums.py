"""The channel names the lines that were added in the hub."""

from __future__ import annotations

from collections.abc import Sequence

from retailops.hub.db import columns_of, execute

#: What the column holds.
LONGEST = 255


def record_line_refnums(lines: Sequence[tuple[int, int, str]]) -> int:
    """Store (order, line, refnum) for lines of these orders that have no refnum yet; return how many were stored.

    A refnum that another line of the order goes by already is left out: it can name one line only.
    """
    unique = {
        (order_id, refnum): line_id
        for order_id, line_id, refnum in reversed(lines)
        if 0 < len(refnum) <= LONGEST
    }
    by_line = {line_id: (order_id, refnum) for (order_id, refnum), line_id in unique.items()}
    rows = [(order_id, line_id, refnum) for line_id, (order_id, refnum) in sorted(by_line.items())]
    if not rows:
        return 0
    return execute(
        """UPDATE orders_orderline l SET channel_item_refnum = n.refnum
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS n (order_id, id, refnum)
           WHERE l.id = n.id AND l.order_id = n.order_id AND l.channel_item_refnum = ''
             AND NOT EXISTS (SELECT 1 FROM orders_orderline o WHERE o.order_id = n.order_id
               AND o.channel_item_refnum = n.refnum)""",
        columns_of(rows, 3),
    )
