"""A shop that has been open for a while: goods on the shelves, and orders that nobody has pulled yet."""

from __future__ import annotations

import random
from collections.abc import Sequence

from retailops.demo.catalog import SampleSku, sample_catalog
from retailops.demo.storefront import shop
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import Fields, Json, JsonObject, to_units

ON_THE_SHELF = 1000
CURRENCY = "USD"


def fill_shelves(store: Store) -> None:
    """Put the sample catalog on sale; SKUs that a hub has pushed stay as they are. Must run inside a transaction."""
    for sku in sample_catalog():
        store.run(
            "INSERT INTO skus (sku, title, price, currency, pushed) VALUES (?, ?, ?, ?, ?) ON CONFLICT (sku) DO NOTHING",
            *(sku.code, sku.name, to_units(sku.price), CURRENCY, ON_THE_SHELF),
        )


def place_waiting_orders(store: Store, wanted: int, *, seed: int) -> int:
    """Place orders until `wanted` wait to be acknowledged; return how many were placed. Must run inside a transaction."""
    waiting = store.number(
        "SELECT count(*) FROM orders WHERE acknowledged_at IS NULL AND cancelled_at IS NULL"
    )
    chance, skus = random.Random(f"{seed}:{waiting}"), sample_catalog()  # noqa: S311 - sample orders, no secrets
    missing = max(wanted - waiting, 0)
    for _ in range(missing):
        shop.place_order(store, Fields(_order(chance, skus)))
    return missing


def _order(chance: random.Random, skus: Sequence[SampleSku]) -> JsonObject:
    """One to three lines of one to four units; always for sale, whatever is on the shelf."""
    items: list[Json] = [
        {"sku": sku.code, "quantity": chance.randint(1, 4)}
        for sku in chance.sample(list(skus), chance.randint(1, 3))
    ]
    return {"items": items, "backorder": True, "payment": {"transaction_type": "auth"}}
