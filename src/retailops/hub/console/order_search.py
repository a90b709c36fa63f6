"""Find orders by what people have at hand: the channel's number, our id, a SKU, the buyer's name."""

from __future__ import annotations

from retailops.hub.db import fetch

#: So many of the newest are found by SKU or name; whoever needs more uses the export.
MOST_FOUND = 500
#: More digits are no id of ours.
MOST_DIGITS = 18


def find_orders(term: str, *, with_names: bool) -> list[int]:
    """Return the orders that the first fitting way of searching finds, newest first. Names only where allowed."""
    term = term.strip()
    found = _by_number(term) or _by_sku(term)
    return found or (_by_name(term) if with_names and len(term) > 1 else [])


def _by_number(term: str) -> list[int]:
    number = int(term) if term.isdecimal() and len(term) <= MOST_DIGITS else None
    return _ids(
        """SELECT id FROM orders_order WHERE channel_refnum = %s OR id = %s ORDER BY id DESC LIMIT %s""",
        [term, number, MOST_FOUND],
    )


def _by_sku(term: str) -> list[int]:
    return _ids(
        """SELECT DISTINCT order_id FROM orders_orderline WHERE sku_id = (SELECT id FROM catalog_sku WHERE code = %(term)s)
           OR sku_id IS NULL AND sku_code = %(term)s ORDER BY order_id DESC LIMIT %(limit)s""",
        {"term": term, "limit": MOST_FOUND},
    )


def _by_name(term: str) -> list[int]:
    pattern = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return _ids(
        """SELECT order_id FROM orders_ordercustomer WHERE upper(full_name) LIKE upper(%s) ORDER BY order_id DESC LIMIT %s""",
        [f"{pattern}%", MOST_FOUND],
    )


def _ids(query: str, params: list[object] | dict[str, object]) -> list[int]:
    return [row[0] for row in fetch(query, params)]
