"""Catalog and inventory from the hub, and what the storefront may sell.

Which sales are subtracted
    The hub's number Q already excludes the orders it had imported when it computed Q. The storefront cannot
    see imports, it sees pulls and acknowledgements, and an order is imported some time between the two:

    ========================= ============================================ ==============
    at the arrival of Q       was the order counted in Q?                  so we
    ========================= ============================================ ==============
    not acknowledged          unknown (surely not, if never pulled)        subtract it
    acknowledged              yes: import comes before acknowledgement     do not
    ========================= ============================================ ==============

    Hence ``available = Q - unseen units``. A sale places a claim on its SKUs and adds to their unseen units. An
    acknowledgement removes the claim, but the unseen units fall to the sum of the claims left only when the
    next inventory push of the SKU arrives, because the Q in hand may be older than the import (lowering them
    at once would sell the same units twice until that push). The rule errs on
    the side of selling less: a hub that wants the last unit sold pushes an order's SKUs once more after its
    acknowledgement was accepted, even when their numbers did not change.

    A push computed before an import and delivered after the acknowledgement would still be believed. Pushes
    may carry a whole number ``revision`` per row; a row older than the SKU's last revision is ignored.
"""

from collections import Counter
from decimal import Decimal, InvalidOperation

from retailops.demo.storefront.call import Call, Outcome, is_redelivery
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import Fields, Json, JsonObject, to_units


def catalog_get_config(_store: Store, _call: Call, _outcome: Outcome) -> JsonObject:
    """Changed SKUs are pushed alone: the store has no product families."""
    return {"sku_fanout": "no_fanout"}


def catalog_push(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Upsert the SKUs of all feed objects in ``template_output.data``."""
    data = call.body.object("template_output").object("data")
    for feed in data.values:
        for entry in data.objects(feed):
            _upsert_sku(store, entry, outcome)
    return {}


def _upsert_sku(store: Store, entry: Fields, outcome: Outcome) -> None:
    facts = _flatten(entry.object("feed_data").values)
    sku = _first_text(facts, "sku", "sku number")
    price = _price(facts)
    if not sku or price is None:
        identifier = _first_text(entry.object("object_data").values, "id")
        problem = "no usable price" if sku else "no SKU"
        outcome.refuse("INVALID_FEED_OBJECT", f"feed object has {problem}", ("product_id", identifier))
        return
    store.run(
        "INSERT INTO skus (sku, title, price, currency) VALUES (?, ?, ?, ?) ON CONFLICT (sku) DO UPDATE"
        " SET title = excluded.title, price = excluded.price, currency = excluded.currency",
        sku,
        _first_text(facts, "name", "title", "sku description", "description") or sku,
        price,
        _first_text(facts, "currency", "currency code") or "USD",
    )
    outcome.applied += 1


def _flatten(groups: JsonObject) -> JsonObject:
    """Templates name their groups freely, so only the field names inside count; case does not."""
    facts: JsonObject = {}
    for name, value in groups.items():
        inner = value if isinstance(value, dict) else {name: value}
        facts.update({key.lower(): fact for key, fact in inner.items()})
    return facts


def _first_text(facts: JsonObject, *names: str) -> str:
    for name in names:
        value = facts.get(name)
        if isinstance(value, (str, int, Decimal)) and value != "":
            return str(value)
    return ""


def _price(facts: JsonObject) -> int | None:
    try:
        price = Decimal(_first_text(facts, "price", "unit price", "list price"))
    except InvalidOperation:
        return None
    return to_units(price) if price.is_finite() and 0 <= price < 10**9 else None


def inventory_push(store: Store, call: Call, outcome: Outcome) -> JsonObject:
    """Set each SKU's quantity; the last row of a SKU wins. Unknown SKUs are skipped, with a warning."""
    redelivery = is_redelivery(store, call)
    for row in call.body.objects("inventory_updates"):
        sku, quantity = row.text("sku"), row.integer("quantity_available")
        revision = row.integer("revision") if row.values.get("revision") is not None else None
        known = store.row("SELECT revision FROM skus WHERE sku = ?", sku)
        if known is None:
            outcome.warn("UNKNOWN_SKU", "not in this store's catalog; ignored", ("sku_number", sku))
        elif revision is not None and known["revision"] is not None and revision < known["revision"]:
            outcome.duplicates += 1
            if not redelivery:
                outcome.warn("STALE_REVISION", "older than the last push; ignored", ("sku_number", sku))
        else:
            _set_quantity(store, sku, quantity, revision)
            outcome.applied += 1
    return {}


def _set_quantity(store: Store, sku: str, quantity: int, revision: int | None) -> None:
    store.run(
        "UPDATE skus SET pushed = ?, revision = coalesce(?, revision),"
        " unseen = (SELECT coalesce(sum(units), 0) FROM claims WHERE claims.sku = skus.sku) WHERE sku = ?",
        quantity,
        revision,
        sku,
    )


def release_claims(store: Store, refnum: str) -> None:
    """The hub has imported the order: its next numbers count it. Unseen units wait for those numbers."""
    store.run("DELETE FROM claims WHERE refnum = ?", refnum)


def sold_out(store: Store, wanted: Counter[str]) -> list[Json]:
    """The SKUs of which fewer units are available than wanted."""
    short: list[Json] = []
    for sku, units in wanted.items():
        if store.number("SELECT max(pushed - unseen, 0) FROM skus WHERE sku = ?", sku) < units:
            short.append(sku)
    return short


def claim(store: Store, refnum: str, wanted: Counter[str]) -> None:
    """Take sold units out of what is available until the hub has counted them."""
    for sku, units in wanted.items():
        store.run("INSERT INTO claims (sku, refnum, units) VALUES (?, ?, ?)", sku, refnum, units)
        store.run("UPDATE skus SET unseen = unseen + ? WHERE sku = ?", units, sku)
