"""The whole life of orders over HTTP: pulled, acknowledged, routed, shipped, submitted, settled, completed.

    python -m benchmarks.whole_life [--orders 3000] [--workers 1]

A sample storefront (a process of its own) holds the orders; worker processes do all the telling; a warehouse process ships whatever
is released. Afterwards hub and storefront are compared order by order, the invariants are checked, and 64 buyers at once
buy a SKU of 500 units at the storefront: exactly 500 must be sold, and shipped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.support import Rate, hub_database, show

KEY = "a key for benchmarks"
GOAL = 150


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--orders", type=int, default=3000, help="orders placed before the clock starts (default 3000)"
    )
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default 1)")
    options = parser.parse_args()
    from retailops.demo.storefront.process import running_storefront

    with (
        hub_database(),
        tempfile.TemporaryDirectory() as directory,
        running_storefront(Path(directory) / "shop.sqlite", key=KEY) as shop,
    ):
        return run(options.orders, options.workers, shop.url)


def run(orders: int, workers: int, url: str) -> int:
    from django.db import connections

    from benchmarks.hub_data import make_catalog
    from retailops.hub.audit.operations.check_invariants import check_invariants

    make_catalog(1000, on_hand=100_000)
    _connect(url)
    with Workers(workers) as pids:
        _wait("stock published", lambda: _published() >= 1000)
        _pause_pull(paused=True)
        _place(url, orders)
        connections.close_all()  # a forked process must not share them
        warehouse = multiprocessing.Process(target=_warehouse, daemon=True)
        warehouse.start()
        started = time.perf_counter()
        _pause_pull(paused=False)
        _wait("orders completed", lambda: _completed() >= orders, seconds=15 + orders / 20)
        rate = Rate(
            f"{workers} worker{'s' if workers > 1 else ''}", [orders / (time.perf_counter() - started)]
        )
        memory = max(_resident_megabytes(pid) for pid in pids)
        sold = _flash_sale(url)
        _wait("flash sale shipped", lambda: _shipped_units("SKU-00999") >= 500)
        warehouse.kill()
    broken = check_invariants()
    judgement = httpx.get(f"{url}/admin/judgement").json()
    show("Whole life over HTTP", [rate], "orders", base=rate, goal=f"{GOAL} orders/s on two cores")
    print(f"worker memory {memory:.0f} MB; 500 units, 64 buyers: {sold} sold; invariants broken: {len(broken)}; "
          f"storefront's judgement: {judgement}")  # fmt: skip
    good = not broken and sold == 500 and memory < 250 and rate.median >= GOAL
    return 0 if good else 1


def _connect(url: str) -> None:
    from retailops.contract.interactions import INTERACTIONS
    from retailops.hub.channels.models import Channel
    from retailops.hub.channels.operations.connect_channel import connect_channel
    from retailops.hub.db import execute, fetch

    connect_channel(
        code="bench", name="Bench", base_url=f"{url}/api/channel", auth_key=KEY, capabilities=sorted(INTERACTIONS),
        settle_on="ship", pull_every_seconds=5, actor="bench",
    )  # fmt: skip
    channel = Channel.objects.get()
    from retailops.hub.channels.operations.list_skus import list_skus_on_channel

    list_skus_on_channel(
        channel_id=channel.pk, sku_ids=[row[0] for row in fetch("SELECT id FROM catalog_sku")], actor="bench"
    )
    execute("ANALYZE")


class Workers:
    """Worker processes, as `retailops worker` starts them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> list[int]:
        environment = {**os.environ, "RETAILOPS_LOG_LEVEL": "WARNING"}
        for _ in range(self._count):
            self._processes.append(
                subprocess.Popen([sys.executable, "-m", "retailops.cli", "worker"], env=environment)
            )
        return [process.pid for process in self._processes]

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(30)


def _pause_pull(*, paused: bool) -> None:
    from retailops.hub.db import execute

    execute(
        "UPDATE tasks_schedule SET enabled = %s, next_due_at = now() WHERE kind = 'order_pull'", [not paused]
    )
    if paused:
        time.sleep(2)


