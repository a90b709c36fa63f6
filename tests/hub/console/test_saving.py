"""What a saved facility, vendor or channel sets in motion: pushes for what it affects, in its transaction, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from retailops.hub.audit.models import AuditEntry
from retailops.hub.catalog.models import Listing, Sku
from retailops.hub.channels.models import Channel, FeedTemplate
from retailops.hub.db import execute
from retailops.hub.orders.models import Order
from retailops.hub.purchasing.models import Vendor, VendorSku
from retailops.hub.routing.models import RoutingRule
from retailops.hub.stock.models import Facility
from tests.hub.console.demo import Demo
from tests.hub.console.saving import add, filled_in, queued, save
from tests.hub.factories import stock_up

#: Inventory pushes are named by their SKUs, catalog pushes by their products.
ALL_SKUS = {
    "TR2-41",
    "TR2-42",
    "TR2-43",
    "RJ1-M",
    "RJ1-L",
    "BT9-BLUE",
    "BT9-SAND",
    "PK30-GREEN",
    "TN2",
    "SB8-REG",
    "CAMP-KIT",
}
STOCKED = ALL_SKUS - {"TN2", "SB8-REG", "CAMP-KIT"}
PRODUCTS = {"TR-2", "RJ-1", "BT-9", "PK-30", "TN-2", "SB-8", "CAMP"}


def east() -> Facility:
    return Facility.objects.get(code="EAST")


@pytest.mark.parametrize(
    "changes, leave_out, skus",
    [
        ({}, "enabled", STOCKED),
        ({"priority": 99}, "", STOCKED),
        ({"safety_stock": 30}, "", STOCKED),
        ({"name": "Newark", "unit_cost": "1.5", "country": "CA"}, "", set()),
        ({}, "", set()),
    ],
    ids=["off", "priority", "safety stock", "others", "nothing"],
)
def test_a_facility(client: Client, changes: dict[str, object], leave_out: str, skus: set[str]) -> None:
    told = save(client, east(), changes, leave_out)
    assert queued() == (set(), skus)
    assert told == (["Queued: 8 inventory pushes."] if skus else [])


@pytest.mark.parametrize(
    "changes, leave_out, skus",
    [
        ({}, "enabled", {"TN2"}),
        ({"buffer": 3}, "", {"TN2"}),
        ({"fresh_hours": 1}, "", {"TN2"}),
        ({"expiry_hours": 200}, "", {"TN2"}),
        ({"feed_latency_seconds": 9}, "", {"TN2"}),
        ({"name": "Summit & Co", "priority": 3}, "reroute_remainder", set()),
    ],
    ids=["off", "buffer", "fresh", "expiry", "latency", "others"],
)
def test_a_vendor(client: Client, changes: dict[str, object], leave_out: str, skus: set[str]) -> None:
    told = save(client, Vendor.objects.get(code="summit"), changes, leave_out)
    assert queued() == (set(), skus)
    assert told == (["Queued: 1 inventory push."] if skus else [])


def test_orders_wait_for_a_facility_until_it_is_on_again(client: Client) -> None:
    waiting = Order.objects.filter(
        status__in=["backordered", "partially_routed"], lines__sku__code="TN2", lines__open__gt=0
    )[0]
    stock_up(east(), {Sku.objects.get(code="TN2"): 5})
    execute("UPDATE orders_order SET routing_due_at = NULL")
    save(client, east(), leave_out="enabled")
    waiting.refresh_from_db()
    assert waiting.routing_due_at is None
    save(client, east(), {"enabled": "on"})
    waiting.refresh_from_db()
    assert waiting.routing_due_at is not None


def test_a_vendor_sku(client: Client) -> None:
    record = VendorSku.objects.get(vpc="SUM-TENT-2P")
    assert save(client, record, leave_out="active") == ["Queued: 2 inventory pushes."]
    assert queued() == (set(), {"TN2", "CAMP-KIT"})
    save(client, record, {"active": "on", "sku": Sku.objects.get(code="SB8-REG").pk})
    assert queued() == (set(), {"TN2", "SB8-REG", "CAMP-KIT"})
    waiting = Order.objects.filter(status="backordered", lines__sku__code="SB8-REG")[0]
    assert waiting.routing_due_at is not None
    form = {"vendor": record.vendor_id, "vpc": "SUM-2", "sku": Sku.objects.get(code="RJ1-L").pk, "cost": "3"}
    add(client, VendorSku, form)
    assert queued() == (set(), {"RJ1-L"})


def test_a_form_never_writes_what_a_worker_wrote_meanwhile(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = VendorSku.objects.get(vpc="SUM-TENT-2P")
    listing = Listing.objects.get(sku__code="TN2")
    real = Model.save

    def worker_first(self: Model, *args: Any, **options: Any) -> None:
        if isinstance(self, VendorSku):
            execute("UPDATE purchasing_vendorsku SET advised_quantity = 77")
        if isinstance(self, Listing):
            execute("UPDATE catalog_listing SET published_quantity = 78, push_state = 'error'")
        real(self, *args, **options)

    monkeypatch.setattr(Model, "save", worker_first)
    save(client, record, {"cost": "3.5"})
    save(client, listing, {"buffer": 5})
    record.refresh_from_db()
    listing.refresh_from_db()
    assert (str(record.cost), record.advised_quantity) == ("3.5000", 77)
    assert (listing.buffer, listing.published_quantity, listing.push_state) == (5, 78, "error")


@pytest.mark.parametrize("switch", ["facilities", "use_vendor_stock", "use_inflight_stock"])
def test_the_stock_of_a_channel(client: Client, switch: str) -> None:
    changes: dict[str, Any] = {
        "facilities": {"facilities": [Facility.objects.get(code="WEST").pk]},
        "use_vendor_stock": {},
        "use_inflight_stock": {"use_inflight_stock": "on"},
    }
    told = save(client, Channel.objects.get(code="shop"), changes[switch], leave_out=switch)
    assert told == [f"Queued: {len(ALL_SKUS)} inventory pushes."]
    assert queued() == (set(), ALL_SKUS)


def test_what_a_channel_has_learned_is_told(client: Client) -> None:
    shop = Channel.objects.get(code="shop")
    save(client, shop, {"name": "Web shop", "pull_every_seconds": 90})
    assert queued() == (set(), set())
    save(client, shop, {"capabilities": ["order_pull"]})
    assert queued() == (set(), set())
    save(client, shop, {"capabilities": ["order_pull", "inventory_push"]})
    assert queued() == (set(), ALL_SKUS)
    save(client, shop, {"capabilities": ["catalog_push", "inventory_push"]})
    assert queued() == (PRODUCTS, set())


def test_a_feed_template(client: Client) -> None:
    template = FeedTemplate.objects.create(name="Ours", template={"Name": "${product.name}"})
    shop = Channel.objects.get(code="shop")
    assert save(client, shop, {"feed_template": template.pk}) == [f"Queued: {len(PRODUCTS)} catalog pushes."]
    assert queued() == (PRODUCTS, set())
    save(client, template, {"name": "Of ours"})
    assert queued() == (set(), set())
    save(client, template, {"template": '{"Title": "${product.name}"}'})
    assert queued() == (PRODUCTS, set())
    other = FeedTemplate.objects.create(name="Other", template={})
    save(client, other, {"template": '{"Title": "${product.name}"}'})
    assert queued() == (set(), set())


def test_a_refused_form_queues_nothing(client: Client) -> None:
    url = reverse("admin:stock_facility_change", args=[east().pk])
    response = client.post(url, filled_in(client, url) | {"safety_stock": "-1"})
    assert b"greater than or equal to 0" in response.content
    assert queued() == (set(), set())


def test_the_pushes_are_of_the_transaction_of_the_save(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_args: object, **_options: object) -> int:
        raise RuntimeError("the power fails")

    monkeypatch.setattr("retailops.hub.console.admin_base.record", breaks)
    with pytest.raises(RuntimeError):
        save(client, east(), {"safety_stock": 30})
    assert queued() == (set(), set())
    assert Facility.objects.get(code="EAST").safety_stock == 2


def test_large_effects_take_as_many_statements_as_small_ones(client: Client, demo: Demo) -> None:
    def statements(units: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert save(client, east(), {"safety_stock": units})
        return len(captured)

    few = statements(3)
    execute(
        """INSERT INTO catalog_sku (product_id, code) SELECT p.id, 'extra-' || n FROM catalog_product p, generate_series(1, 500) n
           WHERE p.code = 'TN-2'"""
    )
    execute(
        "INSERT INTO catalog_listing (channel_id, sku_id) SELECT %s, id FROM catalog_sku WHERE code LIKE 'extra%%'",
        [demo.channel],
    )
    execute(
        "INSERT INTO stock_stocklevel (facility_id, sku_id, on_hand) SELECT %s, id, 0 FROM catalog_sku WHERE code LIKE 'extra%%'",
        [east().pk],
    )
    assert statements(4) == few
    assert len(queued()[1]) == 508


def test_a_save_is_audited_with_what_changed(client: Client) -> None:
    save(client, east(), {"safety_stock": 9})
    entry = AuditEntry.objects.latest("id")
    assert (entry.actor, entry.action) == ("user:alma", "facility.change")
    assert entry.data["message"] == [{"changed": {"fields": ["Safety stock"]}}]


def test_a_rule_that_fits_routes_what_waits(client: Client) -> None:
    waiting = Order.objects.filter(lines__routing_reason__gt="", lines__open__gt=0).distinct()
    count = waiting.count()
    rule = RoutingRule.objects.order_by("id")[0]
    save(client, rule)
    assert not waiting.filter(routing_due_at__isnull=False).exists()
    page = reverse("admin:routing_routingrule_change", args=[rule.pk])
    response = client.post(page, filled_in(client, page) | {"position": rule.position + 1}, follow=True)
    assert f"Orders that wait and are looked at again: {count}." in response.content.decode()
    routable = waiting.filter(status__in=["backordered", "partially_routed", "partially_shipped"])
    assert routable.count() > 0
    assert set(routable) == set(waiting.filter(routing_due_at__isnull=False))
