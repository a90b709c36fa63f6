"""What the hub tells about orders: acknowledged, changed, shipped, cancelled, completed."""

import json
import sqlite3
from collections import Counter

from retailops.demo.storefront import payments
from retailops.demo.storefront.call import Call, Outcome, find_order, is_redelivery, refuse_closed
from retailops.demo.storefront.stock import release_claims
from retailops.demo.storefront.store import Store, now
from retailops.demo.storefront.wire import Fields, Json, JsonObject


def order_acknowledge(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Mark orders as imported, each with its RetailOps order id; repeating it changes nothing."""
    for row in call.body.objects("orders"):
        refnum, hub_id = row.text("channel_order_refnum"), row.integer("retailops_order_id")
        association = ("order_refnum", refnum)
        order = store.row("SELECT * FROM orders WHERE refnum = ?", refnum)
        if order is None:
            outcome.refuse("ORDER_NOT_FOUND", "no such order in this store", association)
        elif order["acknowledged_at"] is None:
            if not order["pulls"]:
                outcome.warn("ORDER_NOT_PULLED", "acknowledged but never pulled", association)
            store.run(
                "UPDATE orders SET acknowledged_at = ?, hub_order_id = ? WHERE refnum = ?",
                now(),
                hub_id,
                refnum,
            )
            release_claims(store, refnum)
            outcome.applied += 1
        elif order["hub_order_id"] == hub_id:
            outcome.duplicates += 1
        else:
            outcome.refuse("ORDER_ID_CHANGED", f"known as order {order['hub_order_id']}", association)
    return {}


def order_shipment_submit(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Record the packages of one shipment, each exactly once."""
    order = find_order(store, call.body, outcome)
    if order is not None:
        shipment = call.body.object("shipment")
        for package in shipment.objects("packages"):
            _receive_package(store, order, shipment.integer("retailops_shipment_id"), package, outcome)
    return {}


def _receive_package(
    store: Store, order: sqlite3.Row, shipment_id: int, package: Fields, outcome: Outcome
) -> None:
    package_id = package.integer("retailops_package_id")
    known = store.row(
        "SELECT * FROM packages WHERE shipment_id = ? AND package_id = ?", shipment_id, package_id
    )
    # A known package is answered as before even when the order has been closed since.
    if known is None and refuse_closed(order, outcome):
        return
    contents = _package_contents(store, order["refnum"], package, outcome)
    if contents is None:
        return
    label = (
        package.text("carrier_name"),
        package.text("tracking_number"),
        package.text("date_shipped") or now(),
    )
    association = ("shipment_id", str(shipment_id))
    if known is not None:
        _receive_again(store, known, order["refnum"], contents, label, association, outcome)
    elif over := _more_than_open(store, order["refnum"], contents):
        outcome.refuse("OVER_SHIPMENT", f"more units than are open of item {over}", association)
    else:
        store.run(
            "INSERT INTO packages"
            " (shipment_id, package_id, refnum, carrier, tracking_number, shipped_at, items)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(shipment_id, package_id, order["refnum"], *label, _canonical(contents)),
        )
        for item_refnum, quantity in contents.items():
            store.run(
                "UPDATE items SET shipped = shipped + ? WHERE refnum = ? AND item_refnum = ?",
                *(quantity, order["refnum"], item_refnum),
            )
        outcome.applied += 1


def _receive_again(
    store: Store,
    known: sqlite3.Row,
    refnum: str,
    contents: Counter[str],
    label: tuple[str, str, str],
    association: tuple[str, str],
    outcome: Outcome,
) -> None:
    """A repeated package is the same package; only what is printed on its label may be corrected."""
    if known["refnum"] != refnum or known["items"] != _canonical(contents):
        outcome.refuse("PACKAGE_CHANGED", "already recorded with other contents", association)
    elif (known["carrier"], known["tracking_number"]) == label[:2]:
        outcome.duplicates += 1
    else:
        store.run(
            "UPDATE packages SET carrier = ?, tracking_number = ? WHERE shipment_id = ? AND package_id = ?",
            *(*label[:2], known["shipment_id"], known["package_id"]),
        )
        outcome.applied += 1


def _canonical(contents: Counter[str]) -> str:
    return json.dumps(contents, sort_keys=True)


def _package_contents(store: Store, refnum: str, package: Fields, outcome: Outcome) -> Counter[str] | None:
    """Units per item; None, with the reason reported, when any row is unusable."""
    contents: Counter[str] = Counter()
    for row in package.objects("package_items"):
        item = _find_item(store, refnum, row)
        quantity = row.integer("quantity")
        if item is None:
            association = ("orderitem_refnum", row.text("channel_item_refnum"))
            outcome.refuse("ITEM_NOT_FOUND", "no such item in the order", association)
            return None
        if not 0 < quantity < 2**31:
            association = ("orderitem_refnum", item["item_refnum"])
            outcome.refuse("INVALID_QUANTITY", "quantity is not positive", association)
            return None
        contents[item["item_refnum"]] += quantity
    return contents


def _find_item(store: Store, refnum: str, row: Fields) -> sqlite3.Row | None:
    """By the item's refnum; a line the hub added may not know it yet and is found by the hub's own id."""
    item_refnum = row.text("channel_item_refnum")
    if item_refnum:
        return store.row("SELECT * FROM items WHERE refnum = ? AND item_refnum = ?", refnum, item_refnum)
    hub_item_id = row.integer("retailops_order_item_id") or row.integer("order_item_id")
    return store.row("SELECT * FROM items WHERE refnum = ? AND hub_item_id = ?", refnum, hub_item_id)


def _more_than_open(store: Store, refnum: str, contents: Counter[str]) -> str:
    for item_refnum, quantity in contents.items():
        open_units = store.number(
            "SELECT quantity - shipped - cancelled FROM items"
            " WHERE refnum = ? AND item_refnum = ? AND item_type = 'ship'",
            *(refnum, item_refnum),
        )
        if quantity > open_units:
            return item_refnum
    return ""


def order_cancel(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Cancel the whole order; fails once anything has shipped. No money moves until the hub asks for it."""
    order = find_order(store, call.body.object("order"), outcome)
    if order is None:
        return {"status": "fail"}
    refnum = order["refnum"]
    if order["cancelled_at"]:
        outcome.duplicates += 1
    elif store.number("SELECT sum(shipped) FROM items WHERE refnum = ?", refnum):
        outcome.refuse("ORDER_SHIPPED", "units have shipped already", ("order_refnum", refnum))
    elif not refuse_closed(order, outcome):
        store.run("UPDATE orders SET cancelled_at = ? WHERE refnum = ?", now(), refnum)
        store.run("UPDATE items SET cancelled = quantity WHERE refnum = ?", refnum)
        outcome.applied += 1
    return {"status": "fail" if outcome.refused else "success"}


def order_complete(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Close the order: nothing more will ship. ``shipments`` repeats what was submitted, to compare."""
    body = call.body.object("order")
    order = find_order(store, body, outcome)
    if order is None:
        return {"status": "fail"}
    refnum = order["refnum"]
    if order["completed_at"]:
        outcome.duplicates += 1
    elif not refuse_closed(order, outcome):
        if not _accounts_for_every_unit(store, refnum, body):
            outcome.warn("INCOMPLETE_ORDER", "units or packages unaccounted for", ("order_refnum", refnum))
        store.run("UPDATE orders SET completed_at = ? WHERE refnum = ?", now(), refnum)
        store.run(
            "UPDATE items SET cancelled = quantity - shipped WHERE refnum = ? AND item_type = 'ship'", refnum
        )
        outcome.applied += 1
    return {"status": "fail" if outcome.refused else "success"}


def _accounts_for_every_unit(store: Store, refnum: str, body: Fields) -> bool:
    open_units: Counter[str] = Counter()
    for item in store.rows("SELECT * FROM items WHERE refnum = ? AND item_type = 'ship'", refnum):
        open_units[item["item_refnum"]] = item["quantity"] - item["shipped"] - item["cancelled"]
    for row in body.objects("unshipped_items"):
        if (item_row := _find_item(store, refnum, row)) is not None:
            open_units[item_row["item_refnum"]] -= row.integer("unshipped_quantity")
    submitted = {
        (package["shipment_id"], package["package_id"])
        for package in store.rows("SELECT * FROM packages WHERE refnum = ?", refnum)
    }
    announced = {
        (shipment.integer("retailops_shipment_id"), package.integer("retailops_package_id"))
        for shipment in body.objects("shipments")
        for package in shipment.objects("packages")
    }
    return max(open_units.values(), default=0) <= 0 and announced <= submitted


def order_update(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Change, add or remove lines; lines not mentioned stay. Replies with the refnum of every line given."""
    body = call.body.object("order")
    order = find_order(store, body, outcome)
    if order is None:
        return {"line_items": []}
    rows = body.objects("order_items")
    if is_redelivery(store, call):
        outcome.duplicates += 1
    elif not refuse_closed(order, outcome):
        for row in rows:
            _change_item(store, order["refnum"], row, outcome)
        _authorise_more(store, order["refnum"])
    return {"line_items": _line_items(store, order["refnum"], rows)}


def _authorise_more(store: Store, refnum: str) -> None:
    """A change for the dearer is taken as agreed with the shopper, unless their payment was declined."""
    if not payments.is_declined(store, refnum):
        store.run(
            "UPDATE orders SET authorised = max(authorised, ?) WHERE refnum = ?",
            payments.total(store, refnum),
            refnum,
        )


def _change_item(store: Store, refnum: str, row: Fields, outcome: Outcome) -> None:
    item = _find_item(store, refnum, row)
    if item is None and row.text("channel_item_refnum"):
        association = ("orderitem_refnum", row.text("channel_item_refnum"))
        outcome.refuse("ITEM_NOT_FOUND", "no such item in the order", association)
        return
    quantity = 0 if row.flag("removed") else row.integer("quantity", item["quantity"] if item else 0)
    shipped = item["shipped"] if item else 0
    if not shipped <= quantity < 2**31:
        outcome.refuse(
            "INVALID_QUANTITY",
            f"quantity {quantity} is below the {shipped} units shipped",
            ("orderitem_id", str(row.integer("order_item_id"))),
        )
        return
    if item is None:
        _add_item(store, refnum, row, quantity)
    else:
        store.run(
            "UPDATE items SET quantity = ?, unit_price = ?, hub_item_id = coalesce(?, hub_item_id)"
            " WHERE refnum = ? AND item_refnum = ?",
            *(quantity, row.money("unit_price", item["unit_price"]), row.integer("order_item_id") or None),
            *(refnum, item["item_refnum"]),
        )
    outcome.applied += 1


def _add_item(store: Store, refnum: str, row: Fields, quantity: int) -> None:
    number = store.number("SELECT count(*) + 1 FROM items WHERE refnum = ?", refnum)
    store.run(
        "INSERT INTO items (refnum, item_refnum, hub_item_id, sku, description, quantity, unit_price)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(refnum, f"{refnum}-{number}", row.integer("order_item_id"), row.text("sku"), row.text("sku")),
        *(quantity, row.money("unit_price")),
    )


def _line_items(store: Store, refnum: str, rows: list[Fields]) -> list[Json]:
    lines: list[Json] = []
    for row in rows:
        item = _find_item(store, refnum, row)
        if item is not None:
            lines.append(
                {
                    "order_item_id": row.integer("order_item_id"),
                    "refnum": item["item_refnum"],
                    "quantity": item["quantity"],
                }
            )
    return lines
