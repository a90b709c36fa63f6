"""A channel offers orders that the hub already has: the same again, changed, or cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retailops.hub.db import columns_of, execute, fetch
from retailops.hub.orders.operations.count_lines import recompute_orders
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.write_order_parts import write_addresses, write_holds, write_lines
from retailops.hub.orders.rules import CONTENT_HOLDS, IncomingOrder


@dataclass(frozen=True, slots=True)
class KnownOrders:
    """What became of known orders, refnum → id. For `cancel_requested` the caller cancels what still can be."""

    unchanged: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    cancel_requested: Mapping[str, int] = field(default_factory=dict)
    touched_skus: frozenset[int] = frozenset()

    @property
    def all_ids(self) -> list[int]:
        """All known orders of the call."""
        return [*self.unchanged.values(), *self.changed.values(), *self.cancel_requested.values()]


def reimport_orders(
    *, channel_id: int, orders: Sequence[IncomingOrder], skus: Mapping[str, int], actor: str
) -> KnownOrders:
    """Compare orders with what is stored, in the caller's transaction, and take over what changed."""
    if not orders:
        return KnownOrders()
    offered = {order.channel_refnum: order for order in orders}
    rows = fetch(
        """SELECT o.id, o.channel_refnum, o.content_hash, o.cancelled_at IS NOT NULL,
               o.acknowledged_at IS NULL AND o.routed_at IS NULL
           FROM orders_order o WHERE channel_id = %s AND channel_refnum = ANY(%s) ORDER BY o.id FOR NO KEY UPDATE""",
        [channel_id, list(offered)],
    )
    unchanged, changed, cancels = {}, {}, {}
    replace: dict[int, IncomingOrder] = {}
    hold: dict[int, IncomingOrder] = {}
    for order_id, ref, content_hash, cancelled, untouched in rows:
        if offered[ref].cancel and not cancelled:
            cancels[ref] = order_id
        elif offered[ref].content_hash == content_hash or cancelled:
            unchanged[ref] = order_id
        else:
            changed[ref] = order_id
            (replace if untouched else hold)[order_id] = offered[ref]
    touched = _replace(replace, skus, actor) if replace else frozenset()
    _hold(hold, actor)
    return KnownOrders(unchanged, changed, cancels, touched)


def _replace(orders: Mapping[int, IncomingOrder], skus: Mapping[str, int], actor: str) -> frozenset[int]:
    """Store new content in place of the old; nothing outside has happened on the ground of the old."""
    ids = sorted(orders)
    old = fetch(
        "SELECT DISTINCT sku_id FROM orders_orderline WHERE order_id = ANY(%s) AND sku_id IS NOT NULL", [ids]
    )
    for name in ("orders_orderline", "orders_orderaddress", "orders_ordercustomer"):
        execute(f"DELETE FROM {name} WHERE order_id = ANY(%s)", [ids])  # noqa: S608 - constants of ours
    # What the old content was held for is judged anew; what a person holds the order for is not ours to release.
    execute(
        "DELETE FROM orders_orderhold WHERE order_id = ANY(%s) AND kind = ANY(%s)", [ids, list(CONTENT_HOLDS)]
    )
    _update_heads(orders)
    write_lines(orders, skus)
    write_addresses(orders)
    write_holds({order_id: order.find_holds(skus) for order_id, order in orders.items()}, actor)
    log_events(
        [(order_id, "replaced", {"reason": "changed at the channel"}) for order_id in ids], actor=actor
    )
    recompute_orders(ids)
    new = {skus[line.sku_code] for order in orders.values() for line in order.lines if line.sku_code in skus}
    return frozenset(new | {row[0] for row in old})


def _update_heads(orders: Mapping[int, IncomingOrder]) -> None:
    rows = [
        (
            order_id, order.currency, order.ship_service_code, order.gift_message, order.shipping_amt, order.tax_amt,
            order.discount_amt, order.grand_total, order.content_hash,
        )
        for order_id, order in sorted(orders.items())
    ]  # fmt: skip
    execute(
        """UPDATE orders_order o SET currency = n.currency, ship_service_code = n.ship, gift_message = n.gift,
               shipping_amt = n.shipping, tax_amt = n.tax, discount_amt = n.discount, grand_total = n.total,
               content_hash = n.hash, updated_at = now()
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[],
               %s::numeric[], %s::text[]) AS n (id, currency, ship, gift, shipping, tax, discount, total, hash)
           WHERE o.id = n.id""",
        columns_of(rows, 9),
    )


def _hold(orders: Mapping[int, IncomingOrder], actor: str) -> None:
    """Work on these has begun: a person decides. The new hash is kept, so that the same change is asked about once."""
    if not orders:
        return
    rows = [(order_id, order.content_hash) for order_id, order in sorted(orders.items())]
    execute(
        """UPDATE orders_order o SET content_hash = n.hash FROM unnest(%s::bigint[], %s::text[]) AS n (id, hash)
           WHERE o.id = n.id""",
        columns_of(rows, 2),
    )
    reason = "the channel changed this order after it was acknowledged; compare it with the channel's, then edit or release"
    place_holds(holds=dict.fromkeys(orders, ("changed_at_channel", reason)), actor=actor)
