"""Route what is open: decide, allocate, raise POs, and leave one stated reason for what can't be routed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.db import columns_of, copy_rows, execute, fetch, unit_of_work
from retailops.hub.fulfilment.operations.complete_orders import finish_orders
from retailops.hub.fulfilment.operations.plan_shipments import PlannedItem, plan_shipments
from retailops.hub.orders.operations.count_lines import recompute_orders
from retailops.hub.routing.models import RoutingDecision
from retailops.hub.routing.queries import active_rules, lock_stock, open_orders
from retailops.hub.routing.rules import Decision, OpenOrder, route_order


@dataclass(frozen=True, slots=True)
class RouteResult:
    """What routing decided. `reasons` counts the lines left open by reason; empty `orders`: nothing was due.

    `orders` are those that were looked at; of those that were due, some may be on hold.
    """

    orders: Sequence[int]
    decisions: Sequence[Decision]
    reasons: Mapping[str, int]


@unit_of_work
def route_orders(*, order_ids: Collection[int], actor: str, dry_run: bool = False) -> RouteResult:
    """Route the open lines of these orders, in a number of statements that doesn't grow with them.

    Orders on hold, ended or locked by somebody else are left out. A dry run decides the same on the same picture and
    changes nothing.
    """
    rows = fetch(
        """SELECT id FROM orders_order o WHERE id = ANY(%s) AND cancelled_at IS NULL AND completed_at IS NULL
             AND NOT channel_incomplete
           ORDER BY id FOR NO KEY UPDATE SKIP LOCKED""",
        [sorted(set(order_ids))],
    )
    locked = [row[0] for row in rows]
    return _route(sorted(set(locked) - set(_held(locked))), actor, dry_run=dry_run)


@unit_of_work
def route_due_orders(*, limit: int, actor: str) -> RouteResult:
    """Route up to `limit` orders that are due; several workers may do so at once without meeting."""
    rows = fetch(
        """SELECT id FROM orders_order WHERE routing_due_at <= now()
           ORDER BY routing_due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
        [limit],
    )
    due = [row[0] for row in rows]
    held = _held(due)
    execute("UPDATE orders_order SET routing_due_at = NULL WHERE id = ANY(%s)", [held])
    return replace(_route(sorted(set(due) - set(held)), actor, dry_run=False), orders=due)


def _held(order_ids: Sequence[int]) -> list[int]:
    """Return those of locked orders that are on hold; asked after locking, so that a hold placed meanwhile is seen."""
    rows = fetch(
        "SELECT DISTINCT order_id FROM orders_orderhold WHERE order_id = ANY(%s) AND released_at IS NULL",
        [list(order_ids)],
    )
    return [row[0] for row in rows]


def _route(order_ids: Sequence[int], actor: str, *, dry_run: bool) -> RouteResult:
    if not order_ids:
        return RouteResult((), (), {})
    orders = open_orders(order_ids)
    rules = active_rules()
    stock = lock_stock({line.sku_id for order in orders for line in order.lines if line.sku_id is not None})
    decisions = [decision for order in orders for decision in route_order(order, rules, stock)]
    if not dry_run:
        _carry_out(order_ids, orders, decisions, stock.parts, actor)
    return RouteResult(
        order_ids, decisions, Counter(decision.reason for decision in decisions if decision.reason)
    )


def _carry_out(
    order_ids: Sequence[int],
    orders: Sequence[OpenOrder],
    decisions: Sequence[Decision],
    parts: Mapping[int, Sequence[tuple[int, int]]],
    actor: str,
) -> None:
    skus = {line.line_id: line.sku_id or 0 for order in orders for line in order.lines}
    planned = [decision for decision in decisions if not decision.reason]
    plan_shipments(items=[_planned_item(d, parts.get(skus[d.line_id], ())) for d in planned], actor=actor)
    copy_rows(
        RoutingDecision,
        ("order_line_id", "rule_id", "facility_id", "vendor_id", "quantity", "reason"),
        (
            (
                d.line_id,
                d.rule_id,
                d.facility_id,
                d.offer.vendor_id if d.offer else None,
                d.quantity,
                d.reason,
            )
            for d in decisions
        ),
    )
    reasons = dict.fromkeys(skus, "") | {d.line_id: d.reason for d in decisions if d.reason}
    execute(
        """UPDATE orders_orderline l SET routing_reason = r.reason FROM unnest(%s::bigint[], %s::text[]) AS r (id, reason)
           WHERE l.id = r.id AND l.routing_reason <> r.reason""",
        columns_of(sorted(reasons.items()), 2),
    )
    execute(
        "UPDATE orders_order SET routed_at = now(), routing_due_at = NULL WHERE id = ANY(%s)",
        [list(order_ids)],
    )
    recompute_orders(order_ids)
    # Orders of advisory and in-store lines alone have nothing to route, and nothing else that would end them.
    finish_orders(order_ids=set(order_ids) - {order.order_id for order in orders}, actor=actor)
    if planned and _channels_see_different_stock():
        publish_inventory(sku_ids={skus[decision.line_id] for decision in planned})


def _planned_item(decision: Decision, parts: Sequence[tuple[int, int]]) -> PlannedItem:
    offer = decision.offer
    return PlannedItem(
        order_id=decision.order_id,
        line_id=decision.line_id,
        quantity=decision.quantity,
        facility_id=decision.facility_id,
        parts=parts,
        vendor_id=offer.vendor_id if offer else None,
        vendor_sku_id=offer.vendor_sku_id if offer else None,
        unit_cost=offer.cost if offer else Decimal(0),
        currency=offer.currency if offer else "",
    )


def _channels_see_different_stock() -> bool:
    """Tell whether moving demand to a source can change what a channel may sell.

    Where every channel sells from everything, an open unit and an allocated one weigh the same.
    """
    return bool(
        fetch(
            """SELECT 1 WHERE EXISTS (SELECT 1 FROM channels_channel_facilities)
               OR EXISTS (SELECT 1 FROM channels_channel WHERE NOT use_vendor_stock)"""
        )
    )
