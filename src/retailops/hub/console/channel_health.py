"""What the page of a channel shows: its queue, its pulls, and what it got wrong."""

from __future__ import annotations

from retailops.hub.channels.models import Channel, ContractViolation, RejectedOrder
from retailops.hub.console import formats
from retailops.hub.console.admin_base import Card, record_url
from retailops.hub.console.pages import Table, columns
from retailops.hub.console.queries import ChannelState
from retailops.hub.tasks.models import Task


def health_cards(channel: Channel, state: ChannelState) -> list[Card]:
    """Connection, queue and pulls."""
    queue = channel.queue
    cursor = getattr(channel, "channelcursor", None)
    settings = formats.link(record_url("channels_channel", channel.pk), "Change settings")
    return [
        (
            "Connection",
            [("Address", channel.base_url), ("Settings", settings), ("Paused", queue.pause_reason if queue.paused else "no"),
             ("Waits until", formats.moment(queue.not_before)), ("Failures in a row", formats.quantity(queue.failures_in_row))],
        ),
        (
            "Queue",
            [("Queued", formats.quantity(state.queued)), ("Oldest", formats.duration(state.oldest_queued_seconds)),
             ("Parked", formats.quantity(state.parked))],
        ),
        (
            "Order pull",
            [("Every", formats.duration(channel.pull_every_seconds)),
             ("Last complete", formats.moment(cursor.walk_finished_at if cursor else None)),
             ("In the middle of a walk", "yes" if cursor and cursor.page_token else "no")],
        ),
    ]  # fmt: skip


def tasks_table(channel: Channel) -> Table:
    """The newest tasks."""
    tasks = Task.objects.filter(queue_id=channel.queue_id).order_by("-id")[:20]
    return Table(
        "Newest tasks",
        columns("Task", "What", "State", "#Attempts", "Message", "Created"),
        [
            (
                formats.link(record_url("tasks_task", task.pk), task.pk), _what(task), formats.chip(task.outcome or task.state),
                task.attempts, task.message[:120] or formats.EMPTY, formats.moment(task.created_at),
            )
            for task in tasks
        ],
        "Nothing was told to this channel yet.",
    )  # fmt: skip


def _what(task: Task) -> str:
    """The kind of task; of a pull by list, how long the list was."""
    numbers = task.payload.get("specific_orders")
    return f"{task.kind} by {len(numbers)} numbers" if numbers else str(task.kind)


def violations_table(channel: Channel) -> Table:
    """Rules of the contract that its replies broke."""
    return Table(
        "Broken rules of the contract",
        columns("Interaction", "Where", "What", "#Times", "Last seen"),
        [
            (
                row.interaction,
                row.path or "the reply",
                row.message,
                row.count,
                formats.moment(row.last_seen_at),
            )
            for row in ContractViolation.objects.filter(channel=channel).order_by("-last_seen_at")[:50]
        ],
        "Its replies keep to the contract.",
    )


def rejected_table(channel: Channel) -> Table:
    """Orders that could not be imported."""
    waiting = RejectedOrder.objects.filter(channel=channel, imported_at__isnull=True)
    return Table(
        "Orders that could not be imported",
        columns("Order", "Why", "#Times", "Last offered"),
        [
            (row.channel_refnum, row.reason, row.count, formats.moment(row.last_seen_at))
            for row in waiting.order_by("-last_seen_at")[:50]
        ],
        "Every order it offered came in.",
    )
