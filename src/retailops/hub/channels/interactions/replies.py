"""Interactions whose reply is one object of the contract, and among them those that tell of one thing a call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from retailops.contract.base import Envelope, WireModel
from retailops.contract.replies import Reply, read_reply
from retailops.contract.violations import ContractViolation, Violation
from retailops.hub.channels.interactions.base import Detail, Interaction, Told
from retailops.hub.channels.interactions.events import Result, judge
from retailops.hub.channels.models import Channel
from retailops.hub.tasks.handlers import Built
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask

Response = TypeVar("Response", bound=WireModel)


class ReplyInteraction(Interaction[Reply[Response], Detail], Generic[Response, Detail]):
    """An interaction whose reply is read leniently: what is wrong in parts is left out and named."""

    response: type[Response]
    #: Fields of the reply that tell the hub something it can't do without.
    kept: ClassVar[frozenset[str]] = frozenset()

    def read(self, body: bytes) -> Reply[Response]:
        """Read the reply; its model is `response`. Where money moves, what can't be used may be the money: ask again."""
        reply = read_reply(self.response, body)
        lost = [each for each in reply.unusable if self.moves_money or each.path.startswith(tuple(self.kept))]
        if lost:
            raise ContractViolation(lost)
        return reply

    def violations(self, page: Reply[Response]) -> Sequence[Violation]:
        """What the reader left out or took amiss."""
        return page.violations


class SubjectInteraction(ReplyInteraction[Response, None], Generic[Response]):
    """Tells of one thing a call: the order, package, return or transaction that the task is about."""

    gone: ClassVar[str] = "there is nothing left to tell"

    @abstractmethod
    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, Envelope]:
        """Return task id → request; tasks left out have nothing to tell. Statements don't grow with tasks."""

    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """One call for each task that has something to tell."""
        requests = self.requests(channels, tasks)
        return Built(
            calls=[
                self.call(channels[task.queue_id], [task], requests[task.id], None)
                for task in tasks
                if task.id in requests
            ],
            settled=[self.nothing_to_tell(task, self.gone) for task in tasks if task.id not in requests],
        )

    def take(self, told: Sequence[Told[Reply[Response], None]]) -> Mapping[int, Result]:
        """Judge each reply: refused if it has an error event or says so."""
        return {each.tasks[0].id: judge(each.page.events, failed=each.page.status == "fail") for each in told}


def subject_of(task: ClaimedTask) -> int:
    """What the task is about; 0, which nothing is called, if it doesn't say."""
    return task.subject_id or 0
