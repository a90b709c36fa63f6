"""order_pull: fetch the channel's orders, page by page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retailops.contract.base import ACCEPTING
from retailops.contract.pull import OrderPullRequest
from retailops.contract.pull_page import PullPage, parse_pull_page
from retailops.contract.violations import Violation
from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.channels.interactions.base import Interaction, Told
from retailops.hub.channels.interactions.catalog_get_config import repeat_later
from retailops.hub.channels.interactions.events import Result
from retailops.hub.channels.interactions.hear import Failure
from retailops.hub.channels.models import Channel, ChannelCursor
from retailops.hub.channels.operations.move_cursor import EndlessWalkError, move_cursor, reset_cursor
from retailops.hub.channels.operations.record_violations import record_violations
from retailops.hub.channels.operations.take_page import TakenPage, take_page
from retailops.hub.orders.operations.import_orders import ORDER_ACKNOWLEDGE, ChannelRef
from retailops.hub.tasks.handlers import Built, Call
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass

#: How many rejected orders a task's message names.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page was asked for; for specific orders there is no cursor to move."""

    token: str
    specific: bool


class OrderPull(Interaction[PullPage, Asked]):
    """One page a call. The cursor moves in the transaction that stores the page, so no page is skipped or lost."""

    kind = "order_pull"
    blocks_lane = False

    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """Ask for the page that the cursor points at, or for specific orders."""
        tokens = dict(
            ChannelCursor.objects.filter(channel__in=channels.values()).values_list(
                "channel_id", "page_token"
            )
        )
        return Built([self._call(channels[task.queue_id], task, tokens) for task in tasks])

    def read(self, body: bytes) -> PullPage:
        """Read the page; orders that can't be read are in it as rejected."""
        return parse_pull_page(body)

    def violations(self, page: PullPage) -> Sequence[Violation]:
        """The rules that the page and its orders broke."""
        return [*page.violations, *(each for order in page.rejected for each in order.violations)]

    def take(self, told: Sequence[Told[PullPage, Asked]]) -> Mapping[int, Result]:
        """Store the pages, move the cursors."""
        results: dict[int, Result] = {}
        touched: dict[int, set[int]] = {}
        for each in told:
            taken = take_page(
                channel=_channel_ref(each.channel),
                orders=each.page.orders,
                unreadable=each.page.rejected,
                actor=each.actor,
            )
            touched.setdefault(each.channel.id, set()).update(taken.touched_skus)
            results[each.tasks[0].id] = self._go_on(each, taken)
        # Last: it locks inventory lanes until the commit. A channel that acknowledges is told after that (decision 3).
        for each in told:
            own = each.channel.id if ORDER_ACKNOWLEDGE in each.channel.capabilities else None
            publish_inventory(sku_ids=touched.pop(each.channel.id, ()), except_channel=own)
        return results

    def on_failure(self, failed: Told[Failure, Asked]) -> Failure:
        """A page token that the channel refuses ends the walk; the next one starts from the beginning."""
        failure = failed.page
        if failure.outcome is OutcomeClass.PERMANENT and failed.detail.token:
            reset_cursor(channel_id=failed.channel.id)
            message = f"{failure.message} for a page token; the next pull starts from the beginning"
            return failure.judged(OutcomeClass.REFUSED, message)
        return failure if failed.detail.specific else repeat_later(failure)

    def _go_on(self, told: Told[PullPage, Asked], taken: TakenPage) -> Result:
        outcome = OutcomeClass.OK_WITH_ERRORS if taken.rejected else OutcomeClass.OK
        message = _message(taken)
        if told.detail.specific:
            return Result(outcome, message)
        following = told.page.next_page_token
        try:
            move_cursor(channel_id=told.channel.id, sent=told.detail.token, following=following)
        except EndlessWalkError as error:
            found = Violation("next_page_token", f"{error}; the walk was ended")
            record_violations(interaction=self.kind, found=[(told.channel.id, [found])])
            return Result(
                OutcomeClass.OK_WITH_ERRORS, f"{message}; next_page_token {error}; the walk was ended"
            )
        return Result(outcome, message, again=bool(following))

    def _call(self, channel: Channel, task: ClaimedTask, tokens: Mapping[int, str]) -> Call:
        specific = task.payload.get("specific_orders")
        token = "" if specific else tokens.get(channel.id, "")
        fields: dict[str, object] = {**self.envelope(channel), "page_token": token}
        if isinstance(specific, list):
            fields["specific_orders"] = [{"channel_refnum": refnum} for refnum in specific]
        # A token longer than the contract allows is the channel's own, and goes back to it as it came.
        request = OrderPullRequest.model_validate(fields, context=ACCEPTING)
        # Each page is a message of its own, although one task walks through them all.
        name = hashlib.sha256(token.encode()).hexdigest()[:16]
        return self.call(
            channel, [task], request, Asked(token, bool(specific)), message_id=f"task_{task.id}_{name}"
        )


def _channel_ref(channel: Channel) -> ChannelRef:
    return ChannelRef(channel.id, channel.queue_id, ORDER_ACKNOWLEDGE in channel.capabilities)


def _message(taken: TakenPage) -> str:
    text = f"{len(taken.imported)} orders"
    if taken.rejected:
        named = "; ".join(
            f"{refnum or '(no refnum)'}: {reason}"
            for refnum, reason in sorted(taken.rejected.items())[:NAMED]
        )
        text += f", {len(taken.rejected)} rejected: {named}"
    return text[:1000]
