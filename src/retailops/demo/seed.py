"""Fills the hub before the trading day: `python -m retailops.demo.seed`, a plan as JSON on standard input.

A short-lived process of its own, because the hub's operations need Django on the hub's database. The plan is
`{run, storefront_url, channel_key, currency, keys: bool, skus: [SeedSku]}`; prints `{name: API key}` for the keys it made.
Seeding again brings the channel's address up to date, adds what is new and delivers more stock.
"""

# ruff: noqa: PLC0415 - the hub is imported after Django is set up

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from retailops.demo.catalog import CHANNEL, FACILITIES, VENDOR, SampleSku

ACTOR = "user:demo"
BATCH = 500
PULL_SECONDS = 5
#: The names under which the players find their API keys.
OPERATOR_KEY = "operator"
SHIP_CODES = {("FedEx", "Ground"): "FEDEX_GROUND", ("UPS", "Ground"): "UPS_GROUND", ("USPS", ""): "USPS_ANY"}


@dataclass(frozen=True, slots=True)
class SeedSku:
    """A SKU with what is delivered of it for this day: facility code → units; `price` is a decimal as text."""

    code: str
    name: str
    price: str
    product: str = ""
    stock: Mapping[str, int] = field(default_factory=dict)
    kit: Mapping[str, int] = field(default_factory=dict)
    vpc: str = ""
    backorder: bool = False
    buffer: int = 0


def seed_plan(
    *, run: int, storefront_url: str, channel_key: str, currency: str, keys: bool, skus: Sequence[SeedSku]
) -> dict[str, object]:
    """Return the plan that the seeding process reads."""
    return {
        "run": run,
        "storefront_url": storefront_url,
        "channel_key": channel_key,
        "currency": currency,
        "keys": keys,
        "skus": [asdict(sku) for sku in skus],
    }


