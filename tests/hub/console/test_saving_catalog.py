"""What a saved product, SKU or listing sets in motion."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from retailops.hub.catalog.models import KitComponent, Listing, Product, Sku, SkuIdentifier
from retailops.hub.channels.models import Channel
from retailops.hub.orders.models import Order
from retailops.hub.tasks.models import Task
from tests.hub.console.demo import Demo
from tests.hub.console.saving import add, queued, save


def test_a_listing(client: Client, demo: Demo) -> None:
    record = Listing.objects.get(sku__code="TN2")
    assert save(client, record, {"buffer": 2}) == ["Queued: 1 inventory push."]
    assert queued() == (set(), {"TN2"})
    save(client, record, {"max_published": 2})
    assert queued() == (set(), {"TN2"})
    assert save(client, record, leave_out="enabled") == ["Queued: 1 inventory push."]
    assert queued() == (set(), {"TN2"})
    assert save(client, record, {"enabled": "on"}) == ["Queued: 1 catalog push, 1 inventory push."]
    assert queued() == ({"TN-2"}, {"TN2"})
    save(
        client,
        record,
        {"sku": Sku.objects.get(code="RJ1-M").pk, "channel": Channel.objects.get(code="market").pk},
    )
    record.refresh_from_db()
    assert (record.sku.code, record.channel.code) == ("TN2", "shop")


def test_a_new_listing_is_told_with_its_product(client: Client, demo: Demo) -> None:
    record = Listing.objects.get(sku__code="RJ1-L")
    record.delete()
    told = add(client, Listing, {"channel": demo.channel, "sku": record.sku_id, "buffer": 0})
    assert told == ["Queued: 1 catalog push, 1 inventory push."]
    assert queued() == ({"RJ-1"}, {"RJ1-L"})
    assert set(Listing.objects.filter(push_state="pending").values_list("sku__code", flat=True)) == {
        "RJ1-M",
        "RJ1-L",
    }


def test_selected_listings_are_pushed_again(client: Client) -> None:
    on, off = Listing.objects.get(sku__code="TN2"), Listing.objects.get(sku__code="RJ1-M")
    Listing.objects.filter(pk=off.pk).update(enabled=False, published_at=None)
    data = {"action": "push_again", "_selected_action": [on.pk, off.pk]}
    response = client.post(reverse("admin:catalog_listing_changelist"), data, follow=True)
    assert "1 of 2 selected listings will be pushed" in response.content.decode()
    assert Task.objects.get(kind="inventory_push").payload == {"force": True}
    assert queued() == (set(), {"TN2"})


def test_a_sku(client: Client) -> None:
    record = Sku.objects.get(code="TN2")
    before = record.updated_at
    assert save(client, record, {"price": "399.00"}) == ["Queued: 1 catalog push, 2 inventory pushes."]
    assert queued() == ({"TN-2"}, {"TN2", "CAMP-KIT"})
    record.refresh_from_db()
    assert record.updated_at > before
    save(client, Sku.objects.get(code="TR2-43"), {"product": Product.objects.get(code="RJ-1").pk})
    assert queued() == ({"TR-2", "RJ-1"}, {"TR2-43"})
    unpushed = Listing.objects.filter(push_state="pending").values_list("sku__code", flat=True)
    assert set(unpushed) == {"TN2", "TR2-41", "TR2-42", "TR2-43", "RJ1-M", "RJ1-L"}


def test_identifiers_and_kit_components(client: Client) -> None:
    kit, tent = Sku.objects.get(code="CAMP-KIT"), Sku.objects.get(code="TN2")
    identifier = {
        "identifiers-TOTAL_FORMS": 1, "identifiers-0-kind": "upc", "identifiers-0-value": "036000291452",
        "identifiers-0-sku": tent.pk, "identifiers-0-id": "",
    }  # fmt: skip
    save(client, tent, identifier)
    assert queued() == ({"TN-2"}, {"TN2", "CAMP-KIT"})
    assert SkuIdentifier.objects.get().value == "036000291452"
    save(client, kit, {"components-0-quantity": 2})
    assert KitComponent.objects.filter(kit=kit, quantity=2).count() == 1
    assert queued() == ({"CAMP"}, {"CAMP-KIT"})


def test_a_sku_or_alias_that_orders_wait_for_releases_them(client: Client) -> None:
    waiting = Order.objects.get(lines__sku_code="GLOVES-XL")
    gloves = {
        "identifiers-TOTAL_FORMS": 1, "identifiers-0-kind": "alias", "identifiers-0-value": "GLOVES-XL",
        "identifiers-0-id": "",
    }  # fmt: skip
    save(client, Sku.objects.get(code="RJ1-M"), gloves)
    assert waiting.lines.get().sku_id == Sku.objects.get(code="RJ1-M").pk
    assert not waiting.holds.filter(released_at=None).exists()


def test_a_product(client: Client) -> None:
    record = Product.objects.get(code="TR-2")
    assert save(client, record, {"name": "Trail Runner II"}) == [
        "Queued: 1 catalog push, 3 inventory pushes."
    ]
    assert queued() == ({"TR-2"}, {"TR2-41", "TR2-42", "TR2-43"})
    stamps = dict(Sku.objects.values_list("code", "updated_at"))
    prices = {
        f"skus-{n}-price": 99 for n, code in enumerate(("TR2-41", "TR2-42", "TR2-43")) if code != "TR2-43"
    }
    save(client, record, prices)
    assert {code for code, at in Sku.objects.values_list("code", "updated_at") if at > stamps[code]} == {
        "TR2-41",
        "TR2-42",
    }
    page = client.get(reverse("admin:catalog_product_change", args=[record.pk]))
    assert "skus-0-DELETE" not in page.content.decode()
