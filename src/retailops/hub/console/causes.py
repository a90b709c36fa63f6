"""The work queues: what waits for a person, each order under the cause that stops it."""

from __future__ import annotations

from retailops.hub.console.queries import Cause
from retailops.hub.db import Row, fetch
from retailops.hub.orders.models import OrderHold
from retailops.hub.routing.rules import REASONS

PAGE = 50
#: Refusals are news for so long; older ones are history.
REFUSED_DAYS = 7

HINTS = {
    "unknown_sku": "Add the SKU, or an alias of it, to the catalog; the hold goes by itself.",
    "address": "Have the address mended at the channel, then pull the order again.",
    "payment": "Settle the payment with the buyer or the channel, then release.",
    "changed_at_channel": "Compare with the channel, edit or cancel the order, then release.",
    "contract": "Look at what the channel sent; release if it is right after all.",
    "operator": "Somebody wants to look at these first.",
    "no_rule": "Add or activate a routing rule that fits.",
    "empty_kit": "Give the kit its components.",
    "no_source": "Stock the SKU, or find a vendor who carries it.",
    "refused": "Find another source, or cancel.",
    "stale_advice": "Ask the vendor for fresh stock figures.",
    "out_of_stock": "They are routed as soon as stock arrives.",
    "not_enough_stock": "They are routed as soon as more arrives.",
    "split_not_allowed": "Move stock into one place, or allow a split in a rule.",
}


def causes() -> list[tuple[str, list[Cause]]]:
    """The queues in groups, with how much waits in each."""
    holds: dict[str, int] = dict(
        fetch("SELECT kind, count(*)::int FROM orders_orderhold WHERE released_at IS NULL GROUP BY 1")
    )
    reasons: dict[str, int] = dict(
        fetch(
            """SELECT routing_reason, count(DISTINCT order_id)::int FROM orders_orderline
               WHERE open > 0 AND routing_reason <> '' GROUP BY 1"""
        )
    )
    told = fetch(
        """SELECT (SELECT count(*) FROM tasks_task WHERE state = 'parked'),
             (SELECT count(*) FROM tasks_task WHERE outcome = 'refused' AND finished_at > now() - %s * interval '1 day'),
             (SELECT count(*) FROM channels_rejectedorder WHERE imported_at IS NULL)""",
        [REFUSED_DAYS],
    )[0]
    return [
        (
            "On hold",
            [Cause(f"hold-{k}", label, holds.get(k, 0), HINTS[k]) for k, label in OrderHold.Kind.choices],
        ),
        (
            "Can't be routed",
            [Cause(f"route-{k}", text, reasons.get(k, 0), HINTS.get(k, "")) for k, text in REASONS.items()],
        ),
        (
            "Between us and the channels",
            [
                Cause("tasks-parked", "parked tasks", told[0], "Mend the cause, then replay them."),
                Cause(
                    "tasks-refused",
                    f"refused by the channel in the last {REFUSED_DAYS} days",
                    told[1],
                    "The channel heard us and said no.",
                ),
                Cause(
                    "rejected",
                    "orders that could not be imported",
                    told[2],
                    "They are offered again until they fit.",
                ),
            ],
        ),
    ]


def waiting_orders(cause: str, *, before: int | None) -> list[Row]:
    """A page of (order id, refnum, channel, status, total, currency, why, since) of one cause, newest first; one row more
    than a page, to know whether another follows. Raises `KeyError` for a cause there is none of.
    """
    group, _, name = cause.partition("-")
    select = """SELECT o.id, o.channel_refnum, c.name, o.status, o.grand_total, o.currency, w.why, w.since
        FROM ({waiting}) w JOIN orders_order o ON o.id = w.order_id JOIN channels_channel c ON c.id = o.channel_id
        ORDER BY o.id DESC"""
    waiting = {
        "hold": """SELECT order_id, reason AS why, placed_at AS since FROM orders_orderhold
            WHERE released_at IS NULL AND kind = %(name)s AND (%(before)s::bigint IS NULL OR order_id < %(before)s)
            ORDER BY order_id DESC LIMIT %(limit)s""",
        "route": """SELECT l.order_id, string_agg(l.open || ' \u00d7 ' || l.sku_code, ', ' ORDER BY l.position) AS why,
              max(r.routed_at) AS since
            FROM orders_orderline l JOIN orders_order r ON r.id = l.order_id
            WHERE l.open > 0 AND l.routing_reason = %(name)s AND (%(before)s::bigint IS NULL OR l.order_id < %(before)s)
            GROUP BY l.order_id ORDER BY l.order_id DESC LIMIT %(limit)s""",
    }[group]
    return fetch(select.format(waiting=waiting), {"name": name, "before": before, "limit": PAGE + 1})
