"""catalog_get_config: how the channel wants its catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.contract.catalog import CatalogGetConfigRequest, CatalogGetConfigResponse
from retailops.contract.replies import Reply
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Result
from retailops.hub.channels.interactions.hear import Failure
from retailops.hub.channels.interactions.replies import ReplyInteraction
from retailops.hub.channels.models import Channel
from retailops.hub.db import execute
from retailops.hub.tasks.handlers import Built
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass


class CatalogGetConfig(ReplyInteraction[CatalogGetConfigResponse, None]):
    """Asked when a channel is connected, and daily."""

    kind = "catalog_get_config"
    response = CatalogGetConfigResponse
    blocks_lane = False

    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """Nothing but the envelope."""
        return Built(
            [
                self.call(
                    channels[t.queue_id],
                    [t],
                    CatalogGetConfigRequest(**self.envelope(channels[t.queue_id])),
                    None,
                )
                for t in tasks
            ]
        )

    def take(self, told: Sequence[Told[Reply[CatalogGetConfigResponse], None]]) -> Mapping[int, Result]:
        """Store the answer; a channel that doesn't say is told of changed SKUs alone."""
        for each in told:
            execute(
                "UPDATE channels_channel SET sku_fanout = %s WHERE id = %s",
                [each.page.payload.sku_fanout or "no_fanout", each.channel.id],
            )
        return {each.tasks[0].id: Result() for each in told}

    def on_failure(self, failed: Told[Failure, None]) -> Failure:
        """It is asked again by schedule: no parked task for each day that it was refused."""
        return repeat_later(failed.page)


def repeat_later(failure: Failure) -> Failure:
    """Let the same task go on trying where a new one would come by schedule anyway."""
    if failure.outcome is OutcomeClass.PERMANENT:
        return failure.judged(OutcomeClass.RETRYABLE, failure.message)
    return failure
