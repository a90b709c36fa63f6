"""One interaction call: what the hub asked, and what came of it."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import Fields, JsonObject

# What the judge holds against the caller. Codes outside this table are reported to the caller only.
VIOLATIONS = {
    "ORDER_NOT_PULLED": "acknowledged an order that was never pulled",
    "ORDER_NOT_ACKNOWLEDGED": "a message of an order arrived before its acknowledgement",
    "ORDER_ID_CHANGED": "acknowledged an order again under another RetailOps order id",
    "ORDER_CANCELLED": "a message arrived after the order was cancelled",
    "ORDER_COMPLETED": "a message arrived after the order was completed",
    "ORDER_SHIPPED": "asked to cancel an order that has shipped",
    "OVER_SHIPMENT": "shipped more units than were ordered",
    "PACKAGE_CHANGED": "sent a known package again with other contents",
    "INCOMPLETE_ORDER": "completed an order before all its units were shipped or listed as unshipped",
    "OVER_CAPTURE": "captured more than the order's total",
    "SERIES_CHANGED": "sent a known payment series again with another amount",
    "CURRENCY_MISMATCH": "settled in another currency than the order's",
    "OVER_REFUND": "refunded more than was captured",
    "OVER_RETURN": "returned more units than were shipped",
    "RETURN_CHANGED": "sent a known return again with another amount",
    "STALE_REVISION": "an inventory revision went backwards in a call that was not a redelivery",
}

Association = tuple[str, str]


@dataclass(slots=True)
class Call:
    """An authenticated call. ``sequence`` is its place in order of arrival."""

    sequence: int
    interaction: str
    body: Fields
    refnums: tuple[str, ...] = ()
    webhook_id: str = ""
    attempt: str = ""
    page_fault: str = ""


@dataclass(slots=True)
class Outcome:
    """Collects the events for the caller and the facts for the journal."""

    events: list[JsonObject] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    applied: int = 0
    duplicates: int = 0
    refused: int = 0

    def refuse(self, code: str, message: str, *associations: Association) -> None:
        """A row had no effect: report it as an error event."""
        self.refused += 1
        self._event("error", code, message, associations)

    def warn(self, code: str, message: str, *associations: Association) -> None:
        """The row took effect nevertheless: report it as a warning event."""
        self._event("warning", code, message, associations)

    @property
    def effect(self) -> str:
        """The journal's word for what happened to the call as a whole."""
        if self.applied:
            return "applied"
        if self.refused:
            return "refused"
        return "duplicate" if self.duplicates else "none"

    def _event(self, kind: str, code: str, message: str, associations: tuple[Association, ...]) -> None:
        self.problems.append(code)
        self.events.append(
            {
                "event_type": kind,
                "code": code,
                "message": message,
                "associations": [{"identifier_type": t, "identifier": i} for t, i in associations],
            }
        )


Handler = Callable[[Store, Call, Outcome], JsonObject]


def find_order(store: Store, fields: Fields, outcome: Outcome) -> sqlite3.Row | None:
    """The order that ``channel_order_refnum`` names; reports an unknown one."""
    refnum = fields.text("channel_order_refnum")
    order = store.row("SELECT * FROM orders WHERE refnum = ?", refnum)
    if order is None:
        outcome.refuse("ORDER_NOT_FOUND", "no such order in this store", ("order_refnum", refnum))
    elif order["acknowledged_at"] is None:
        # Applied all the same: the judge wants to see what a wrong order of messages leads to.
        outcome.warn("ORDER_NOT_ACKNOWLEDGED", "not acknowledged yet", ("order_refnum", refnum))
    return order


def refuse_closed(order: sqlite3.Row, outcome: Outcome, *, completed_too: bool = True) -> bool:
    """Whether the order is cancelled (or completed) and therefore takes no more changes; reports it."""
    association = ("order_refnum", order["refnum"])
    if order["cancelled_at"]:
        outcome.refuse("ORDER_CANCELLED", "the order is cancelled", association)
        return True
    if completed_too and order["completed_at"]:
        outcome.refuse("ORDER_COMPLETED", "the order is completed", association)
        return True
    return False


def is_redelivery(store: Store, call: Call) -> bool:
    """Whether a call with the same Webhook-Id has taken effect before."""
    return (
        bool(call.webhook_id)
        and store.row(
            "SELECT 1 FROM journal WHERE webhook_id = ? AND interaction = ? AND effect = 'applied'",
            call.webhook_id,
            call.interaction,
        )
        is not None
    )
