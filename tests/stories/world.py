"""A hub on a real database, a real storefront process and a real worker; the stories are told through `World`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from retailops.demo.seed import SeedSku, seed, seed_plan
from retailops.demo.storefront.process import running_storefront
from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.pull_orders import pull_now
from retailops.hub.db import fetch
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import Order, OrderLine
from retailops.hub.purchasing.models import Vendor
from retailops.hub.purchasing.operations.advise_stock import StockAdvice, advise_stock
from retailops.hub.tasks.models import Task
from retailops.hub.worker import run_worker

KEY = "a key for stories"
#: The hub's worker looks for due work twice a second; a story waits for a few such turns at most.
DEADLINE_SECONDS = 30.0
LOOK_SECONDS = 0.05


@dataclass
class World:
    """The storefront and its shoppers, the hub and its people."""

    storefront: httpx.Client
    channel_id: int
    _packages: int = field(default=0)

    # What shoppers do and see

    def buys(self, refnum: str, items: Mapping[str, int], **more: object) -> str:
        """A shopper orders SKU → units; the hub pulls at once instead of at its next turn."""
        body = {
            "refnum": refnum,
            "items": [{"sku": sku, "quantity": units} for sku, units in items.items()],
            **more,
        }
        response = self.storefront.post("/shop/orders", json=body)
        assert response.status_code == 201, response.text
        pull_now(channel_id=self.channel_id)
        return refnum

    def seen_by_shopper(self, refnum: str) -> dict[str, Any]:
        """What the storefront shows of an order."""
        return dict(self.storefront.get(f"/shop/orders/{refnum}").json())

    def available(self, sku: str) -> int:
        """Units that shoppers can order."""
        skus = self.storefront.get("/shop/catalog").json()["skus"]
        return sum(row["available"] for row in skus if row["sku"] == sku)

    # What the hub's people do and see

    def order(self, refnum: str) -> Order:
        """The order in the hub."""
        return Order.objects.get(channel_refnum=refnum)

    def line(self, refnum: str, sku: str) -> OrderLine:
        """An order's line of a SKU."""
        return OrderLine.objects.get(order__channel_refnum=refnum, sku_code=sku)

    def counts(self, refnum: str) -> dict[str, tuple[int, int, int, int]]:
        """SKU → (open, planned, shipped, cancelled) units."""
        lines = OrderLine.objects.filter(order__channel_refnum=refnum).order_by("position")
        return {line.sku_code: (line.open, line.planned, line.shipped, line.cancelled) for line in lines}

    def plan(self, refnum: str) -> dict[tuple[str, str], int]:
        """(facility or vendor, SKU) → units still to ship."""
        rows = fetch(
            """SELECT coalesce(f.code, v.code), l.sku_code, i.quantity - i.shipped - i.cancelled
               FROM fulfilment_shipmentitem i JOIN fulfilment_shipment s ON s.id = i.shipment_id
               JOIN orders_orderline l ON l.id = i.order_line_id JOIN orders_order o ON o.id = s.order_id
               LEFT JOIN stock_facility f ON f.id = s.facility_id LEFT JOIN purchasing_vendor v ON v.id = s.vendor_id
               WHERE o.channel_refnum = %s AND i.quantity > i.shipped + i.cancelled""",
            [refnum],
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def item(self, refnum: str, source: str, sku: str) -> tuple[int, int]:
        """(shipment, shipment item) of a SKU that a facility or vendor is to ship."""
        rows = fetch(
            """SELECT s.id, i.id FROM fulfilment_shipmentitem i JOIN fulfilment_shipment s ON s.id = i.shipment_id
               JOIN orders_orderline l ON l.id = i.order_line_id JOIN orders_order o ON o.id = s.order_id
               LEFT JOIN stock_facility f ON f.id = s.facility_id LEFT JOIN purchasing_vendor v ON v.id = s.vendor_id
               WHERE o.channel_refnum = %s AND coalesce(f.code, v.code) = %s AND l.sku_code = %s
                 AND i.quantity > i.shipped + i.cancelled""",
            [refnum, source, sku],
        )
        assert len(rows) == 1, f"{source} has {len(rows)} items of {sku} to ship for {refnum}"
        return rows[0][0], rows[0][1]

    def ships(self, refnum: str, source: str, items: Mapping[str, int], tracking: str = "") -> None:
        """A facility or vendor hands one package over to the carrier."""
        found = {sku: self.item(refnum, source, sku) for sku in items}
        [shipment_id] = {shipment for shipment, _ in found.values()}
        self._packages += 1
        package = NewPackage(
            key=f"{refnum}-{source}-{self._packages}",
            shipment_id=shipment_id,
            items=[(found[sku][1], units) for sku, units in items.items()],
            carrier_name="UPS",
            carrier_class_name="Ground",
            tracking_number=tracking or f"1Z{refnum}{self._packages}",
        )
        ship_packages(packages=[package], actor="test")

    def advises(self, vpc: str, units: int) -> None:
        """The vendor says what it has."""
        vendor_id = Vendor.objects.get(code="ACME").pk
        advise_stock(vendor_id=vendor_id, advice=[StockAdvice(vpc, units)], actor="vendor:ACME")

    # Waiting, and the end of every story

    def wait(self, what: str, true: Callable[[], bool]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not true():
            unfinished = Task.objects.exclude(state="succeeded").values_list("kind", "state", "message")
            assert time.monotonic() < deadline, (
                f"{what}: not within {DEADLINE_SECONDS:.0f} s; tasks: {list(unfinished)}"
            )
            time.sleep(LOOK_SECONDS)

    def wait_until_routed(self, refnum: str) -> None:
        """Wait until the hub has pulled, acknowledged and routed an order."""
        self.wait(
            f"{refnum} routed",
            lambda: Order.objects.filter(channel_refnum=refnum, routed_at__isnull=False).exists(),
        )

    def wait_until_told(self) -> None:
        """Wait until the storefront has heard everything."""
        self.wait("everything told", lambda: not Task.objects.exclude(state="succeeded").exists())

    def is_sound(self) -> None:
        """Nobody broke a rule: neither the hub's own nor the contract as the storefront judges it."""
        assert check_invariants() == []
        assert self.storefront.get("/admin/judgement").json() == {"violations": []}


Opening = Callable[[Sequence[SeedSku]], World]


@contextmanager
def opening(directory: Path) -> Iterator[Opening]:
    """Open the shop with a catalog: seeded hub, running worker, stock shown at the storefront."""
    with (
        running_storefront(directory / "shop.sqlite", key=KEY) as running,
        httpx.Client(base_url=running.url) as http,
    ):

        def opens(skus: Sequence[SeedSku]) -> World:
            plan = seed_plan(
                run=1, storefront_url=running.url, channel_key=KEY, currency="USD", keys=False, skus=skus
            )
            seed(plan)
            world = World(http, Channel.objects.get().pk)
            world.wait("the catalog at the storefront", lambda: _is_listed(http, skus))
            return world

        with _working():
            yield opens


def _is_listed(http: httpx.Client, skus: Sequence[SeedSku]) -> bool:
    shown = {row["sku"]: row["pushed_quantity"] for row in http.get("/shop/catalog").json()["skus"]}
    return all(shown.get(sku.code) == sum(sku.stock.values()) for sku in skus)


@contextmanager
def _working() -> Iterator[None]:
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(stop,), kwargs={"name": "story", "concurrency": 16})
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
