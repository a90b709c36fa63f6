"""What all interactions share: loading channels, the envelope and headers, from answers to settlements."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypedDict, TypeVar, cast

from django.conf import settings

from retailops.contract.base import ChannelInfo, Envelope, to_wire
from retailops.contract.interactions import INTERACTIONS, build_url
from retailops.contract.violations import Violation
from retailops.hub.channels.interactions.events import Result
from retailops.hub.channels.interactions.hear import Failure, hear, log_excerpt, summary
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.record_violations import record_violations
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.tasks.handlers import Answer, Built, Call, CallHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.rules import OutcomeClass

Page = TypeVar("Page")
Detail = TypeVar("Detail")


class EnvelopeFields(TypedDict):
    """What every request begins with."""

    integration_auth_token: str
    action: str
    version: int
    client_id: int
    channel_info: ChannelInfo


@dataclass(frozen=True, slots=True)
class Context(Generic[Detail]):
    """What a call was about: the channel, and what the interaction wants to know again when the answer is there."""

    channel: Channel
    detail: Detail


@dataclass(frozen=True, slots=True)
class Told(Generic[Page, Detail]):
    """A call and what came of it: a page that was read, or a failure."""

    tasks: Sequence[ClaimedTask]
    channel: Channel
    detail: Detail
    page: Page

    @property
    def actor(self) -> str:
        """Who is behind what the reply changes."""
        return f"channel:{self.channel.code}"


class Interaction(CallHandler, Generic[Page, Detail]):
    """One interaction of the contract. Tasks whose channel does not implement it are settled without a call."""

    moves_money: ClassVar[bool] = False
    blocks_lane: ClassVar[bool] = True

    @abstractmethod
    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """Build the calls of tasks; `channels` is queue id → channel. Reads only, in a constant number of statements.

        All tasks of one lane go into one call or are settled without any: a lane is let go as soon as any of its tasks
        is settled.
        """

    @abstractmethod
    def read(self, body: bytes) -> Page:
        """Read a reply's body. Raises `JsonError` and `ContractViolation`."""

    @abstractmethod
    def violations(self, page: Page) -> Sequence[Violation]:
        """The rules that the page broke although it could be read."""

    @abstractmethod
    def take(self, told: Sequence[Told[Page, Detail]]) -> Mapping[int, Result]:
        """Store what was answered and return task id → result. Statements don't grow with tasks."""

    def on_failure(self, failed: Told[Failure, Detail]) -> Failure:
        """Store what a failed call means, and judge it anew where this interaction knows better."""
        return failed.page

    def build(self, tasks: Sequence[ClaimedTask]) -> Built:
        """Load the channels and make the calls."""
        channels = {
            channel.queue_id: channel
            for channel in Channel.objects.select_related("feed_template").filter(
                queue_id__in={task.queue_id for task in tasks}
            )
        }
        able, settled = [], []
        for task in tasks:
            channel = channels.get(task.queue_id)
            if channel and self.kind in channel.capabilities:
                able.append(task)
            else:
                settled.append(self.nothing_to_tell(task, "the channel does not implement it"))
        built = self.make_calls(channels, able) if able else Built()
        return Built(built.calls, [*settled, *built.settled])

    def apply(self, answers: Sequence[Answer]) -> list[Settlement]:
        """Store effects of the replies, record broken rules, judge every task."""
        told: list[tuple[Answer, Told[Page, Detail]]] = []
        settlements: list[Settlement] = []
        broken: list[tuple[int, Sequence[Violation]]] = []
        for answer in answers:
            context = cast("Context[Detail]", answer.call.context)
            page = hear(answer, self.read)
            if isinstance(page, Failure):
                failure = self.on_failure(Told(answer.call.tasks, context.channel, context.detail, page))
                broken.append((context.channel.id, failure.violations))
                settlements.extend(self._failed(answer, failure))
            else:
                broken.append((context.channel.id, self.violations(page)))
                told.append((answer, Told(answer.call.tasks, context.channel, context.detail, page)))
        record_violations(interaction=self.kind, found=broken)
        results = self.take([each for _, each in told]) if told else {}
        for answer, _ in told:
            settlements.extend(self._told(answer, results))
        _log_refusals(settlements)
        return settlements

    def call(
        self,
        channel: Channel,
        tasks: Sequence[ClaimedTask],
        request: Envelope,
        detail: Detail,
        *,
        message_id: str | None = None,
    ) -> Call:
        """One POST. `message_id` is the same whenever the same message is sent again."""
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id or tasks[0].message_id,
            "webhook-timestamp": str(int(time.time())),
            "retailops-attempt": str(max(task.attempts for task in tasks)),
        }
        return Call(
            tasks=tasks,
            url=build_url(channel.base_url, self.kind),
            body=to_wire(request),
            headers=headers,
            context=Context(channel, detail),
        )

    def envelope(self, channel: Channel) -> EnvelopeFields:
        """What the request to a channel begins with."""
        return {
            "integration_auth_token": channel.auth_key,
            "action": self.kind,
            "version": INTERACTIONS[self.kind].version,
            "client_id": settings.RETAILOPS_CLIENT_ID,
            "channel_info": ChannelInfo(id=channel.id),
        }

    def nothing_to_tell(self, task: ClaimedTask, why: str) -> Settlement:
        """A task that is done without a call."""
        return Settlement(task, OutcomeClass.OK, why, blocks_lane=self.blocks_lane)

    def _failed(self, answer: Answer, failure: Failure) -> list[Settlement]:
        reply = answer.reply.body if answer.reply else b""
        logged = _Excerpts(log_excerpt(answer.call.body), log_excerpt(reply) if reply else "")
        result = Result(failure.outcome, failure.message)
        return [
            self._settle(task, result, failure.http_status, logged.of(position), failure.retry_after)
            for position, task in enumerate(answer.call.tasks)
        ]

    def _told(self, answer: Answer, results: Mapping[int, Result]) -> list[Settlement]:
        assert answer.reply is not None  # noqa: S101 - only replies are read
        body, reply = answer.call.body, answer.reply.body
        if all(results[task.id].outcome is OutcomeClass.OK for task in answer.call.tasks):
            logged = _Excerpts(summary(body), summary(reply))
        else:
            logged = _Excerpts(log_excerpt(body), log_excerpt(reply))
        return [
            self._settle(task, results[task.id], answer.reply.status, logged.of(position))
            for position, task in enumerate(answer.call.tasks)
        ]

    def _settle(
        self,
        task: ClaimedTask,
        result: Result,
        status: int | None,
        excerpts: tuple[str, str],
        retry_after: float | None = None,
    ) -> Settlement:
        return Settlement(
            task,
            result.outcome,
            result.message,
            http_status=status,
            request_excerpt=excerpts[0],
            response_excerpt=excerpts[1],
            retry_after=retry_after,
            moves_money=self.moves_money,
            blocks_lane=self.blocks_lane,
            again=result.again,
        )


@dataclass(frozen=True, slots=True)
class _Excerpts:
    """Request and response for the log of a call; kept once, with the first of its tasks."""

    request: str
    response: str

    def of(self, position: int) -> tuple[str, str]:
        return ("", "") if position else (self.request, self.response)


#: Handlers of different pages side by side.
AnyInteraction = Interaction[Any, Any]


def _log_refusals(settlements: Sequence[Settlement]) -> None:
    """What a channel refused is part of the order's history."""
    log_events(
        [
            (s.task.order_id, "refused_by_channel", {"interaction": s.task.kind, "message": s.message})
            for s in settlements
            if s.task.order_id and s.outcome in (OutcomeClass.REFUSED, OutcomeClass.OK_WITH_ERRORS)
        ],
        actor="system",
    )
