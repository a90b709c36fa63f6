"""order_pull: which orders the hub gets to see, page by page."""

import base64
import binascii
import hashlib
import hmac
import json
import sqlite3
import struct
from collections.abc import Sequence

from retailops.demo.storefront.call import Call, Outcome
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import BadRequestError, Json, JsonObject, from_units

MAX_PAGE_SIZE = 100
_POSITION = struct.Struct(">QI")
_MAC_BYTES = 12


class PageTokens:
    """Tokens of 32 characters: the last position seen, a serial number, a MAC. Nothing to store."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(b"page token " + key.encode()).digest()

    def write(self, position: int, serial: int = 0) -> str:
        """The token for the page after ``position``."""
        payload = _POSITION.pack(position, serial)
        return base64.urlsafe_b64encode(payload + self._mac(payload)).decode()

    def read(self, token: str) -> tuple[int, int]:
        """Position and serial number.

        Raises:
            BadRequestError: 422, the token is not one of ours.
        """
        try:
            raw = base64.b64decode(token.encode(), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        payload = raw[: _POSITION.size]
        if len(raw) != _POSITION.size + _MAC_BYTES or not hmac.compare_digest(
            raw[_POSITION.size :], self._mac(payload)
        ):
            raise BadRequestError(422, "page_token: not one of ours; send a blank token to start over")
        position, serial = _POSITION.unpack(payload)
        return position, serial

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")[:_MAC_BYTES]


class OrderPull:
    """The order_pull handler. Orders stay pullable until acknowledged; ``specific_orders`` finds any."""

    def __init__(self, key: str, page_size: int) -> None:
        self._tokens = PageTokens(key)
        self._page_size = min(page_size, MAX_PAGE_SIZE)

    def __call__(self, store: Store, call: Call, _outcome: Outcome) -> JsonObject:
        """One page of orders, oldest first, keyset-paged so that acknowledging meanwhile hides none."""
        specific = [row.text("channel_refnum") for row in call.body.objects("specific_orders")]
        if specific:
            unique = list(dict.fromkeys(specific))[:MAX_PAGE_SIZE]
            found = [store.row("SELECT * FROM orders WHERE refnum = ?", refnum) for refnum in unique]
            orders = [order for order in found if order is not None]
            token = ""
        else:
            orders, token = self._page(store, call)
        documents: list[Json] = [order_document(store, order) for order in orders]
        if orders:
            _note_pulled(store, orders)
            _apply_page_fault(call.page_fault, documents, orders)
        return {"orders": documents, "next_page_token": token}

    def _page(self, store: Store, call: Call) -> tuple[list[sqlite3.Row], str]:
        given = call.body.text("page_token")
        after, serial = self._tokens.read(given) if given else (0, 0)
        orders = store.rows(
            "SELECT * FROM orders WHERE acknowledged_at IS NULL AND position > ? ORDER BY position LIMIT ?",
            after,
            self._page_size + 1,
        )
        more = len(orders) > self._page_size
        orders = orders[: self._page_size]
        if call.page_fault == "endless-pages":
            # After the last page it starts over, under a token never seen before.
            return orders, self._tokens.write(orders[-1]["position"] if more else 0, serial + 1)
        if call.page_fault == "repeated-token":
            return orders, given or self._tokens.write(0)
        return orders, self._tokens.write(orders[-1]["position"]) if more else ""


def _note_pulled(store: Store, orders: Sequence[sqlite3.Row]) -> None:
    positions = json.dumps([order["position"] for order in orders])
    store.run(
        "UPDATE orders SET pulls = pulls + 1 WHERE position IN (SELECT value FROM json_each(?))", positions
    )


def _apply_page_fault(name: str, documents: list[Json], orders: Sequence[sqlite3.Row]) -> None:
    first = documents[0]
    if name == "duplicate-order":
        documents.append(first)
    elif name == "mutated-order" and isinstance(first, dict):
        first["gift_message"] = f"changed since pull {orders[0]['pulls']}"


def order_document(store: Store, order: sqlite3.Row) -> JsonObject:
    """The order as the contract shows it, with the quantities as they stand now."""
    document: JsonObject = json.loads(order["header"])
    refnum = order["refnum"]
    items = store.rows("SELECT * FROM items WHERE refnum = ? AND quantity > 0", refnum)
    payments = store.rows("SELECT * FROM payments WHERE refnum = ? AND source LIKE 'checkout:%'", refnum)
    document |= {
        "channel_order_refnum": refnum,
        "channel_date_created": order["created_at"],
        "currency_code": order["currency"],
        "cancel": bool(order["cancel_requested"]),
        "currency_values": {
            "shipping_amt": from_units(order["shipping"]),
            "tax_amt": from_units(order["tax"]),
            "discount_amt": from_units(order["discount"]),
        },
        "order_items": [_item_document(item) for item in items],
        "payment_transactions": [
            {
                "payment_type": payment["payment_type"],
                "payment_processing_type": "channel_payment",
                "transaction_type": payment["kind"],
                "amount": from_units(payment["amount"]),
                "status": payment["status"],
                "refnum": payment["source"],
            }
            for payment in payments
        ],
    }
    return document


def _item_document(item: sqlite3.Row) -> JsonObject:
    return {
        "channel_item_refnum": item["item_refnum"],
        "sku": item["sku"],
        "sku_description": item["description"],
        "quantity": item["quantity"],
        "item_type": item["item_type"],
        "currency_values": {"unit_price": from_units(item["unit_price"])},
    }
