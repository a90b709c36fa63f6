"""What the storefront recorded, and what it holds against its caller."""

import json
import sqlite3

from retailops.demo.storefront.call import VIOLATIONS
from retailops.demo.storefront.payments import paid, total
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import Json, JsonObject, from_units

# Each yields the refnums (or SKUs) whose records contradict themselves. They hold by construction: a hit is
# either a caller that got past a refusal or a defect of the storefront itself.
_STATE_CHECKS = {
    "SHIPPED_EXCEEDS_ORDERED": "SELECT refnum FROM items WHERE shipped + cancelled > quantity",
    "RETURNED_EXCEEDS_SHIPPED": "SELECT refnum FROM items WHERE returned > shipped",
    "PACKAGES_DIFFER_FROM_SHIPPED": """
        SELECT items.refnum FROM items LEFT JOIN (
            SELECT refnum, key AS item_refnum, sum(value) AS units
            FROM packages, json_each(packages.items) GROUP BY refnum, key
        ) AS packed USING (refnum, item_refnum) WHERE items.shipped <> coalesce(packed.units, 0)""",
    "CAPTURED_EXCEEDS_TOTAL": """
        SELECT refnum FROM orders WHERE authorised <
        (SELECT sum(amount) FROM payments
         WHERE payments.refnum = orders.refnum AND kind = 'capture' AND status = 'success')""",
    "REFUNDED_EXCEEDS_CAPTURED": """
        SELECT refnum FROM payments WHERE status = 'success' GROUP BY refnum
        HAVING sum(amount * (kind = 'refund')) > sum(amount * (kind = 'capture'))""",
}


def judgement(store: Store) -> JsonObject:
    """``{"violations": [{code, text, sequence, interaction, refnums}]}``, empty for a faultless caller."""
    violations: list[Json] = []
    for call in store.rows("SELECT * FROM journal WHERE overlap OR problems <> '[]' ORDER BY sequence"):
        codes = [code for code in dict.fromkeys(json.loads(call["problems"])) if code in VIOLATIONS]
        violations += [_violation(code, VIOLATIONS[code], call) for code in codes]
        if call["overlap"]:
            violations.append(_violation("OVERLAP", "two calls in flight for one order", call))
    for code, query in _STATE_CHECKS.items():
        refnums: list[Json] = [*sorted({str(row[0]) for row in store.rows(query)})]
        if refnums:
            violations.append({"code": code, "text": "records contradict each other", "refnums": refnums})
    return {"violations": violations}


def _violation(code: str, text: str, call: sqlite3.Row) -> JsonObject:
    return {
        "code": code,
        "text": text,
        "sequence": call["sequence"],
        "interaction": call["interaction"],
        "refnums": json.loads(call["refnums"]),
    }


def journal(store: Store, refnum: str = "", after: int = 0, limit: int = 1000) -> list[Json]:
    """Calls in order of arrival, optionally of one order only."""
    rows = store.rows(
        "SELECT * FROM journal WHERE sequence > ? AND (? = '' OR EXISTS"
        " (SELECT 1 FROM json_each(journal.refnums) WHERE value = ?)) ORDER BY sequence LIMIT ?",
        *(after, refnum, refnum, limit),
    )
    return [
        {
            **dict(row),
            "overlap": bool(row["overlap"]),
            "refnums": json.loads(row["refnums"]),
            "problems": json.loads(row["problems"]),
        }
        for row in rows
    ]


def orders(store: Store, refnum: str = "", after: int = 0, limit: int = 1000) -> list[Json]:
    """What became of the orders, oldest first, optionally one only."""
    rows = store.rows(
        "SELECT * FROM orders WHERE position > ? AND (? = '' OR refnum = ?) ORDER BY position LIMIT ?",
        *(after, refnum, refnum, limit),
    )
    return [order_state(store, row) for row in rows]


def order_state(store: Store, order: sqlite3.Row) -> JsonObject:
    """One order: status, units per item, packages, sums and single payments."""
    refnum = order["refnum"]
    items: list[Json] = [
        {**dict(row), "unit_price": from_units(row["unit_price"])}
        for row in store.rows("SELECT * FROM items WHERE refnum = ?", refnum)
    ]
    packages: list[Json] = [
        {**dict(row), "items": json.loads(row["items"])}
        for row in store.rows("SELECT * FROM packages WHERE refnum = ?", refnum)
    ]
    transactions: list[Json] = [
        {**dict(row), "amount": from_units(row["amount"])}
        for row in store.rows(
            "SELECT source, kind, amount, status FROM payments WHERE refnum = ? ORDER BY id", refnum
        )
    ]
    columns = ("position", "refnum", "created_at", "currency", "pulls", "hub_order_id", "acknowledged_at")
    return {
        **{name: order[name] for name in (*columns, "cancelled_at", "completed_at")},
        "status": order_status(store, order),
        "cancel_requested": bool(order["cancel_requested"]),
        "total": from_units(total(store, refnum)),
        "captured": from_units(paid(store, refnum, "capture")),
        "refunded": from_units(paid(store, refnum, "refund")),
        "items": items,
        "packages": packages,
        "payments": transactions,
    }


def order_status(store: Store, order: sqlite3.Row) -> str:
    """One word for the shopper."""
    if order["cancelled_at"]:
        return "cancelled"
    if order["completed_at"]:
        return "completed"
    if store.number("SELECT count(*) FROM packages WHERE refnum = ?", order["refnum"]):
        return "shipping"
    if order["acknowledged_at"]:
        return "acknowledged"
    return "cancel requested" if order["cancel_requested"] else "received"
