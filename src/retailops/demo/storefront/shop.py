"""The shopper's side: place, edit and cancel orders, browse the catalog."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from retailops.demo.storefront import payments, stock
from retailops.demo.storefront.store import Store, now
from retailops.demo.storefront.wire import BadRequestError, Fields, Json, JsonObject, from_units, to_units

CURRENCIES = {"AUD", "CAD", "CHF", "EUR", "GBP", "HKD", "JPY", "MXN", "NZD", "PLN", "SGD", "USD"}
ITEM_TYPES = ("ship", "advisory", "instore")
PAYMENT_STATUSES = ("success", "decline")
COUPONS = {"WELCOME10": Decimal("0.10")}
_MAX_QUANTITY = 1_000_000
_OWN_REFNUM = re.compile(r"S\d{7,}")
_ADDRESS: JsonObject = {
    "first_name": "Ada",
    "last_name": "Shopper",
    "address1": "1 Sample Street",
    "city": "Springfield",
    "state_match": "IL",
    "postal_code": "62701",
    "country_match": "US",
}


class SoldOutError(Exception):
    """Not enough units; ``skus`` names where."""

    def __init__(self, skus: list[Json]) -> None:
        super().__init__("sold out")
        self.skus = skus


@dataclass(frozen=True, slots=True)
class _Item:
    sku: str
    description: str
    quantity: int
    unit_price: int
    item_type: str


@dataclass(frozen=True, slots=True)
class _Payment:
    kind: str
    payment_type: str
    status: str


def place_order(store: Store, fields: Fields) -> str:
    """Place one order and return its refnum; checks and claims stock unless ``backorder`` is true.

    Must run inside a transaction. Nothing is written when it raises.

    Raises:
        SoldOutError: fewer units are available than wanted.
        BadRequestError: 409 for a refnum in use, 422 for an unusable field.
    """
    refnum = fields.text("refnum")
    if refnum and store.row("SELECT 1 FROM orders WHERE refnum = ?", refnum):
        raise BadRequestError(409, f"refnum: {refnum} is in use; choose another")
    if _OWN_REFNUM.fullmatch(refnum):
        fields.refuse("refnum", "of the form in which this store numbers its own orders")
    items = [_read_item(store, row) for row in fields.objects("items")]
    if not items:
        raise BadRequestError(422, "items: empty; order at least one unit")
    wanted = Counter[str]()
    for item in items:
        # What does not ship (carriage, goods carried home from a store) takes nothing from the shelf.
        if item.item_type == "ship":
            wanted[item.sku] += item.quantity
    short = [] if fields.flag("backorder") else stock.sold_out(store, wanted)
    # Every field is read before the first write, so a bad one leaves nothing behind.
    header, charges, created_at = _read_header(fields), _read_charges(fields, items), _read_date(fields)
    payment = _read_payment(fields.object("payment"))
    if short:
        raise SoldOutError(short)
    refnum = refnum or _next_refnum(store)
    total = max(sum(item.quantity * item.unit_price for item in items) + charges.total, 0)
    store.run(
        "INSERT INTO orders (refnum, header, created_at, currency, shipping, tax, discount, authorised)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(refnum, json.dumps(header), created_at, charges.currency),
        *(charges.shipping, charges.tax, charges.discount, total if payment.status == "success" else 0),
    )
    for number, item in enumerate(items, 1):
        store.run(
            "INSERT INTO items (refnum, item_refnum, sku, description, quantity, unit_price, item_type)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(refnum, f"{refnum}-{number}", item.sku, item.description),
            *(item.quantity, item.unit_price, item.item_type),
        )
    stock.claim(store, refnum, wanted)
    if total:
        source = f"checkout:{refnum}"
        payments.record(store, refnum, source, payment.kind, payment.payment_type, total, payment.status)
    return refnum


def _next_refnum(store: Store) -> str:
    last = store.number("SELECT max(position) FROM orders")
    return f"S{last + 1:07d}"


@dataclass(frozen=True, slots=True)
class _Charges:
    currency: str
    shipping: int
    tax: int
    discount: int

    @property
    def total(self) -> int:
        return self.shipping + self.tax - self.discount


def _read_item(store: Store, row: Fields) -> _Item:
    sku, quantity = row.text("sku"), row.integer("quantity", 1)
    known = store.row("SELECT title, price FROM skus WHERE sku = ?", sku)
    if not sku:
        row.refuse("sku", "empty")
    if not 0 < quantity <= _MAX_QUANTITY:
        row.refuse("quantity", f"not between 1 and {_MAX_QUANTITY}")
    unit_price = row.money("unit_price", known["price"] if known else 0)
    if unit_price < 0:
        row.refuse("unit_price", "negative")
    item_type = row.text("item_type") or "ship"
    if item_type not in ITEM_TYPES:
        row.refuse("item_type", f"not one of {', '.join(ITEM_TYPES)}")
    description = row.text("description") or (known["title"] if known else sku)
    return _Item(sku, description, quantity, unit_price, item_type)


def _read_header(fields: Fields) -> JsonObject:
    shipping_address = fields.object("shipping_address").values or _ADDRESS
    coupon = fields.text("coupon")
    customer = fields.object("customer")
    return {
        "ship_service_code": fields.text("ship_service") or "STANDARD",
        "shipping_address": shipping_address,
        "billing_address": fields.object("billing_address").values or shipping_address,
        "customer_info": {
            "full_name": customer.text("full_name") or "Guest",
            "email_address": customer.text("email_address") or "guest@example.com",
            "phone_number": customer.text("phone_number"),
        },
        "gift_message": fields.text("gift_message"),
        "tags": [f"coupon:{coupon}"] if coupon else [],
    }


def _read_charges(fields: Fields, items: list[_Item]) -> _Charges:
    currency = fields.text("currency") or "USD"
    if currency not in CURRENCIES:
        fields.refuse("currency", f"not one of {', '.join(sorted(CURRENCIES))}")
    for name in ("shipping_amt", "tax_amt", "discount_amt"):
        if fields.money(name) < 0:
            fields.refuse(name, "negative")
    discount = fields.money("discount_amt")
    coupon = fields.text("coupon")
    if coupon:
        if coupon not in COUPONS:
            fields.refuse("coupon", "unknown")
        subtotal = from_units(sum(item.quantity * item.unit_price for item in items))
        minor_unit = Decimal(1) if currency == "JPY" else Decimal("0.01")
        discount += to_units((subtotal * COUPONS[coupon]).quantize(minor_unit))
    return _Charges(currency, fields.money("shipping_amt"), fields.money("tax_amt"), discount)


def _read_date(fields: Fields) -> str:
    text = fields.text("date")
    if not text:
        return now()
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        fields.refuse("date", "not an ISO 8601 date")
    # Old sales files carry no offset; they are taken as UTC.
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _read_payment(payment: Fields) -> _Payment:
    kinds = {"": "auth", "auth": "auth", "capture": "capture"}
    kind = kinds.get(payment.text("transaction_type"))
    if kind is None:
        payment.refuse("transaction_type", "not auth or capture")
    status = payment.text("status") or "success"
    if status not in PAYMENT_STATUSES:
        payment.refuse("status", f"not one of {', '.join(PAYMENT_STATUSES)}")
    return _Payment(kind, payment.text("payment_type") or "Visa", status)


def place_orders(store: Store, fields: Fields) -> JsonObject:
    """Place many orders; each stands alone. Returns ``{placed: [refnum], refused: [{index, ...}]}``."""
    placed: list[Json] = []
    refused: list[Json] = []
    for index, row in enumerate(fields.objects("orders")):
        try:
            placed.append(place_order(store, row))
        except SoldOutError as error:
            refused.append({"index": index, "sold_out": error.skus})
        except BadRequestError as error:
            refused.append({"index": index, "error": str(error)})
    return {"placed": placed, "refused": refused}


def edit_order(store: Store, refnum: str, fields: Fields) -> None:
    """Change gift message, ship service or shipping address, until the hub has acknowledged the order.

    Raises:
        BadRequestError: 404 unknown, 409 acknowledged already.
    """
    header: JsonObject = json.loads(_require_unacknowledged(store, refnum))
    if fields.values.get("gift_message") is not None:
        header["gift_message"] = fields.text("gift_message")
    if fields.text("ship_service"):
        header["ship_service_code"] = fields.text("ship_service")
    if fields.object("shipping_address").values:
        header["shipping_address"] = fields.object("shipping_address").values
    store.run("UPDATE orders SET header = ? WHERE refnum = ?", json.dumps(header), refnum)


def request_cancel(store: Store, refnum: str) -> None:
    """Flag an order as cancelled by its shopper, until the hub has acknowledged it.

    Raises:
        BadRequestError: 404 unknown, 409 acknowledged already.
    """
    _require_unacknowledged(store, refnum)
    store.run("UPDATE orders SET cancel_requested = 1 WHERE refnum = ?", refnum)


def _require_unacknowledged(store: Store, refnum: str) -> str:
    order = store.row("SELECT header, acknowledged_at FROM orders WHERE refnum = ?", refnum)
    if order is None:
        raise BadRequestError(404, f"order {refnum}: unknown")
    if order["acknowledged_at"]:
        raise BadRequestError(409, f"order {refnum}: already being processed; ask for a return instead")
    return str(order["header"])


def catalog(store: Store, after: str = "", limit: int = 1000) -> list[JsonObject]:
    """SKUs in order, each with what is available now and how that number came about."""
    return [
        {
            "sku": row["sku"],
            "title": row["title"],
            "price": from_units(row["price"]),
            "currency": row["currency"],
            "available": max(row["pushed"] - row["unseen"], 0),
            "pushed_quantity": row["pushed"],
            "unseen_units": row["unseen"],
            "revision": row["revision"],
        }
        for row in store.rows("SELECT * FROM skus WHERE sku > ? ORDER BY sku LIMIT ?", after, limit)
    ]
