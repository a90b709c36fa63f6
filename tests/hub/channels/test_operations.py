"""Connecting channels, and asking things of them out of turn."""

from __future__ import annotations

import pytest
from tests.hub.factories import make_channel, make_sku

from retailops.hub.audit.models import AuditEntry
from retailops.hub.catalog.models import Listing
from retailops.hub.channels.models import Channel, ChannelCursor, ShipCode
from retailops.hub.channels.operations.connect_channel import ConnectedChannel, connect_channel
from retailops.hub.channels.operations.list_skus import list_skus_on_channel
from retailops.hub.channels.operations.publish_catalog import publish_catalog
from retailops.hub.channels.operations.pull_orders import pull_now, pull_specific_orders
from retailops.hub.channels.operations.set_ship_code import set_ship_code
from retailops.hub.channels.operations.update_channel import update_channel
from retailops.hub.channels.rules import InvalidChannelError
from retailops.hub.db import fetch
from retailops.hub.tasks.models import Schedule, Task
from retailops.hub.tasks.operations.keep_schedules import run_due_schedules

pytestmark = pytest.mark.django_db

KEY = "canary-of-the-auth-key"


def connect(**fields: object) -> ConnectedChannel:
    settings: dict[str, object] = {
        "code": "shop",
        "name": "Shop",
        "base_url": "https://shop.example/api/channel",
        "auth_key": KEY,
        "capabilities": ["order_pull", "order_acknowledge"],
        "actor": "user:ann",
    }
    return connect_channel(**(settings | fields))  # type: ignore[arg-type]


def test_a_channel_is_connected_with_all_it_needs() -> None:
    connected = connect(pull_every_seconds=30)
    channel = Channel.objects.get(pk=connected.channel_id)
    assert (channel.queue_id, channel.queue.name) == (connected.queue_id, "channel:shop")
    assert (channel.auth_key, channel.settle_on, channel.sku_fanout) == (KEY, "ship", "no_fanout")
    assert channel.capabilities == ["order_acknowledge", "order_pull"]
    assert ChannelCursor.objects.get().channel_id == channel.pk
    assert sorted(Schedule.objects.exclude(queue__name="hub").values_list("kind", "lane", "every_seconds", "enabled")) == [
        ("catalog_get_config", f"config:{channel.pk}", 86400, False), ("order_pull", f"pull:{channel.pk}", 30, True),
    ]  # fmt: skip
    run_due_schedules()
    assert list(Task.objects.filter(queue=channel.queue).values_list("kind", "lane", "key")) == [
        ("order_pull", f"pull:{channel.pk}", "scheduled")
    ]


def test_the_auth_key_is_nowhere_in_plain_text() -> None:
    channel_id = connect().channel_id
    update_channel(channel_id=channel_id, actor="user:ann", auth_key=KEY + "-2")
    rows = fetch("SELECT c::text FROM channels_channel c") + fetch("SELECT a::text FROM audit_auditentry a")
    assert all(KEY not in row[0] for row in rows)
    assert [entry.data.get("auth_key") for entry in AuditEntry.objects.order_by("id")] == [None, "changed"]
    assert Channel.objects.get().auth_key == KEY + "-2"


