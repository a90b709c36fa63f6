"""Stock turns out to be different from what the books say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.db import fetch, unit_of_work
from retailops.hub.fulfilment.operations.withdraw_items import withdraw_items
from retailops.hub.orders.operations.count_lines import lock_orders, recompute_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.wake_routing import backordered, wake_backorders, wake_routing
from retailops.hub.stock.operations.post_moves import (
    LevelKey,
    Move,
    NotEnoughStockError,
    lock_levels,
    post_moves,
)


@unit_of_work
def adjust_stock(*, changes: Mapping[LevelKey, int], actor: str, reason: str, key: str) -> list[int]:
    """Change what is on hand ((facility, SKU) → ± units) for a stated reason; `key` names the adjustment.

    Where less remains than is allocated, the newest allocations are given up and their orders routed again; returns
    those orders. Raises `NotEnoughStockError` where less than nothing would remain.
    """
    return _correct("adjust", changes, actor, reason, key, absolute=False)


@unit_of_work
def count_stock(*, counted: Mapping[LevelKey, int], actor: str, reason: str, key: str) -> list[int]:
    """Set what is on hand ((facility, SKU) → units) to what was counted; otherwise as `adjust_stock`."""
    return _correct("count", counted, actor, reason, key, absolute=True)


def _correct(
    kind: str, figures: Mapping[LevelKey, int], actor: str, reason: str, key: str, *, absolute: bool
) -> list[int]:
    order_ids = lock_orders(
        {*_allocated_orders(figures), *backordered(sku_ids={level[1] for level in figures})}
    )
    levels = lock_levels(figures)
    keys = {level: f"{kind}:{key}:{level[0]}:{level[1]}" for level in figures}
    repeated = {
        row[0] for row in fetch("SELECT key FROM stock_stockmove WHERE key = ANY(%s)", [list(keys.values())])
    }
    figures = {level: figure for level, figure in figures.items() if keys[level] not in repeated}
    deltas = {
        level: figure - levels[level].on_hand if absolute else figure for level, figure in figures.items()
    }
    for level, delta in deltas.items():
        if levels[level].on_hand + delta < 0:
            place = f"facility {level[0]}, SKU {level[1]}"
            message = f"{place}: {levels[level].on_hand} on hand; {delta:+d} would leave less than none"
            raise NotEnoughStockError(message)
    missing = {
        level: levels[level].allocated - levels[level].on_hand - delta
        for level, delta in deltas.items()
        if levels[level].allocated > levels[level].on_hand + delta
    }
    reopened = _give_up(missing, actor, reason)
    # A count that agrees with the books is posted too: told again later, it must not set the stock back.
    post_moves(
        [
            Move(kind, level[0], level[1], keys[level], d_on_hand=delta, reason=reason)
            for level, delta in deltas.items()
        ],
        actor=actor,
    )
    recompute_orders({*order_ids, *reopened})
    wake_routing(order_ids=reopened)
    wake_backorders(sku_ids={level[1] for level, delta in deltas.items() if delta > 0})
    publish_inventory(sku_ids={level[1] for level in figures})
    return reopened


def _allocated_orders(levels: Mapping[LevelKey, int]) -> list[int]:
    """Return the orders with live allocations there: they are locked before the levels, as everywhere."""
    rows = fetch(
        """SELECT DISTINCT s.order_id FROM fulfilment_allocation a
           JOIN unnest(%s::bigint[], %s::bigint[]) AS k (facility_id, sku_id)
             ON a.facility_id = k.facility_id AND a.sku_id = k.sku_id
           JOIN fulfilment_shipmentitem i ON i.id = a.shipment_item_id JOIN fulfilment_shipment s ON s.id = i.shipment_id
           WHERE a.quantity > 0""",
        [[level[0] for level in levels], [level[1] for level in levels]],
    )
    return [row[0] for row in rows]


def _give_up(missing: Mapping[LevelKey, int], actor: str, reason: str) -> list[int]:
    """Withdraw the newest allocations until `missing` units are free at each level; return the orders concerned."""
    rows = fetch(
        """SELECT a.facility_id, a.sku_id, a.shipment_item_id, a.quantity, a.per_unit, s.order_id
           FROM fulfilment_allocation a JOIN unnest(%s::bigint[], %s::bigint[]) AS k (facility_id, sku_id)
             ON a.facility_id = k.facility_id AND a.sku_id = k.sku_id
           JOIN fulfilment_shipmentitem i ON i.id = a.shipment_item_id JOIN fulfilment_shipment s ON s.id = i.shipment_id
           WHERE a.quantity > 0 ORDER BY a.shipment_item_id DESC""",
        [[level[0] for level in missing], [level[1] for level in missing]],
    )
    # Orders that were allocated after the caller looked, and before it held the levels, are not locked yet.
    lock_orders({row[5] for row in rows})
    left = dict(missing)
    withdraw: dict[int, int] = defaultdict(int)
    orders = set()
    for facility_id, sku_id, item_id, quantity, per_unit, order_id in rows:
        already = withdraw[item_id] * per_unit
        needed = left[facility_id, sku_id] - already
        if needed > 0:
            units = min(-(-needed // per_unit), quantity // per_unit - withdraw[item_id])
            withdraw[item_id] += units
            orders.add(order_id)
        left[facility_id, sku_id] -= withdraw[item_id] * per_unit
    withdraw_items(
        quantities={item: units for item, units in withdraw.items() if units}, actor=actor, reason=reason
    )
    log_events(
        [(order_id, "allocation_lost", {"reason": reason}) for order_id in sorted(orders)], actor=actor
    )
    return sorted(orders)