def _place(url: str, orders: int) -> None:
    """Place orders of three lines at the storefront."""
    for start in range(0, orders, 500):
        batch = [
            {
                "items": [
                    {"sku": f"SKU-{(number * 31 + line * 7) % 990:05d}", "quantity": 1 + line}
                    for line in range(3)
                ],
                "customer": {"full_name": "Ada Byron", "email_address": "ada@example.com"},
            }
            for number in range(start, min(orders, start + 500))
        ]
        reply = httpx.post(f"{url}/shop/orders/bulk", json={"orders": batch}, timeout=60)
        reply.raise_for_status()
        assert not reply.json()["refused"], str(reply.json()["refused"])[:500]


def _warehouse() -> None:
    """Ship whatever is released, each shipment in one package, until killed."""
    from retailops.hub.db import fetch
    from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages

    while True:
        rows = fetch(
            """SELECT s.id, array_agg(i.id ORDER BY i.id), array_agg(i.quantity ORDER BY i.id) FROM fulfilment_shipmentitem i
               JOIN (SELECT id FROM fulfilment_shipment WHERE state = 'released' ORDER BY id LIMIT 100) s ON s.id = i.shipment_id
               GROUP BY s.id"""
        )
        if not rows:
            time.sleep(0.05)
            continue
        packages = [
            NewPackage(
                f"bench-{row[0]}",
                row[0],
                list(zip(row[1], row[2], strict=True)),
                "UPS",
                "Ground",
                f"1Z{row[0]:010d}",
            )
            for row in rows
        ]
        ship_packages(packages=packages, actor="facility:bench")


def _flash_sale(url: str) -> int:
    """64 buyers at once take single units of a SKU that has 500; returns the units sold."""
    from retailops.hub.catalog.models import Sku
    from retailops.hub.db import fetch
    from retailops.hub.fulfilment.operations.correct_stock import count_stock

    sku_id = Sku.objects.get(code="SKU-00999").pk
    facilities = [row[0] for row in fetch("SELECT id FROM stock_facility ORDER BY id")]
    count_stock(
        counted={(facilities[0], sku_id): 300, (facilities[1], sku_id): 200},
        actor="bench",
        reason="flash sale",
        key="flash",
    )
    _wait("500 published", lambda: fetch(
        "SELECT published_quantity FROM catalog_listing WHERE sku_id = %s", [sku_id])[0][0] == 500)  # fmt: skip

    def buyer(_: int) -> int:
        units = 0
        with httpx.Client(base_url=url, timeout=30) as client:
            refusals = 0
            while refusals < 3:
                reply = client.post("/shop/orders", json={
                    "items": [{"sku": "SKU-00999", "quantity": 1}], "customer": {"full_name": "Ada Byron"}})  # fmt: skip
                if reply.status_code == 201:
                    units += 1
                else:
                    refusals += 1
                    time.sleep(0.5)
        return units

    with ThreadPoolExecutor(64) as buyers:
        return sum(buyers.map(buyer, range(64)))


def _published() -> int:
    from retailops.hub.db import fetch

    return int(fetch("SELECT count(*) FROM catalog_listing WHERE published_quantity IS NOT NULL")[0][0])


def _shipped_units(sku: str) -> int:
    from retailops.hub.db import fetch

    return int(
        fetch("SELECT coalesce(sum(shipped), 0) FROM orders_orderline WHERE sku_code = %s", [sku])[0][0]
    )


def _completed() -> int:
    from retailops.hub.db import fetch

    return int(
        fetch("SELECT count(*) FROM tasks_task WHERE kind = 'order_complete' AND state = 'succeeded'")[0][0]
    )


def _wait(what: str, done, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"gave up waiting: {what}\n{_standing()}")
        time.sleep(0.1)


def _standing() -> str:
    """Say where work got stuck."""
    from retailops.hub.db import fetch

    tasks = fetch(
        "SELECT kind, state, outcome, count(*), max(message) FROM tasks_task GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )
    orders = fetch("SELECT status, count(*) FROM orders_order GROUP BY 1")
    return "\n".join(map(str, [*tasks, *orders]))


def _resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