@pytest.mark.parametrize(
    "field, value",
    [
        ("code", ""), ("code", "My Shop"), ("code", "x" * 51), ("name", " "), ("auth_key", ""), ("base_url", "shop.example"),
        ("base_url", "ftp://shop.example"), ("base_url", "https://user:pw@shop.example"), ("base_url", "https://[::1"),
        ("base_url", "https://shop.example:x/"), ("base_url", "https://shop.example/#a"), ("base_url", "https://"),
        ("capabilities", ["order_pul"]), ("settle_on", "sometimes"), ("pull_every_seconds", 0),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidChannelError, match=f"^{field}: ") as caught:
        connect(**{field: value})
    assert caught.value.field == field
    assert "pw" not in str(caught.value)
    assert (Channel.objects.count(), Schedule.objects.exclude(queue__name="hub").count()) == (0, 0)


def test_a_code_is_taken_once() -> None:
    connect()
    with pytest.raises(InvalidChannelError, match="'shop' is taken"):
        connect()
    assert Channel.objects.count() == 1


def test_changes_reach_the_schedules_and_leave_the_rest() -> None:
    channel_id = connect(pull_every_seconds=3600).channel_id
    run_due_schedules()
    update_channel(
        channel_id=channel_id,
        actor="user:ann",
        pull_every_seconds=60,
        capabilities=["order_pull", "catalog_get_config"],
    )
    channel = Channel.objects.get()
    assert (channel.name, channel.auth_key, channel.pull_every_seconds) == ("Shop", KEY, 60)
    schedules = {s.kind: s for s in Schedule.objects.exclude(queue__name="hub")}
    assert schedules["catalog_get_config"].enabled
    assert schedules["order_pull"].every_seconds == 60
    assert fetch(
        "SELECT next_due_at <= now() + interval '60 s' FROM tasks_schedule WHERE kind = 'order_pull'"
    ) == [(True,)]
    assert AuditEntry.objects.filter(action="channel.update").count() == 1
    update_channel(channel_id=channel_id, actor="user:ann", pull_every_seconds=60)
    assert AuditEntry.objects.filter(action="channel.update").count() == 1
    with pytest.raises(InvalidChannelError):
        update_channel(channel_id=channel_id, actor="user:ann", base_url="nowhere")


def test_skus_are_listed_once_and_told() -> None:
    channel, other = make_channel(), make_channel("other")
    a, b = make_sku("A"), make_sku("B")
    new = list_skus_on_channel(channel_id=channel.pk, sku_ids=[a.pk, b.pk], actor="user:ann", buffer=2)
    assert set(Listing.objects.values_list("pk", "buffer", "push_state")) == {
        (pk, 2, "pending") for pk in new
    }
    assert list(Task.objects.order_by("id").values_list("kind", "lane", "subject_id")) == [
        ("catalog_push", f"catalog:{channel.pk}", a.product_id), ("catalog_push", f"catalog:{channel.pk}", b.product_id),
        ("inventory_push", f"inventory:{channel.pk}", new[0]), ("inventory_push", f"inventory:{channel.pk}", new[1]),
    ]  # fmt: skip
    assert list_skus_on_channel(channel_id=channel.pk, sku_ids=[a.pk], actor="user:ann") == []
    assert Task.objects.count() == 4
    assert not Task.objects.filter(queue_id=other.queue_id).exists()


def test_products_are_published_where_they_are_listed() -> None:
    channel, other, mute = make_channel(), make_channel("other"), make_channel("mute", capabilities=[])
    a = make_sku("A")
    for each in (channel, other, mute):
        Listing.objects.create(channel=each, sku=a, push_state="error", push_message="no")
    assert publish_catalog(product_ids=[a.product_id], channel_id=channel.pk) == 1
    states = dict(Listing.objects.values_list("channel__code", "push_state"))
    assert states == {"shop": "pending", "other": "error", "mute": "error"}
    assert publish_catalog(product_ids=[a.product_id]) == 2
    assert Task.objects.filter(kind="catalog_push").count() == 2


def test_pulls_out_of_turn() -> None:
    channel = make_channel()
    pull_now(channel_id=channel.pk)
    pull_now(channel_id=channel.pk)
    assert list(Task.objects.values_list("lane", "key")) == [(f"pull:{channel.pk}", "scheduled")]
    refnums = [f"r{n:03}" for n in range(101)]
    for _ in range(2):
        assert pull_specific_orders(channel_id=channel.pk, refnums=[*refnums, "r000"]) == 2
    payloads = [task.payload for task in Task.objects.exclude(key="scheduled").order_by("id")]
    assert payloads == [{"specific_orders": refnums[:100]}, {"specific_orders": refnums[100:]}]


def test_ship_codes_are_set_and_removed() -> None:
    channel = make_channel()
    for code in ("ups", "ups_new"):
        set_ship_code(channel_id=channel.pk, carrier_name="UPS", code=code, actor="user:ann")
    assert list(ShipCode.objects.values_list("carrier_name", "carrier_class_name", "code")) == [
        ("UPS", "", "ups_new")
    ]
    set_ship_code(channel_id=channel.pk, carrier_name="UPS", code="", actor="user:ann")
    assert not ShipCode.objects.exists()
