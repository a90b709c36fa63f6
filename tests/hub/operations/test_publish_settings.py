"""Changed settings of facilities, vendors and channels: what is pushed, and which orders are looked at again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.hub.channels.support import build_one, make_task, sent, statements
from tests.hub.factories import (
    import_now,
    incoming,
    make_channel,
    make_facility,
    make_listing,
    make_sku,
    make_vendor,
    stock_up,
)

from retailops.hub.availability.queries import available_to_sell
from retailops.hub.catalog.models import Listing, Sku
from retailops.hub.catalog.operations.publish_inventory import publish_inventory, publish_listings
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.publish_catalog import publish_whole_catalog
from retailops.hub.channels.operations.publish_channel import publish_channel
from retailops.hub.db import execute, fetch
from retailops.hub.orders.models import Order
from retailops.hub.purchasing.models import VendorSku
from retailops.hub.purchasing.operations.publish_vendor import publish_vendor
from retailops.hub.stock.models import Facility
from retailops.hub.stock.operations.publish_facility import publish_facility
from retailops.hub.tasks.models import Lane, Task

pytestmark = pytest.mark.django_db

MANY = 40


NAMES = {
    "inventory_push": """JOIN catalog_listing l ON t.key = 'listing:' || l.id AND t.lane = 'inventory:' || c.id
        JOIN catalog_sku x ON x.id = l.sku_id AND t.subject_id = l.id""",
    "catalog_push": """JOIN catalog_product x ON t.key = 'product:' || x.id AND t.lane = 'catalog:' || c.id
        AND t.subject_id = x.id""",
}


def pushed(kind: str = "inventory_push") -> set[tuple[str, str]]:
    """(channel, SKU or product) of the queued pushes that a worker would find; forgets them."""
    rows = fetch(
        f"""SELECT c.code, x.code FROM tasks_task t JOIN channels_channel c ON c.queue_id = t.queue_id {NAMES[kind]}
            JOIN tasks_lane lane ON lane.name = t.lane AND lane.queue_id = t.queue_id
            WHERE t.kind = %s AND t.state = 'queued'""",
        [kind],
    )
    assert len(rows) == Task.objects.filter(kind=kind).count()
    forget()
    return {(row[0], row[1]) for row in rows}


def forget() -> None:
    Task.objects.all().delete()
    Lane.objects.all().delete()


def waiting(*skus: Sku) -> int:
    """An order for one of each SKU, routed in vain."""
    channel = make_channel("orders", capabilities=[])
    (order_id,) = import_now(channel, incoming("W", [(sku.code, 1) for sku in skus])).created.values()
    execute("UPDATE orders_order SET routing_due_at = NULL, status = 'backordered' WHERE id = %s", [order_id])
    return order_id


def is_due(order_id: int) -> bool:
    return Order.objects.get(pk=order_id).routing_due_at is not None


def list_everywhere(*channels: Channel) -> None:
    for channel in channels:
        for sku in Sku.objects.order_by("id"):
            make_listing(channel, sku)


def test_a_facility_is_told_where_its_stock_is_offered() -> None:
    east, west = make_facility("EAST"), make_facility("WEST")
    a, b, c = make_sku("A"), make_sku("B"), make_sku("C")
    make_sku("KIT", kit_of={a: 2})
    stock_up(east, {a: 5, b: 1})
    stock_up(west, {c: 5})
    everything, only_west, both = make_channel("everything"), make_channel("west"), make_channel("both")
    list_everywhere(everything, only_west, both, make_channel("mute", capabilities=["order_pull"]))
    only_west.facilities.add(west)
    both.facilities.add(west, east)
    Listing.objects.filter(channel=both, sku=b).update(enabled=False)
    forget()
    assert publish_facility(facility_id=east.pk) == 5
    assert pushed() == {
        ("everything", "A"),
        ("everything", "B"),
        ("everything", "KIT"),
        ("both", "A"),
        ("both", "KIT"),
    }
    assert publish_facility(facility_id=west.pk) == 3
    assert pushed() == {("everything", "C"), ("west", "C"), ("both", "C")}
    assert publish_facility(facility_id=make_facility("NEW").pk) == 0
    assert pushed() == set()


def test_orders_that_wait_for_a_facility_are_routed_once_it_is_on() -> None:
    a, other = make_sku("A"), make_sku("OTHER")
    kit = make_sku("KIT", kit_of={a: 1})
    order_id = waiting(kit)
    stock_up(make_facility("WEST"), {other: 5})
    east = make_facility("EAST")
    stock_up(east, {a: 5})
    execute("UPDATE orders_order SET routing_due_at = NULL")
    Facility.objects.filter(pk=east.pk).update(enabled=False)
    publish_facility(facility_id=east.pk)
    publish_facility(facility_id=Facility.objects.get(code="WEST").pk)
    assert not is_due(order_id)
    Facility.objects.filter(pk=east.pk).update(enabled=True)
    publish_facility(facility_id=east.pk)
    assert is_due(order_id)


def test_a_vendor_is_told_where_vendors_stock_is_offered() -> None:
    a, b, c = make_sku("A"), make_sku("B"), make_sku("C")
    make_sku("KIT", kit_of={a: 1})  # made of own stock only
    vendor = make_vendor("acme", {"VA": (a, 5), "VB": (b, 5)})
    make_vendor("other", {"VC": (c, 5)})
    list_everywhere(make_channel("shop"), make_channel("own", use_vendor_stock=False))
    VendorSku.objects.filter(vpc="VB").update(active=False)
    order_id = waiting(a)
    forget()
    assert publish_vendor(vendor_id=vendor.pk) == 1
    assert pushed() == {("shop", "A")}
    assert is_due(order_id)


def test_orders_do_not_wake_for_a_vendor_that_is_off() -> None:
    a = make_sku("A")
    vendor = make_vendor("acme", {"VA": (a, 5)}, enabled=False)
    order_id = waiting(a)
    publish_vendor(vendor_id=vendor.pk)
    assert not is_due(order_id)


def test_a_channel_is_told_of_all_it_lists() -> None:
    make_sku("A"), make_sku("B"), make_sku("C")
    shop, market = make_channel("shop"), make_channel("market")
    list_everywhere(shop, market)
    Listing.objects.filter(sku__code="C").update(enabled=False)
    assert publish_channel(channel_id=shop.pk) == 2
    assert pushed() == {("shop", "A"), ("shop", "B")}
    Listing.objects.update(push_state="pushed", push_message="x")
    assert publish_whole_catalog(channel_ids=[market.pk]) == 2
    assert pushed("catalog_push") == {("market", "P-A"), ("market", "P-B")}
    pending = Listing.objects.filter(push_state="pending", push_message="")
    assert set(pending.values_list("channel__code", "sku__code")) == {("market", "A"), ("market", "B")}
    assert publish_whole_catalog(channel_ids=[]) == 0


def test_a_listing_that_is_switched_off_is_told_as_sold_out() -> None:
    a, shop = make_sku("A"), make_channel("shop")
    stock_up(make_facility("EAST"), {a: 5})
    listing = make_listing(shop, a, enabled=False)
    assert publish_listings(listing_ids=[listing.pk]) == 0
    execute("UPDATE catalog_listing SET published_quantity = 5, published_at = now()")
    assert publish_listings(listing_ids=[listing.pk]) == 1
    assert Task.objects.get(kind="inventory_push").payload == {"force": True}
    assert available_to_sell(listing_ids=[listing.pk])[listing.pk].quantity == 0
    (update,) = sent(build_one(make_task("inventory_push", shop, listing.pk)))["inventory_updates"]
    assert (update["sku"], update["quantity_available"]) == ("A", 0)


def test_a_push_that_is_queued_stands_for_the_next() -> None:
    a, shop = make_sku("A"), make_channel("shop")
    make_listing(shop, a)
    assert publish_inventory(sku_ids=[a.pk], force=True) == 1
    assert publish_channel(channel_id=shop.pk) == 1
    task = Task.objects.get()
    assert (task.payload, task.lane) == ({"force": True}, f"inventory:{shop.pk}")


@pytest.mark.parametrize("change", ["facility", "vendor", "channel", "catalog"])
def test_statements_do_not_grow_with_skus(change: str) -> None:
    shop, east = make_channel("shop"), make_facility("EAST")
    vendor = make_vendor("acme", {})

    def stock(code: str) -> None:
        sku = make_sku(code)
        make_listing(shop, sku)
        stock_up(east, {sku: 5})
        VendorSku.objects.create(vendor=vendor, sku=sku, vpc=code)

    changes: dict[str, Callable[[], int]] = {
        "facility": lambda: publish_facility(facility_id=east.pk),
        "vendor": lambda: publish_vendor(vendor_id=vendor.pk),
        "channel": lambda: publish_channel(channel_id=shop.pk),
        "catalog": lambda: publish_whole_catalog(channel_ids=[shop.pk]),
    }
    run = changes[change]
    stock("first")
    forget()
    one = statements(run)
    for number in range(MANY):
        stock(f"S{number}")
    forget()
    assert statements(run) == one <= 6
    assert Task.objects.filter(kind__in=["inventory_push", "catalog_push"]).count() == MANY + 1