def from_sample(sku: SampleSku, *, orders: int) -> SeedSku:
    """Deliver stock in proportion to the day's orders."""
    stock = {facility: max(1, units * orders // 100) for facility, units in sku.stock.items()}
    return SeedSku(
        code=sku.code, name=sku.name, price=str(sku.price), product=sku.product, stock=stock, kit=sku.kit, vpc=sku.vpc,
        backorder=sku.backorder, buffer=sku.buffer,
    )  # fmt: skip


def seed(plan: Mapping[str, object]) -> dict[str, str]:
    """Fill the hub and return new API keys by name. Django must be set up."""
    skus = [SeedSku(**sku) for sku in plan["skus"]]  # type: ignore[attr-defined]
    currency, run = str(plan["currency"]), int(str(plan["run"]))
    facilities = _facilities()
    ids = _catalog(skus, currency)
    _vendor(skus, ids, currency)
    channel_id = _channel(str(plan["storefront_url"]), str(plan["channel_key"]))
    # Stock before listings: the first number a channel hears is the right one.
    _deliver(skus, ids, facilities, run)
    _list(channel_id, skus, ids)
    return _keys(facilities) if plan["keys"] else {}


def _facilities() -> dict[str, int]:
    from retailops.hub.stock.models import Facility

    for priority, (code, name) in enumerate(FACILITIES.items(), 1):
        Facility.objects.get_or_create(
            code=code, defaults={"name": name, "priority": 10 * priority, "country": "US"}
        )
    return dict(Facility.objects.values_list("code", "pk"))


def _catalog(skus: Sequence[SeedSku], currency: str) -> dict[str, int]:
    """Create what the catalog lacks; return SKU code → id."""
    from retailops.hub.catalog.models import KitComponent, Product, Sku

    names = {sku.product or sku.code: sku.name for sku in reversed(skus)}
    Product.objects.bulk_create(
        [Product(code=code, name=name) for code, name in names.items()], BATCH, ignore_conflicts=True
    )
    products = dict(Product.objects.filter(code__in=names).values_list("code", "pk"))
    Sku.objects.bulk_create(
        [
            Sku(
                product_id=products[sku.product or sku.code], code=sku.code, name=sku.name, price=Decimal(sku.price),
                currency=currency, kit=bool(sku.kit), backorder=sku.backorder,
            )
            for sku in skus
        ],
        BATCH,
        ignore_conflicts=True,
    )  # fmt: skip
    ids = dict(Sku.objects.filter(code__in=[sku.code for sku in skus]).values_list("code", "pk"))
    KitComponent.objects.bulk_create(
        [
            KitComponent(kit_id=ids[sku.code], component_id=ids[code], quantity=units)
            for sku in skus
            for code, units in sku.kit.items()
        ],
        ignore_conflicts=True,
    )
    return ids


def _vendor(skus: Sequence[SeedSku], ids: Mapping[str, int], currency: str) -> None:
    from retailops.hub.purchasing.models import Vendor, VendorSku

    vendor, _ = Vendor.objects.get_or_create(
        code=VENDOR, defaults={"name": "Acme Furniture", "feed_latency_seconds": 0}
    )
    VendorSku.objects.bulk_create(
        [
            VendorSku(
                vendor=vendor,
                vpc=sku.vpc,
                sku_id=ids[sku.code],
                cost=Decimal(sku.price) / 2,
                currency=currency,
            )
            for sku in skus
            if sku.vpc
        ],
        ignore_conflicts=True,
    )


def _channel(storefront_url: str, key: str) -> int:
    from retailops.contract.interactions import INTERACTIONS
    from retailops.hub.channels.models import Channel
    from retailops.hub.channels.operations.connect_channel import connect_channel
    from retailops.hub.channels.operations.set_ship_code import set_ship_code
    from retailops.hub.channels.operations.update_channel import update_channel
    from retailops.hub.tasks.operations.replay_tasks import resume_queue

    base_url = f"{storefront_url}/api/channel"
    known = Channel.objects.filter(code=CHANNEL).first()
    if known is not None:
        # The storefront listens on a new port; what failed at the old one need not wait.
        update_channel(channel_id=known.pk, actor=ACTOR, base_url=base_url, auth_key=key)
        resume_queue(queue_id=known.queue_id, actor=ACTOR)
        return int(known.pk)
    channel_id = connect_channel(
        code=CHANNEL, name="Sample storefront", base_url=base_url, auth_key=key, capabilities=list(INTERACTIONS),
        pull_every_seconds=PULL_SECONDS, actor=ACTOR,
    ).channel_id  # fmt: skip
    for (carrier, carrier_class), code in SHIP_CODES.items():
        set_ship_code(
            channel_id=channel_id,
            carrier_name=carrier,
            carrier_class_name=carrier_class,
            code=code,
            actor=ACTOR,
        )
    return channel_id


def _deliver(
    skus: Sequence[SeedSku], ids: Mapping[str, int], facilities: Mapping[str, int], run: int
) -> None:
    from retailops.hub.stock.operations.receive_stock import Receipt, receive_stock

    receipts = [
        Receipt(facilities[facility], ids[sku.code], units, f"demo:{run}:{facility}:{sku.code}")
        for sku in skus
        for facility, units in sku.stock.items()
        if units
    ]
    for start in range(0, len(receipts), BATCH):
        receive_stock(receipts=receipts[start : start + BATCH], actor=ACTOR, reason="delivery of the day")


def _list(channel_id: int, skus: Sequence[SeedSku], ids: Mapping[str, int]) -> None:
    from retailops.hub.channels.operations.list_skus import list_skus_on_channel

    for buffer in sorted({sku.buffer for sku in skus}):
        of_buffer = [ids[sku.code] for sku in skus if sku.buffer == buffer]
        for start in range(0, len(of_buffer), BATCH):
            list_skus_on_channel(
                channel_id=channel_id, sku_ids=of_buffer[start : start + BATCH], buffer=buffer, actor=ACTOR
            )


def _keys(facilities: Mapping[str, int]) -> dict[str, str]:
    """Make a key for each warehouse, for the vendor and for the operator, in the name of the demo's admin."""
    from retailops.hub.accounts.models import User
    from retailops.hub.accounts.operations.create_api_key import create_api_key
    from retailops.hub.purchasing.models import Vendor

    user_id = User.objects.filter(is_superuser=True).order_by("pk")[0].pk
    keys = {
        code: create_api_key(user_id=user_id, name=f"demo {code}", facility_id=facilities[code], actor=ACTOR)
        for code in FACILITIES
    }
    vendor_id = Vendor.objects.get(code=VENDOR).pk
    keys[VENDOR] = create_api_key(user_id=user_id, name="demo vendor", vendor_id=vendor_id, actor=ACTOR)
    keys[OPERATOR_KEY] = create_api_key(user_id=user_id, name="demo operator", actor=ACTOR)
    return {name: made.key for name, made in keys.items()}


def main() -> None:
    """Read the plan, seed, print the keys."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailops.hub.settings")
    import django

    django.setup()
    sys.stdout.write(json.dumps(seed(json.load(sys.stdin))) + "\n")


if __name__ == "__main__":
    main()
