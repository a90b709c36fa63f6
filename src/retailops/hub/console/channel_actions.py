"""What an operator or administrator does to a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import CharField

from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.pull_orders import ORDER_PULL, pull_now, pull_specific_orders
from retailops.hub.console.connection_test import test_connection
from retailops.hub.console.order_numbers import OrderNumbersField
from retailops.hub.console.pages import Action, ConsoleForm
from retailops.hub.tasks.models import Task
from retailops.hub.tasks.operations.replay_tasks import pause_queue, replay_tasks, resume_queue

OPERATE = "tasks.change_queue"
PULL = "orders.change_order"
Data = Mapping[str, Any]


class ReasonForm(ConsoleForm):
    """Asks why."""

    reason = CharField(max_length=300)


class RefnumsForm(ConsoleForm):
    """Which orders."""

    refnums = OrderNumbersField(label="Order numbers", help_text="As the channel has them.")


def channel_actions(channel: Channel) -> list[Action]:
    """Test, pull, pause or resume, replay."""
    actions = [
        Action(
            "test", "Test connection", OPERATE, ConsoleForm, lambda _d, _a: test_connection(channel), "Test",
            "network_check", "Calls the channel once, and changes nothing.",
        ),
        *(_pulls(channel) if ORDER_PULL in channel.capabilities else ()),
    ]  # fmt: skip
    if channel.queue.paused or channel.queue.not_before:
        actions.append(
            Action(
                "resume",
                "Resume",
                OPERATE,
                ConsoleForm,
                lambda _d, a: _resume(channel, a),
                "Go on at once",
                "play_arrow",
            )
        )
    if not channel.queue.paused:
        actions.append(
            Action(
                "pause", "Pause", OPERATE, ReasonForm, lambda d, a: _pause(channel, d, a), "Pause", "pause",
                "Nothing is told to the channel until it is resumed. Work piles up, nothing is lost.", danger=True,
            )
        )  # fmt: skip
    return [*actions, *_replay(channel)]


def _pulls(channel: Channel) -> list[Action]:
    return [
        Action(
            "pull", "Pull orders now", PULL, ConsoleForm, lambda _d, _a: _pull(channel), "Pull", "download",
            "Asks for what is new, without waiting for the schedule.",
        ),
        Action(
            "pull_some", "Pull a list of orders", PULL, RefnumsForm, lambda d, _a: _pull_some(channel, d), "Pull these",
            "playlist_add_check",
            "Asks for these, new or known. What changed at the channel is taken over; an order in work is put on hold then.",
        ),
    ]  # fmt: skip


def _pull(channel: Channel) -> str:
    pull_now(channel_id=channel.pk)
    return "the pull is queued"


def _pull_some(channel: Channel, data: Data) -> str:
    refnums = data["refnums"]
    calls = pull_specific_orders(channel_id=channel.pk, refnums=refnums)
    when = "when the channel is resumed" if channel.queue.paused else "next"
    orders = "1 order is" if len(refnums) == 1 else f"{len(refnums):,} orders are"
    return f"{orders} asked for {when}, in {calls} call{'' if calls == 1 else 's'}; see what comes of it under Newest tasks"


def _resume(channel: Channel, actor: str) -> str:
    resume_queue(queue_id=channel.queue_id, actor=actor)
    return "resumed"


def _pause(channel: Channel, data: Data, actor: str) -> str:
    pause_queue(queue_id=channel.queue_id, reason=data["reason"], actor=actor)
    return "paused"


def _replay(channel: Channel) -> list[Action]:
    parked = list(
        Task.objects.filter(queue_id=channel.queue_id, state=Task.State.PARKED)
        .order_by("id")
        .values_list("id", flat=True)
    )

    def run(_data: Data, actor: str) -> str:
        return f"{replay_tasks(task_ids=parked, actor=actor)} tasks queued again"

    replay = Action(
        "replay",
        f"Replay all {len(parked):,} parked",
        "tasks.change_task",
        ConsoleForm,
        run,
        "Replay all",
        "replay",
    )
    return [replay] if parked else []
