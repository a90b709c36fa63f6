"""Orders pulled again by a pasted list of their numbers, from the channel's page and from the page for many orders."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.urls import reverse

from retailops.hub.channels.models import Channel
from retailops.hub.orders.models import Order
from retailops.hub.tasks.models import Queue, Task
from tests.hub.channels.support import build_one, make_task, sent
from tests.hub.console.demo import Demo, LogIn


def asked_for() -> list[Task]:
    return list(Task.objects.filter(kind="order_pull", key__startswith="orders:").order_by("id"))


def paste(client: Client, channel_id: int, text: str) -> str:
    url = reverse("admin:channel_health", args=[channel_id])
    response = client.post(url, {"action": "pull_some", "refnums": text}, follow=True)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


@pytest.mark.parametrize("text", ["A-1\nB 2,A-1;\tC-3\r\n\n", " C-3 B 2 A-1 ", "A-1;B;2;C-3"])
def test_a_pasted_list_is_asked_for_once(log_in: LogIn, demo: Demo, text: str) -> None:
    page = paste(log_in("olivia"), demo.channel, text)
    assert "4 orders are asked for next, in 1 call; see what comes of it under Newest tasks" in page
    assert "order_pull by 4 numbers" in page
    (task,) = asked_for()
    assert task.payload == {"specific_orders": ["2", "A-1", "B", "C-3"]}
    assert task.lane == f"pull:{demo.channel}"
    channel = Channel.objects.get(pk=demo.channel)
    request = sent(build_one(make_task("order_pull", channel, payload=task.payload)))
    assert request["specific_orders"] == [{"channel_refnum": number} for number in ("2", "A-1", "B", "C-3")]
    assert request["page_token"] == ""


def test_a_long_list_is_split_into_calls(log_in: LogIn, demo: Demo) -> None:
    page = paste(log_in("olivia"), demo.channel, "\n".join(f"R-{n}" for n in range(2000)))
    assert "2,000 orders are asked for next, in 20 calls" in page
    asked = [task.payload["specific_orders"] for task in asked_for()]
    assert [len(numbers) for numbers in asked] == [100] * 20
    assert {number for numbers in asked for number in numbers} == {f"R-{n}" for n in range(2000)}


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "Give at least one order number."),
        (" ,;\n", "Give at least one order number."),
        (" ".join(f"R-{n}" for n in range(2001)), "2,001 numbers; give at most 2,000 at a time"),
        (
            "A-1 " + "x" * 256,
            "“xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…” has 256 characters; an order number has at most 255",
        ),
        ("A\0B", "Null characters are not allowed."),
    ],
    ids=["empty", "separators", "too many", "too long", "nul"],
)
def test_a_list_that_cannot_be_used_says_why_and_is_kept(
    log_in: LogIn, demo: Demo, text: str, problem: str
) -> None:
    page = paste(log_in("olivia"), demo.channel, text)
    assert problem in page
    assert asked_for() == []
    if text.strip(" ,;\n") and "\0" not in text:
        assert text[:1000] in page


def test_a_paused_channel_is_asked_when_it_is_resumed(log_in: LogIn, demo: Demo) -> None:
    Queue.objects.update(paused=True)
    assert "1 order is asked for when the channel is resumed" in paste(log_in("olivia"), demo.channel, "A-1")
    assert len(asked_for()) == 1


def test_who_may_and_what_can_be_asked(log_in: LogIn, demo: Demo) -> None:
    url = reverse("admin:channel_health", args=[demo.channel])
    assert log_in("victor").post(url, {"action": "pull_some", "refnums": "A"}).status_code == 403
    names = {panel.action.name for panel in log_in("olivia").get(url).context["panels"]}
    assert {"pull", "pull_some"} <= names
    Channel.objects.filter(pk=demo.channel).update(capabilities=["order_acknowledge"])
    names = {panel.action.name for panel in log_in("olivia").get(url).context["panels"]}
    assert not {"pull", "pull_some"} & names


def test_known_orders_of_several_channels_are_pulled_again(log_in: LogIn, demo: Demo) -> None:
    orders = list(Order.objects.filter(channel__code="market")[:2]) + list(
        Order.objects.filter(channel__code="shop")[:1]
    )
    data = {
        "numbers": " ".join(str(order.pk) for order in orders),
        "what": "pull",
        "reason": "they changed prices",
    }
    response = log_in("olivia").post(reverse("admin:bulk_orders"), data)
    assert [row[3] for row in response.context["table"].rows] == ["—"] * 3
    asked = {(task.queue.name, number) for task in asked_for() for number in task.payload["specific_orders"]}
    assert asked == {(f"channel:{order.channel.code}", order.channel_refnum) for order in orders}


def test_a_dry_run_takes_no_more_than_it_says(log_in: LogIn) -> None:
    numbers = "\n".join(str(n) for n in range(201))
    page = log_in("victor").post(reverse("admin:routing_dry_run"), {"numbers": numbers}).content.decode()
    assert "201 numbers; give at most 200 at a time" in page
