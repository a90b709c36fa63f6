"""Money: captured, refunded, credited. Money moves only when the hub says so, once per idempotency key."""

import sqlite3

from retailops.demo.storefront.call import Call, Outcome, find_order, refuse_closed
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import Fields, Json, JsonObject, from_units


def paid(store: Store, refnum: str, kind: str) -> int:
    """Sum of one kind of payment of an order that came about, in ten-thousandths."""
    return store.number(
        "SELECT sum(amount) FROM payments WHERE refnum = ? AND kind = ? AND status = 'success'", refnum, kind
    )


def record(
    store: Store, refnum: str, source: str, kind: str, payment_type: str, amount: int, status: str = "success"
) -> None:
    """Book a payment; ``source`` is unique. One with ``status`` decline moves nothing."""
    store.run(
        "INSERT INTO payments (refnum, source, kind, payment_type, amount, status) VALUES (?, ?, ?, ?, ?, ?)",
        *(refnum, source, kind, payment_type, amount, status),
    )


def total(store: Store, refnum: str) -> int:
    """What the order comes to, in ten-thousandths."""
    return store.number(
        "SELECT max(0, shipping + tax - discount + (SELECT sum(quantity * unit_price) FROM items"
        " WHERE items.refnum = orders.refnum)) FROM orders WHERE refnum = ?",
        refnum,
    )


def is_declined(store: Store, refnum: str) -> bool:
    """Whether the order's payment was declined, so that nothing of it may be captured."""
    return store.row("SELECT 1 FROM payments WHERE refnum = ? AND status = 'decline'", refnum) is not None


def order_settle_payment(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Capture the charges of one payment series, once."""
    order = find_order(store, call.body.object("order"), outcome)
    if order is None:
        return {}
    payment = call.body.object("payment")
    charges = [
        row
        for row in payment.objects("payment_transactions")
        if row.text("transaction_type") in {"charge", "capture"}
    ]
    amount = sum(row.money("amount") for row in charges)
    refnum, series = order["refnum"], payment.integer("payment_series_id")
    source, association = f"settle:{refnum}:{series}", ("order_refnum", refnum)
    known = store.row("SELECT amount FROM payments WHERE source = ?", source)
    if known is not None:
        if known["amount"] == amount:
            outcome.duplicates += 1
        else:
            outcome.refuse("SERIES_CHANGED", f"series {series} is recorded with another amount", association)
    elif refuse_closed(order, outcome, completed_too=False):
        pass
    elif payment.text("currency_code", order["currency"]) != order["currency"]:
        outcome.refuse("CURRENCY_MISMATCH", f"the order is in {order['currency']}", association)
    elif amount <= 0:
        outcome.refuse("INVALID_AMOUNT", "nothing to capture", association)
    elif paid(store, refnum, "capture") + amount > order["authorised"]:
        outcome.refuse("OVER_CAPTURE", "more than the order's total", association)
    else:
        record(store, refnum, source, "capture", charges[0].text("payment_type"), amount)
        outcome.applied += 1
    return {}


def order_returned(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Refund ``refund_amt`` and take the units back, once per ``retailops_return_id``."""
    order = find_order(store, call.body.object("order"), outcome)
    if order is None:
        return {"payment_transactions": []}
    received = call.body.object("return")
    refnum, amount = order["refnum"], received.money("refund_amt")
    source = f"return:{refnum}:{received.integer('retailops_return_id')}"
    association = ("order_refnum", refnum)
    known = store.row("SELECT amount FROM payments WHERE source = ?", source)
    if known is not None:
        if known["amount"] != amount:
            outcome.refuse("RETURN_CHANGED", "recorded with another amount", association)
        else:
            outcome.duplicates += 1
    elif amount < 0:
        outcome.refuse("INVALID_AMOUNT", "refund_amt is negative", association)
    elif amount > refundable(store, refnum):
        outcome.refuse("OVER_REFUND", "more than was captured", association)
    elif not _take_back(store, refnum, received.objects("items")):
        outcome.refuse("OVER_RETURN", "more units than were shipped", association)
    else:
        record(store, refnum, source, "refund", "refund", amount)
        outcome.applied += 1
    if outcome.refused:
        return {"payment_transactions": []}
    if received.text("refund_action") == "storecredit":
        return {"payment_transactions": [], "return": {"channel_store_credit_amount": from_units(amount)}}
    return {"payment_transactions": [_credit(source, "refund", amount)] if amount else []}


def refundable(store: Store, refnum: str) -> int:
    """What of the captured money has not been refunded."""
    return paid(store, refnum, "capture") - paid(store, refnum, "refund")


def _take_back(store: Store, refnum: str, rows: list[Fields]) -> bool:
    """Count returned units; False, with nothing changed, when they exceed what was shipped."""
    wanted: dict[str, int] = {}
    for row in rows:
        item_refnum = row.text("channel_item_refnum")
        wanted[item_refnum] = wanted.get(item_refnum, 0) + row.integer("quantity")
    for item_refnum, quantity in wanted.items():
        left = store.number(
            "SELECT shipped - returned FROM items WHERE refnum = ? AND item_refnum = ?", refnum, item_refnum
        )
        if not 0 <= quantity <= left:
            return False
    for item_refnum, quantity in wanted.items():
        store.run(
            "UPDATE items SET returned = returned + ? WHERE refnum = ? AND item_refnum = ?",
            *(quantity, refnum, item_refnum),
        )
    return True


def payment_credit(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Refund against an earlier transaction, named by its refnum.

    The contract gives a credit no identity of its own. A Webhook-Id serves as one; without it every call
    counts.
    """
    credit = call.body.object("credit")
    amount = credit.money("amount")
    parent = _parent(store, credit.objects("parent_payment_transactions"))
    if parent is None:
        outcome.refuse("PAYMENT_NOT_FOUND", "no parent transaction is known here")
        return _credit("", "unknown", amount, outcome)
    refnum, payment_type = parent["refnum"], parent["payment_type"]
    source = f"credit:{refnum}:{call.webhook_id or call.sequence}"
    if store.row("SELECT 1 FROM payments WHERE source = ?", source) is not None:
        outcome.duplicates += 1
    elif amount <= 0:
        outcome.refuse("INVALID_AMOUNT", "amount is not positive")
    elif amount > refundable(store, refnum):
        outcome.refuse("OVER_REFUND", "more than was captured", ("order_refnum", refnum))
    else:
        record(store, refnum, source, "refund", payment_type, amount)
        outcome.applied += 1
    return _credit(source, payment_type, amount, outcome)


def _parent(store: Store, transactions: list[Fields]) -> sqlite3.Row | None:
    for transaction in transactions:
        parent = store.row("SELECT * FROM payments WHERE source = ?", transaction.text("refnum"))
        if parent is not None:
            return parent
    return None


def _credit(source: str, payment_type: str, amount: int, outcome: Outcome | None = None) -> JsonObject:
    """A payment transaction; a refused one says why, since the reply has no events."""
    transaction: dict[str, Json] = {
        "payment_type": payment_type,
        "payment_processing_type": "channel_payment",
        "transaction_type": "credit",
        "amount": from_units(amount),
        "status": "success",
        "refnum": source,
    }
    if outcome is not None and outcome.refused:
        transaction |= {"status": "decline", "message": outcome.events[-1]["message"], "refnum": ""}
    return transaction
