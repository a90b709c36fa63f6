"""The one writer of stock levels and their ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from retailops.hub.db import columns_of, execute, fetch

#: (facility, SKU)
LevelKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Level:
    """Units of a SKU at a facility."""

    on_hand: int
    allocated: int

    @property
    def free(self) -> int:
        """Units that nobody has a claim on."""
        return self.on_hand - self.allocated


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a level. `key` names the cause: a second move with the same key is not posted."""

    kind: str
    facility_id: int
    sku_id: int
    key: str
    d_on_hand: int = 0
    d_allocated: int = 0
    reason: str = ""
    shipment_item_id: int | None = None
    package_id: int | None = None
    return_item_id: int | None = None
    po_item_id: int | None = None


class NotEnoughStockError(Exception):
    """A move would leave less on hand than is allocated, or less than nothing."""


def lock_levels(keys: Collection[LevelKey]) -> Mapping[LevelKey, Level]:
    """Lock levels for the rest of the transaction, by SKU and facility, and return them; missing ones are created at zero."""
    wanted = sorted(set(keys), key=lambda key: (key[1], key[0]))
    rows = _select_for_update(wanted)
    if len(rows) < len(wanted):
        execute(
            """INSERT INTO stock_stocklevel (facility_id, sku_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[])
               ON CONFLICT (sku_id, facility_id) DO NOTHING""",
            columns_of(wanted, 2),
        )
        rows = _select_for_update(wanted)
    return {(row[0], row[1]): Level(row[2], row[3]) for row in rows}


def _select_for_update(keys: Sequence[LevelKey]) -> list[tuple[int, int, int, int]]:
    return [
        (row[0], row[1], row[2], row[3])
        for row in fetch(
            """SELECT l.facility_id, l.sku_id, l.on_hand, l.allocated FROM stock_stocklevel l
               JOIN unnest(%s::bigint[], %s::bigint[]) AS k (facility_id, sku_id)
                 ON l.facility_id = k.facility_id AND l.sku_id = k.sku_id
               ORDER BY l.sku_id, l.facility_id FOR NO KEY UPDATE OF l""",
            columns_of(keys, 2),
        )
    ]


def post_moves(moves: Sequence[Move], *, actor: str) -> list[str]:
    """Post moves and return the keys of those that were new. The caller is in a unit of work.

    Raises `NotEnoughStockError`, naming the first level, if a level could not bear them.
    """
    if not moves:
        return []
    levels = lock_levels({(move.facility_id, move.sku_id) for move in moves})
    new = set(_insert(moves, actor))
    deltas: dict[LevelKey, list[int]] = defaultdict(lambda: [0, 0])
    for move in {move.key: move for move in moves if move.key in new}.values():
        delta = deltas[move.facility_id, move.sku_id]
        delta[0] += move.d_on_hand
        delta[1] += move.d_allocated
    for key, (on_hand, allocated) in deltas.items():
        level = levels[key]
        if not 0 <= level.allocated + allocated <= level.on_hand + on_hand:
            message = (
                f"facility {key[0]}, SKU {key[1]}: {level.on_hand} on hand and {level.allocated} allocated"
                f" can't bear a change of {on_hand:+d} on hand and {allocated:+d} allocated"
            )
            raise NotEnoughStockError(message)
    rows = [(*key, *delta) for key, delta in sorted(deltas.items())]
    execute(
        """UPDATE stock_stocklevel l SET on_hand = l.on_hand + d.on_hand, allocated = l.allocated + d.allocated
           FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[]) AS d (facility_id, sku_id, on_hand, allocated)
           WHERE l.facility_id = d.facility_id AND l.sku_id = d.sku_id""",
        columns_of(rows, 4),
    )
    return sorted(new)


def _insert(moves: Sequence[Move], actor: str) -> list[str]:
    rows = [
        (
            move.kind, move.facility_id, move.sku_id, move.d_on_hand, move.d_allocated, move.key, actor, move.reason,
            move.shipment_item_id, move.package_id, move.return_item_id, move.po_item_id,
        )
        for move in moves
    ]  # fmt: skip
    inserted = fetch(
        """INSERT INTO stock_stockmove (kind, facility_id, sku_id, d_on_hand, d_allocated, key, actor, reason,
               shipment_item_id, package_id, return_item_id, po_item_id)
           SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[],
               %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
           ON CONFLICT (key) DO NOTHING RETURNING key""",
        columns_of(rows, 12),
    )
    return [row[0] for row in inserted]
