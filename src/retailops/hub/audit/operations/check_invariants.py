"""What must always be true, asked of the database in SQL. Run it at any time; it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from retailops.hub.db import fetch

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold: how many rows break it, and the first few."""

    rule: str
    count: int
    examples: tuple[str, ...]


#: Rule → a query whose every row is a violation, as one text.
RULES = {
    "ordered units = open + planned + shipped + cancelled": """
        SELECT format('line %s: %s ordered, %s/%s/%s/%s', id, ordered, open, planned, shipped, cancelled) FROM orders_orderline
        WHERE ordered <> open + planned + shipped + cancelled OR least(open, planned, shipped, cancelled, returned) < 0
           OR returned > shipped""",
    "each channel order once, acknowledged after its import": """
        SELECT format('channel %s order %s', channel_id, channel_refnum) FROM orders_order
        GROUP BY channel_id, channel_refnum HAVING count(*) > 1 OR min(acknowledged_at - imported_at) < interval '0'""",
    "stock level = sum of its ledger": """
        SELECT format('facility %s SKU %s: level %s/%s, ledger %s/%s', l.facility_id, l.sku_id, l.on_hand, l.allocated,
            coalesce(m.on_hand, 0), coalesce(m.allocated, 0))
        FROM stock_stocklevel l LEFT JOIN (SELECT facility_id, sku_id, sum(d_on_hand) AS on_hand,
            sum(d_allocated) AS allocated FROM stock_stockmove GROUP BY 1, 2) m
          ON m.facility_id = l.facility_id AND m.sku_id = l.sku_id
        WHERE (l.on_hand, l.allocated) IS DISTINCT FROM (coalesce(m.on_hand, 0), coalesce(m.allocated, 0))""",
    "allocated = units set aside for live shipment items": """
        SELECT format('facility %s SKU %s: allocated %s, set aside %s', l.facility_id, l.sku_id, l.allocated,
            coalesce(a.quantity, 0))
        FROM stock_stocklevel l LEFT JOIN (SELECT facility_id, sku_id, sum(quantity) AS quantity
            FROM fulfilment_allocation GROUP BY 1, 2) a ON a.facility_id = l.facility_id AND a.sku_id = l.sku_id
        WHERE l.allocated <> coalesce(a.quantity, 0)""",
    "units set aside = units still to ship from the facility": """
        SELECT format('allocation %s: %s set aside, %s to ship', a.id, a.quantity,
            a.per_unit * (i.quantity - i.shipped - i.cancelled))
        FROM fulfilment_allocation a JOIN fulfilment_shipmentitem i ON i.id = a.shipment_item_id
        WHERE a.quantity <> a.per_unit * (i.quantity - i.shipped - i.cancelled)""",
    "no stock level below zero or over-allocated": """
        SELECT format('facility %s SKU %s: %s on hand, %s allocated', facility_id, sku_id, on_hand, allocated)
        FROM stock_stocklevel WHERE on_hand < allocated OR allocated < 0""",
    "line counters = shipment items": """
        SELECT format('line %s: planned %s shipped %s, items %s/%s', l.id, l.planned, l.shipped,
            coalesce(i.planned, 0), coalesce(i.shipped, 0))
        FROM orders_orderline l LEFT JOIN (SELECT order_line_id, sum(quantity - shipped - cancelled) AS planned,
            sum(shipped) AS shipped FROM fulfilment_shipmentitem GROUP BY 1) i ON i.order_line_id = l.id
        WHERE l.item_type = 'ship'
          AND (l.planned, l.shipped) IS DISTINCT FROM (coalesce(i.planned, 0), coalesce(i.shipped, 0))""",
    "shipped units = units in packages": """
        SELECT format('shipment item %s: shipped %s, in packages %s', i.id, i.shipped, coalesce(p.units, 0))
        FROM fulfilment_shipmentitem i LEFT JOIN (SELECT shipment_item_id, sum(quantity) AS units
            FROM fulfilment_packageitem GROUP BY 1) p ON p.shipment_item_id = i.id
        WHERE i.shipped <> coalesce(p.units, 0)""",
    "returned units = units in returns": """
        SELECT format('line %s: returned %s, in returns %s', l.id, l.returned, coalesce(r.units, 0))
        FROM orders_orderline l LEFT JOIN (SELECT order_line_id, sum(quantity) AS units FROM returns_returnitem
            GROUP BY 1) r ON r.order_line_id = l.id
        WHERE l.returned <> coalesce(r.units, 0)""",
    "every vendor item has exactly one PO item with the same units": """
        SELECT format('shipment item %s', i.id) FROM fulfilment_shipmentitem i
        JOIN fulfilment_shipment s ON s.id = i.shipment_id AND s.vendor_id IS NOT NULL
        LEFT JOIN purchasing_poitem p ON p.shipment_item_id = i.id
        WHERE p.id IS NULL OR (p.quantity, p.shipped, p.cancelled) IS DISTINCT FROM (i.quantity, i.shipped, i.cancelled)""",
    "every package has been told or is being told": """
        SELECT format('package %s', p.id) FROM fulfilment_package p JOIN fulfilment_shipment s ON s.id = p.shipment_id
        JOIN orders_order o ON o.id = s.order_id JOIN channels_channel c ON c.id = o.channel_id
        WHERE 'order_shipment_submit' = ANY(c.capabilities) AND p.shipped_at > now() - interval '80 days'
          AND (SELECT count(*) FROM tasks_task t
            WHERE t.order_id = o.id AND t.kind = 'order_shipment_submit' AND t.subject_id = p.id) <> 1""",
    "completion is told after every package": """
        SELECT format('order %s', c.order_id) FROM tasks_task c JOIN tasks_task s ON s.order_id = c.order_id
            AND s.kind = 'order_shipment_submit'
        WHERE c.kind = 'order_complete' AND c.state = 'succeeded' AND s.state IN ('queued', 'running')""",
    "captured within authorised, refunded within captured": """
        SELECT format('order %s: %s/%s/%s', order_id, authorized, captured, refunded) FROM payments_payment
        WHERE captured > authorized OR refunded > captured""",
    "no amount is not a number, no order has two currencies": """
        SELECT format('order %s transaction %s: %s %s', t.order_id, t.id, t.amount, t.currency)
        FROM payments_paymenttransaction t JOIN orders_order o ON o.id = t.order_id
        WHERE t.amount IN ('NaN', 'Infinity', '-Infinity') OR t.currency <> o.currency""",
    "payment sums = their transactions": """
        SELECT format('order %s', p.order_id) FROM payments_payment p LEFT JOIN (SELECT order_id,
            sum(amount) FILTER (WHERE kind IN ('charge', 'capture')) AS captured,
            sum(amount) FILTER (WHERE kind = 'refund') AS refunded
            FROM payments_paymenttransaction WHERE state = 'succeeded' GROUP BY 1) t ON t.order_id = p.order_id
        WHERE (p.captured, p.refunded) IS DISTINCT FROM (coalesce(t.captured, 0), coalesce(t.refunded, 0))""",
    "every lane with work is there to be claimed": """
        SELECT format('lane %s', t.lane) FROM (SELECT DISTINCT lane FROM tasks_task WHERE state IN ('queued', 'running')) t
        WHERE NOT EXISTS (SELECT 1 FROM tasks_lane l WHERE l.name = t.lane)""",
    "order status fits its lines": """
        SELECT format('order %s is %s', o.id, o.status) FROM orders_order o JOIN (SELECT order_id, sum(open) AS open,
            sum(planned) AS planned, sum(shipped) AS shipped FROM orders_orderline WHERE item_type = 'ship' GROUP BY 1) l
          ON l.order_id = o.id
        WHERE (o.status IN ('completed', 'cancelled') AND l.open + l.planned > 0)
           OR (o.status = 'shipped' AND (l.open + l.planned > 0 OR l.shipped = 0))
           OR (o.status = 'cancelled' AND l.shipped > 0)""",
}


def check_invariants() -> list[Violation]:
    """Check every rule and return those that do not hold; an empty list is the good answer."""
    violations = []
    for rule, query in RULES.items():
        rows = fetch(query)
        if rows:
            violations.append(Violation(rule, len(rows), tuple(row[0] for row in rows[:EXAMPLES])))
    return violations
