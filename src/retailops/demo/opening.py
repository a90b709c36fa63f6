"""Before the shop opens: the hub is seeded, the vendor tells its stock, the catalog reaches the storefront."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx

from retailops.demo.catalog import VENDOR, sample_catalog
from retailops.demo.csv_replay import CURRENCY
from retailops.demo.memory import save_memory
from retailops.demo.players.vendor import DropshipVendor
from retailops.demo.processes import DemoError, run_module
from retailops.demo.seed import seed_plan
from retailops.demo.stage import Stage

LOOK_SECONDS = 0.5
OPENING_SECONDS = 120.0
#: Numbers follow the catalog at once; a SKU whose stock is all promised to orders of earlier days stays at zero.
STOCKED_SECONDS = 5.0


def open_shop(stage: Stage) -> DropshipVendor:
    """Get everything ready for shoppers; returns the vendor. Raises `DemoError`."""
    plan = seed_plan(
        run=stage.memory.days,
        storefront_url=stage.storefront,
        channel_key=stage.memory.channel_key,
        currency=CURRENCY if stage.replay else "USD",
        keys=not stage.memory.api_keys,
        skus=stage.skus,
    )
    data_dir = stage.options.data_dir
    seeded = run_module("retailops.demo.seed", plan, data_dir=data_dir, database_url=stage.hub.database_url)
    stage.memory.api_keys |= json.loads(seeded)
    save_memory(data_dir / "demo", stage.memory)
    stock = {
        sku.vpc: sku.advised * max(stage.options.orders, 10) // 10 for sku in sample_catalog() if sku.vpc
    }
    vendor = DropshipVendor(stage.day, stage.api(VENDOR), stock)
    if not stage.replay:
        vendor.advise()
    _wait_for_catalog(stage)
    return vendor


def _wait_for_catalog(stage: Stage) -> None:
    deadline = time.monotonic() + OPENING_SECONDS
    listed_at = None
    wanted = {sku.code: any(sku.stock.values()) for sku in stage.skus}
    with stage.shop() as shop:
        while time.monotonic() < deadline:
            shown = dict(_catalog(shop))
            if wanted.keys() <= shown.keys():
                listed_at = listed_at or time.monotonic()
                if time.monotonic() - listed_at > STOCKED_SECONDS:
                    return
                if all(shown[code] for code, stocked in wanted.items() if stocked):
                    return
            time.sleep(LOOK_SECONDS)
    message = f"the storefront did not get the catalog within {OPENING_SECONDS:.0f} s; see the channel in the console"
    raise DemoError(message)


def _catalog(shop: httpx.Client) -> Iterator[tuple[str, int]]:
    after = ""
    while True:
        page = shop.get("/shop/catalog", params={"after": after}).raise_for_status().json()["skus"]
        if not page:
            return
        yield from ((row["sku"], row["pushed_quantity"]) for row in page)
        after = page[-1]["sku"]
