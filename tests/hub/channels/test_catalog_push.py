"""Feeds: which SKUs go along, how they are rendered, what the channel said of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.hub.channels.support import (
    apply_all,
    apply_one,
    build_all,
    build_one,
    error_event,
    make_task,
    replied,
    sent,
)
from tests.hub.factories import make_channel, make_listing, make_sku

from retailops.hub.catalog.models import Listing, Product, Sku, SkuIdentifier
from retailops.hub.channels.feed import FeedError, render_feed
from retailops.hub.channels.models import Channel, FeedTemplate
from retailops.hub.channels.operations.publish_catalog import publish_catalog
from retailops.hub.tasks.handlers import Built
from retailops.hub.tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return make_channel()


@pytest.fixture
def shirt(channel: Channel) -> Product:
    """A product with SKUs S (pushed), M (pending) on the channel, and L that is not listed."""
    product = Product.objects.create(
        code="SHIRT", name="Shirt", brand="Mill", attributes={"fabric": "linen", "weight": 1.5}
    )
    for code, price in (("S", "19.9900"), ("M", "20"), ("L", "21")):
        sku = Sku.objects.create(product=product, code=code, price=Decimal(price), attributes={"size": code})
        SkuIdentifier.objects.create(sku=sku, kind="upc", value=f"upc-{code}")
        if code != "L":
            make_listing(channel, sku, push_state="pushed" if code == "S" else "pending")
    return product


def feed(channel: Channel, *products: Product) -> Built:
    lane = f"catalog:{channel.pk}"
    return build_all([make_task("catalog_push", channel, each.pk, lane=lane) for each in products])


def pushed_skus(channel: Channel, product: Product) -> list[str]:
    (call,) = feed(channel, product).calls
    return [each["feed_data"]["General"]["SKU"] for each in sent(call)["template_output"]["data"]["Product"]]


def states() -> dict[str, tuple[str, str]]:
    return {
        code: (state, message)
        for code, state, message in Listing.objects.values_list("sku__code", "push_state", "push_message")
    }


def test_the_default_feed(channel: Channel, shirt: Product) -> None:
    (call,) = feed(channel, shirt).calls
    assert sent(call)["template_output"] == {
        "data": {
            "Product": [
                {
                    "object_data": {"id": str(shirt.pk), "source_type": "product"},
                    "feed_data": {
                        "General": {"SKU": "M", "Name": "Shirt", "Description": "", "Brand": "Mill"},
                        "Prices": {"Price": 20, "Currency": "USD"},
                        "Identifiers": {"upc": ["upc-M"]},
                        "Attributes": {"fabric": "linen", "weight": Decimal("1.5"), "size": "M"},
                    },
                }
            ]
        }
    }


def test_the_fanout_decides_which_skus_go_along(channel: Channel, shirt: Product) -> None:
    assert pushed_skus(channel, shirt) == ["M"]
    apply_one(build_one(make_task("catalog_get_config", channel)), {"sku_fanout": "related_skus"})
    assert pushed_skus(channel, shirt) == ["M", "S"]
    apply_one(build_one(make_task("catalog_get_config", channel)), {})
    assert pushed_skus(channel, shirt) == ["M"]


def test_a_config_that_is_no_config(channel: Channel) -> None:
    call = build_one(make_task("catalog_get_config", channel))
    assert apply_one(call, {"sku_fanout": "all_skus_for_product"}).outcome.value == "ok"
    assert Channel.objects.get().sku_fanout == "no_fanout"
    assert apply_one(call, b"[]").outcome.value == "violation"
    assert apply_one(call, {}, 404).outcome.value == "retryable"


def test_listings_learn_what_the_channel_said(channel: Channel, shirt: Product) -> None:
    Channel.objects.update(sku_fanout="related_skus")
    (call,) = feed(channel, shirt).calls
    (settlement,) = apply_all([replied(call, {"events": [error_event("no picture", sku_number="S")]})])
    assert (settlement.outcome.value, settlement.message) == ("ok_with_errors", "S: E: no picture")
    assert states() == {"M": ("pushed", ""), "S": ("error", "E: no picture")}
    assert [s.outcome.value for s in apply_all([replied(call)])] == ["ok"]
    assert states() == {"M": ("pushed", ""), "S": ("pushed", "")}
    assert (
        apply_all([replied(call, {"events": [error_event("no", product_id=str(shirt.pk))]})])[0].outcome.value
        == "refused"
    )
    assert {state for state, _ in states().values()} == {"error"}


def test_what_changed_during_the_push_is_still_to_be_pushed(channel: Channel, shirt: Product) -> None:
    (call,) = feed(channel, shirt).calls
    assert publish_catalog(product_ids=[shirt.pk]) == 1
    apply_all([replied(call)])
    assert states() == {"M": ("pending", ""), "S": ("pending", "")}
    assert Task.objects.get(kind="catalog_push").key == f"product:{shirt.pk}"


def test_a_template_that_fails_parks_its_product_alone(channel: Channel, shirt: Product) -> None:
    channel.feed_template = FeedTemplate.objects.create(
        name="ours",
        template={"title": "${product.name}", "fabric": {"deep": [{"$eval": "product.attributes.fabric"}]}},
    )
    channel.save()
    make_listing(channel, make_sku("PLAIN"))
    plain = Product.objects.get(code="P-PLAIN")
    built = feed(channel, shirt, plain)
    (call,) = built.calls
    assert [each["feed_data"]["title"] for each in sent(call)["template_output"]["data"]["Product"]] == [
        "Shirt"
    ]
    ok, parked = apply_all([replied(call)])
    assert (ok.outcome.value, parked.outcome.value, parked.blocks_lane) == ("ok", "permanent", False)
    assert "feed template 'ours', product P-PLAIN" in parked.message
    assert "template.fabric.deep[0]" in parked.message
    alone = feed(channel, plain)
    assert ([s.outcome.value for s in alone.settled], list(alone.calls)) == (["permanent"], [])


@pytest.mark.parametrize(
    "template",
    [
        5,
        "text",
        [1],
        {"a": {"$eval": "1 +"}},
        {"a": {"$eval": "1 / 0"}},
        {"a": {"$eval": "min"}},
        {"$json": {"$eval": "skus"}},
    ],
)
def test_a_bad_template_is_an_error_that_names_it(channel: Channel, shirt: Product, template: object) -> None:
    channel.feed_template = FeedTemplate(name="bad", template=template)
    with pytest.raises(FeedError, match="feed template 'bad', product SHIRT"):
        render_feed(channel=channel, product_ids=[shirt.pk])


def test_a_template_may_leave_a_product_out(channel: Channel, shirt: Product) -> None:
    channel.feed_template = FeedTemplate.objects.create(name="none", template=[])
    channel.save()
    assert [s.message for s in feed(channel, shirt).settled] == ["the feed template leaves the product out"]
