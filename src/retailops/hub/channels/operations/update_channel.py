"""Change how a channel is connected."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.audit.operations.record import record
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.connect_channel import keep_schedules
from retailops.hub.channels.rules import check_channel
from retailops.hub.db import unit_of_work

SECRET = "auth_key"  # noqa: S105 - the field's name


@unit_of_work
def update_channel(
    *,
    channel_id: int,
    actor: str,
    name: str | None = None,
    base_url: str | None = None,
    auth_key: str | None = None,
    capabilities: Collection[str] | None = None,
    settle_on: str | None = None,
    pull_every_seconds: int | None = None,
) -> None:
    """Change what is given, leave the rest. A queue that was paused stays so until it is resumed.

    Raises `InvalidChannelError`; then nothing is changed.
    """
    channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    given = {
        "name": name,
        "base_url": base_url,
        SECRET: auth_key,
        "capabilities": None if capabilities is None else sorted(set(capabilities)),
        "settle_on": settle_on,
        "pull_every_seconds": pull_every_seconds,
    }
    changes = {field: new for field, new in given.items() if new not in (None, getattr(channel, field))}
    for field, value in changes.items():
        setattr(channel, field, value)
    check_channel(
        code=channel.code, name=channel.name, base_url=channel.base_url, auth_key=channel.auth_key,
        capabilities=channel.capabilities, settle_on=channel.settle_on, pull_every_seconds=channel.pull_every_seconds,
    )  # fmt: skip
    if not changes:
        return
    channel.save(update_fields=list(changes))
    keep_schedules(channel)
    shown = {field: "changed" if field == SECRET else value for field, value in changes.items()}
    record(actor=actor, action="channel.update", subject=f"channel:{channel_id}", data=shown)
