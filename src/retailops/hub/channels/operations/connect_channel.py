"""Connect a sales channel, and change how it is connected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from retailops.hub.audit.operations.record import record
from retailops.hub.channels.models import Channel, ChannelCursor
from retailops.hub.channels.operations.pull_orders import ORDER_PULL, pull_lane
from retailops.hub.channels.rules import InvalidChannelError, check_channel
from retailops.hub.db import execute, unit_of_work
from retailops.hub.tasks.models import Queue, Schedule

CATALOG_GET_CONFIG = "catalog_get_config"
DAILY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class ConnectedChannel:
    """A channel and the queue of everything bound for it."""

    channel_id: int
    queue_id: int


@unit_of_work
def connect_channel(
    *,
    code: str,
    name: str,
    base_url: str,
    auth_key: str,
    capabilities: Collection[str],
    actor: str,
    settle_on: str = "ship",
    pull_every_seconds: int = 60,
) -> ConnectedChannel:
    """Create a channel with its queue, its cursor and the schedules of what it is asked for regularly.

    Raises `InvalidChannelError`.
    """
    check_channel(
        code=code, name=name, base_url=base_url, auth_key=auth_key, capabilities=capabilities, settle_on=settle_on,
        pull_every_seconds=pull_every_seconds,
    )  # fmt: skip
    queue, made = Queue.objects.get_or_create(name=f"channel:{code}")
    if not made:
        raise InvalidChannelError("code", f"{code!r} is taken; choose another")
    channel = Channel.objects.create(
        code=code,
        name=name,
        base_url=base_url,
        auth_key=auth_key,
        queue=queue,
        capabilities=sorted(set(capabilities)),
        settle_on=settle_on,
        pull_every_seconds=pull_every_seconds,
    )
    ChannelCursor.objects.create(channel=channel)
    keep_schedules(channel)
    data = {"code": code, "base_url": base_url, "capabilities": channel.capabilities}
    record(actor=actor, action="channel.connect", subject=f"channel:{channel.pk}", data=data)
    return ConnectedChannel(channel.pk, queue.pk)


def keep_schedules(channel: Channel) -> None:
    """Make the channel's schedules what its settings say; what it does not implement is not asked for."""
    for kind, lane, seconds in (
        (ORDER_PULL, pull_lane(channel.pk), channel.pull_every_seconds),
        (CATALOG_GET_CONFIG, f"config:{channel.pk}", DAILY),
    ):
        Schedule.objects.update_or_create(
            lane=lane,
            kind=kind,
            defaults={
                "queue_id": channel.queue_id,
                "every_seconds": seconds,
                "enabled": kind in channel.capabilities,
            },
        )
    # A shorter interval counts from now on, not only after the old one has run out.
    execute(
        """UPDATE tasks_schedule SET next_due_at = least(next_due_at, now() + make_interval(secs => every_seconds))
           WHERE queue_id = %s""",
        [channel.queue_id],
    )
