"""Ask for a channel's orders out of turn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from retailops.hub.channels.models import Channel
from retailops.hub.db import unit_of_work
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

ORDER_PULL = "order_pull"
#: How many orders are asked for in one call: what a page holds.
AT_ONCE = 100


@unit_of_work
def pull_now(*, channel_id: int) -> None:
    """Queue the pull that the schedule would queue. One that waits already stands for it."""
    channel = Channel.objects.only("id", "queue_id").get(pk=channel_id)
    enqueue_tasks([NewTask(channel.queue_id, pull_lane(channel_id), ORDER_PULL, "scheduled")])


@unit_of_work
def pull_specific_orders(*, channel_id: int, refnums: Sequence[str]) -> int:
    """Queue the fetching of single orders by the channel's refnums; return the number of calls this takes."""
    channel = Channel.objects.only("id", "queue_id").get(pk=channel_id)
    unique = sorted(set(refnums))
    chunks = [unique[start : start + AT_ONCE] for start in range(0, len(unique), AT_ONCE)]
    enqueue_tasks(
        [
            NewTask(
                channel.queue_id, pull_lane(channel_id), ORDER_PULL, f"orders:{_name(chunk)}",
                payload={"specific_orders": chunk},
            )
            for chunk in chunks
        ]
    )  # fmt: skip
    return len(chunks)


def pull_lane(channel_id: int) -> str:
    """The lane in which a channel's pulls run one after the other."""
    return f"pull:{channel_id}"


def _name(refnums: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(refnums).encode()).hexdigest()[:32]
