"""What the worker needs to know of a kind of task: how to make its call, and how to take the answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.outbound.aiohttp_client import Reply
from retailops.outbound.errors import OutboundError


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that tells of one or several tasks. `context` is the handler's own, for `apply`."""

    tasks: Sequence[ClaimedTask]
    url: str
    body: bytes
    headers: dict[str, str]
    context: object = None
    request_excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a reply, or the error that stood in its place."""

    call: Call
    reply: Reply | None = None
    error: OutboundError | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """Calls to make, and tasks that need none (there is nothing left to tell)."""

    calls: Sequence[Call] = ()
    settled: Sequence[Settlement] = field(default_factory=tuple)


class Handler(ABC):
    """A kind of task. `batch` tasks may be taken from the head of one lane, `across_lanes` of several lanes joined in one call.

    `blocks_lane`: what follows a parked task of this kind in its lane must not overtake it. `moves_money`: only few
    attempts with an unknown effect are made.
    """

    kind: ClassVar[str]
    batch: ClassVar[int] = 1
    across_lanes: ClassVar[int] = 1
    blocks_lane: ClassVar[bool] = True
    moves_money: ClassVar[bool] = False


class CallHandler(Handler):
    """A kind that is told over HTTP."""

    @abstractmethod
    def build(self, tasks: Sequence[ClaimedTask]) -> Built:
        """Read what must be told, now, and make the calls. Reads only; statements don't grow with tasks."""

    @abstractmethod
    def apply(self, answers: Sequence[Answer]) -> list[Settlement]:
        """Store what the other side answered, in the transaction that settles the tasks; one settlement a task."""


class JobHandler(Handler):
    """A kind that the hub runs by itself, on the state it finds: a parked turn must not stop later ones."""

    blocks_lane: ClassVar[bool] = False

    @abstractmethod
    def run(self, task: ClaimedTask) -> Settlement:
        """Do the work in transactions of its own. What it raises is retried, then parked."""
