"""From the queue through a real socket and back: a scripted channel on loopback, and commits that count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from tests.hub.channels.pages import order, page
from tests.hub.channels.support import ChannelServer, Request, work_once, work_until_idle
from tests.hub.factories import make_facility, make_sku, stock_up

from retailops.hub.catalog.models import Listing, Sku
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.connect_channel import connect_channel
from retailops.hub.channels.operations.list_skus import list_skus_on_channel
from retailops.hub.channels.operations.pull_orders import pull_now, pull_specific_orders
from retailops.hub.orders.models import Order
from retailops.hub.tasks.models import Attempt, Queue, Task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ChannelServer]:
    with ChannelServer() as running:
        yield running


@pytest.fixture
def channel(server: ChannelServer) -> Channel:
    connected = connect_channel(
        code="shop", name="Shop", base_url=server.base_url, auth_key="sesame", actor="test",
        capabilities=["order_pull", "order_acknowledge", "catalog_push", "inventory_push", "catalog_get_config"],
    )  # fmt: skip
    return Channel.objects.get(pk=connected.channel_id)


def outcomes() -> list[tuple[str, str, str]]:
    """(kind, state, outcome) of the tasks told to channels."""
    return list(
        Task.objects.exclude(kind="route_orders").order_by("id").values_list("kind", "state", "outcome")
    )


def test_orders_are_committed_before_they_are_acknowledged(server: ChannelServer, channel: Channel) -> None:
    make_sku("A")
    seen: list[tuple[str, bool]] = []

    def acknowledge(request: Request) -> tuple[int, object]:
        # The server's thread has a database connection of its own: it sees what is committed, and nothing else.
        seen.extend(
            (each["channel_order_refnum"], Order.objects.filter(pk=each["retailops_order_id"]).exists())
            for each in request.body["orders"]
        )
        connection.close()
        return 200, {}

    pages = {"": page(order("1"), token="t2"), "t2": page(order("2"))}
    server.scripts["order_pull"] = lambda request: (200, pages[request.body["page_token"]])
    server.scripts["order_acknowledge"] = acknowledge
    pull_now(channel_id=channel.pk)
    work_until_idle()
    assert sorted(seen) == [("1", True), ("2", True)]
    assert Order.objects.filter(acknowledged_at__isnull=False).count() == 2
    assert [request.body["page_token"] for request in server.asked("order_pull")] == ["", "t2"]
    assert all(request.body["integration_auth_token"] == "sesame" for request in server.requests)


def test_an_order_is_fetched_by_its_name(server: ChannelServer, channel: Channel) -> None:
    server.scripts["order_pull"] = lambda _: (200, page(order("77")))
    pull_specific_orders(channel_id=channel.pk, refnums=["77"])
    work_until_idle()
    assert server.asked("order_pull")[0].body["specific_orders"] == [{"channel_refnum": "77"}]
    assert Order.objects.get().channel_refnum == "77"


def test_catalog_and_inventory_reach_the_channel(server: ChannelServer, channel: Channel) -> None:
    a, b = make_sku("A"), make_sku("B")
    stock_up(make_facility("EAST"), {a: 3})
    list_skus_on_channel(channel_id=channel.pk, sku_ids=[a.pk, b.pk], actor="test")
    work_until_idle()
    (catalog,) = server.asked("catalog_push")
    assert len(catalog.body["template_output"]["data"]["Product"]) == 2
    # Told once more after the catalog push: a channel may ignore SKUs that it doesn't know yet.
    for inventory in server.asked("inventory_push"):
        told = {each["sku"]: each["quantity_available"] for each in inventory.body["inventory_updates"]}
        assert told == {"A": 3, "B": 0}
    assert set(Listing.objects.values_list("published_quantity", "push_state")) == {
        (3, "pushed"),
        (0, "pushed"),
    }
    stock_up(make_facility("WEST"), {Sku.objects.get(code="A"): 1})
    work_until_idle()
    assert server.asked("inventory_push")[-1].body["inventory_updates"][0]["quantity_available"] == 4


def test_a_retry_is_the_same_message(server: ChannelServer, channel: Channel) -> None:
    server.scripts["catalog_get_config"] = lambda _: (500, b"<html>oops</html>")
    Task.objects.create(queue_id=channel.queue_id, lane="config:x", kind="catalog_get_config", key="k")
    connection.cursor().execute(
        "INSERT INTO tasks_lane (queue_id, name) VALUES (%s, 'config:x')", [channel.queue_id]
    )
    work_once()
    task = Task.objects.get()
    assert (task.state, task.message) == ("queued", "HTTP 500")
    connection.cursor().execute("UPDATE tasks_lane SET due_at = now()")
    server.scripts["catalog_get_config"] = lambda _: (200, {"sku_fanout": "related_skus"})
    work_once()
    first, second = server.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"task_{task.pk}"
    assert (first.headers["retailops-attempt"], second.headers["retailops-attempt"]) == ("1", "2")
    assert [(a.outcome_class, a.http_status) for a in Attempt.objects.order_by("id")] == [
        ("retryable", 500),
        ("ok", 200),
    ]
    assert Channel.objects.get().sku_fanout == "related_skus"


@pytest.mark.parametrize(
    "status, headers, outcome", [(302, {"Location": "http://127.0.0.1/"}, "redirect"), (401, {}, "auth")]
)
def test_a_channel_that_needs_mending_is_paused(
    server: ChannelServer, channel: Channel, status: int, headers: dict[str, str], outcome: str
) -> None:
    server.scripts["order_pull"] = lambda _: (status, {}, headers)
    pull_now(channel_id=channel.pk)
    work_once()
    assert Attempt.objects.get().outcome_class == outcome
    assert Queue.objects.get(name="channel:shop").paused


def test_a_channel_that_asks_for_patience_is_left_alone(server: ChannelServer, channel: Channel) -> None:
    server.scripts["order_pull"] = lambda _: (429, {}, {"Retry-After": "120"})
    pull_now(channel_id=channel.pk)
    work_once()
    assert Attempt.objects.get().outcome_class == "throttled"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT not_before - now() > interval '100 s' FROM tasks_queue WHERE id = %s", [channel.queue_id]
        )
        assert cursor.fetchone() == (True,)


def test_a_line_that_goes_dead_leaves_the_effect_unknown(server: ChannelServer, channel: Channel) -> None:
    server.scripts["order_pull"] = lambda _: None
    pull_now(channel_id=channel.pk)
    work_once()
    attempt = Attempt.objects.get()
    assert (attempt.outcome_class, attempt.http_status) == ("unknown", None)
    assert "sesame" not in attempt.request_excerpt
    assert '"action":"order_pull"' in attempt.request_excerpt


def test_an_address_we_do_not_call_pauses_the_channel(channel: Channel) -> None:
    Channel.objects.update(base_url="http://10.0.0.1/api")
    pull_now(channel_id=channel.pk)
    work_once()
    queue = Queue.objects.get(name="channel:shop")
    assert queue.paused
    assert "10.0.0.1" in queue.pause_reason
    assert outcomes() == [("order_pull", "queued", "")]
