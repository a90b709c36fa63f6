"""Put orders on hold, and take them off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.hub.catalog.queries import find_skus
from retailops.hub.db import columns_of, execute, fetch, unit_of_work
from retailops.hub.orders.operations.count_lines import lock_orders, recompute_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.wake_routing import wake_routing


@unit_of_work
def place_holds(*, holds: Mapping[int, tuple[str, str]], actor: str) -> None:
    """Place a hold (order → kind, reason). An order that already has an open hold of that kind keeps it as it is."""
    order_ids = lock_orders(holds)
    rows = [(order_id, *holds[order_id], actor) for order_id in order_ids]
    placed = fetch(
        """INSERT INTO orders_orderhold (order_id, kind, reason, placed_by)
           SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
           ON CONFLICT (order_id, kind) WHERE released_at IS NULL DO NOTHING RETURNING order_id, kind, reason""",
        columns_of([(order_id, kind, reason[:500], actor) for order_id, kind, reason, actor in rows], 4),
    )
    log_events([(row[0], "hold_placed", {"kind": row[1], "reason": row[2]}) for row in placed], actor=actor)
    recompute_orders(order_ids)


@unit_of_work
def release_holds(*, order_ids: Sequence[int], kinds: Sequence[str], actor: str) -> list[int]:
    """Release open holds of these kinds and return the orders that have none left; those are routed next."""
    locked = lock_orders(order_ids)
    released = fetch(
        """UPDATE orders_orderhold SET released_at = now(), released_by = %s
           WHERE order_id = ANY(%s) AND kind = ANY(%s) AND released_at IS NULL RETURNING order_id, kind""",
        [actor, locked, list(kinds)],
    )
    log_events([(row[0], "hold_released", {"kind": row[1]}) for row in released], actor=actor)
    facts = recompute_orders(locked)
    free = [order_id for order_id in sorted({row[0] for row in released}) if not facts[order_id].on_hold]
    wake_routing(order_ids=free)
    return free


@unit_of_work
def resolve_unknown_skus(*, actor: str) -> list[int]:
    """Give lines the SKUs that the catalog has learned since, release the holds; return the orders now free."""
    rows = fetch(
        "SELECT order_id, sku_code FROM orders_orderline WHERE sku_id IS NULL AND item_type = 'ship'"
    )
    skus = find_skus({row[1] for row in rows})
    locked = lock_orders({row[0] for row in rows if row[1] in skus})
    if not locked:
        return []
    execute(
        """UPDATE orders_orderline l SET sku_id = s.id FROM unnest(%s::text[], %s::bigint[]) AS s (code, id)
           WHERE l.order_id = ANY(%s) AND l.sku_id IS NULL AND s.code = l.sku_code""",
        [list(skus), list(skus.values()), locked],
    )
    known = fetch(
        """SELECT id FROM unnest(%s::bigint[]) AS o (id) WHERE NOT EXISTS (
             SELECT 1 FROM orders_orderline l WHERE l.order_id = o.id AND l.sku_id IS NULL AND l.item_type = 'ship')""",
        [locked],
    )
    return release_holds(order_ids=[row[0] for row in known], kinds=["unknown_sku"], actor=actor)
