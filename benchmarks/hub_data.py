"""Catalog, stock and a channel for the benchmarks. Import after Django is set up."""

from __future__ import annotations

from retailops.contract.interactions import INTERACTIONS
from retailops.hub.channels.models import Channel
from retailops.hub.db import execute, fetch
from retailops.hub.orders.operations.import_orders import ChannelRef
from retailops.hub.tasks.models import Queue


def make_catalog(skus: int, *, facilities: int = 2, on_hand: int = 1_000_000) -> None:
    """Create SKU-00000 …, each with a product, and stock them in every facility (with the ledger to explain it)."""
    execute(
        "INSERT INTO catalog_product (code, name) SELECT 'P' || lpad(i::text, greatest(5, length(i::text)), '0'), 'Product ' || i"
        " FROM generate_series(0, %s - 1) i",
        [skus],
    )
    execute(
        "INSERT INTO catalog_sku (product_id, code, name, price, currency)"
        " SELECT id, 'SKU-' || substr(code, 2), name, 9.95, 'GBP' FROM catalog_product"
    )
    execute(
        "INSERT INTO stock_facility (code, name, priority) SELECT 'F' || i, 'Facility ' || i, i FROM generate_series(1, %s) i",
        [facilities],
    )
    execute(
        "INSERT INTO stock_stocklevel (facility_id, sku_id, on_hand) SELECT f.id, s.id, %s FROM stock_facility f, catalog_sku s",
        [on_hand],
    )
    execute(
        "INSERT INTO stock_stockmove (kind, facility_id, sku_id, d_on_hand, key, actor) SELECT 'receive', facility_id, sku_id,"
        " on_hand, 'opening:' || id, 'system' FROM stock_stocklevel"
    )
    execute("ANALYZE")


def make_shop(code: str = "bench", base_url: str = "http://127.0.0.1:9/api/channel") -> ChannelRef:
    """Create a channel with every SKU listed."""
    queue = Queue.objects.create(name=f"channel:{code}")
    channel = Channel.objects.create(
        code=code,
        name=code,
        base_url=base_url,
        auth_key="benchmark",
        queue=queue,
        capabilities=sorted(INTERACTIONS),
    )
    execute("INSERT INTO catalog_listing (channel_id, sku_id) SELECT %s, id FROM catalog_sku", [channel.pk])
    assert fetch("SELECT 1")
    return ChannelRef(channel.pk, channel.queue_id, acknowledges=True)
