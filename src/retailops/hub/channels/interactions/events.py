"""What the events of a reply say about the things that were told. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from retailops.contract.events import Event
from retailops.hub.tasks.rules import OutcomeClass

LONGEST_MESSAGE = 1000

#: (identifier_type, identifier), as in ("sku_number", "A-1").
Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one task that was told. `again` asks for another run at once."""

    outcome: OutcomeClass = OutcomeClass.OK
    message: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Errors:
    """Error events: of things that were told by their identity, and those that name none of them."""

    of: dict[Identity, str] = field(default_factory=dict)
    rest: str = ""

    def about(self, *identities: Identity) -> str:
        """The errors about something that goes by any of these identities; empty: none."""
        return _joined([self.of[identity] for identity in identities if identity in self.of])


def judge(events: Sequence[Event], *, failed: bool = False) -> Result:
    """Judge a reply about a single thing: an error event, or `failed`, means that the channel refused it."""
    errors = [describe(event) for event in events if event.event_type == "error"]
    if errors or failed:
        return Result(
            OutcomeClass.REFUSED, _joined(errors) or "the channel answered status fail and no reason"
        )
    return Result(message=_joined([describe(event) for event in events]))


def find_errors(events: Sequence[Event], known: Collection[Identity]) -> Errors:
    """Attribute error events to those of the `known` identities that they are associated with."""
    of: dict[Identity, str] = {}
    rest: list[str] = []
    for event in events:
        if event.event_type != "error":
            continue
        named = [(a.identifier_type or "", a.identifier or "") for a in event.associations or []]
        ours = [identity for identity in named if identity in known]
        if not ours:
            rest.append(describe(event))
        for identity in ours:
            of[identity] = _joined([*filter(None, [of.get(identity)]), describe(event)])
    return Errors(of, _joined(rest))


def describe(event: Event) -> str:
    """An event in one line."""
    text = ": ".join(part for part in (event.code, event.message) if part)
    return text or f"an event of type {event.event_type or 'unknown'} without code and message"


def _joined(texts: Sequence[str]) -> str:
    return "; ".join(texts)[:LONGEST_MESSAGE]
