"""Reading a channel's answers: what can be understood is kept, what cannot is named."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import ValidationError

from retailops.contract.base import ACCEPTING, WireModel
from retailops.contract.events import Event, EventsResponse
from retailops.contract.interactions import INTERACTIONS
from retailops.contract.order import OrderCancelResponse, OrderCompleteResponse, Outcome
from retailops.contract.strict_json import JsonValue, parse
from retailops.contract.violations import (
    MAX_ENTRIES,
    ContractViolation,
    Location,
    Violation,
    excerpt,
    from_error,
    unknown_fields,
)

Response = TypeVar("Response", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Reply(Generic[Response]):
    """`payload` is the whole answer, `status` the outcome of a cancel or complete where one was given.

    `unusable` are those violations because of which parts had to be left out.
    """

    payload: Response
    events: list[Event]
    status: Outcome | None
    violations: list[Violation] = field(default_factory=list)
    unusable: list[Violation] = field(default_factory=list)


def parse_reply(interaction_name: str, body: bytes) -> Reply[WireModel]:
    """As `read_reply`, by name. Raises KeyError for an unknown interaction."""
    return read_reply(INTERACTIONS[interaction_name].response, body)


def read_reply(response: type[Response], body: bytes) -> Reply[Response]:
    """Raises JsonError for what is not JSON and ContractViolation for what is not an object."""
    raw = parse(body)
    if not isinstance(raw, dict):
        raise ContractViolation([Violation("", "must be an object", excerpt(raw))])
    violations: list[Violation] = []
    if _is_lone_event(response, raw):
        violations.append(Violation("", "is a single event; send it in the array events"))
        raw = {"events": [raw]}
    for name, value in raw.items():
        if isinstance(value, list) and len(value) > MAX_ENTRIES:
            violations.append(
                Violation(name, f"has {len(value)} entries; only the first {MAX_ENTRIES} were read")
            )
            raw = raw | {name: value[:MAX_ENTRIES]}
    payload, unusable = _understand(response, raw, violations)
    violations += unknown_fields(response, raw)
    events = payload.events if isinstance(payload, EventsResponse) else None
    status = payload.status if isinstance(payload, OrderCancelResponse | OrderCompleteResponse) else None
    return Reply(payload, events or [], status, violations, unusable)


def _is_lone_event(response: type[WireModel], raw: dict[str, JsonValue]) -> bool:
    """A widespread channel module answers with one event in place of an object that holds events."""
    return issubclass(response, EventsResponse) and "events" not in raw and "event_type" in raw


def _understand(
    response: type[Response], raw: dict[str, JsonValue], violations: list[Violation]
) -> tuple[Response, list[Violation]]:
    """The model of what can be used, and what can't; adds every deviation to `violations`."""
    try:
        return response.model_validate(raw), []
    except ValidationError as error:
        violations += [violation for _, violation in from_error(error)]
    try:
        return response.model_validate(raw, context=ACCEPTING), []
    except ValidationError as error:
        problems = from_error(error)
    usable = _without(raw, [location for location, _ in problems])
    return response.model_validate(usable, context=ACCEPTING), [violation for _, violation in problems]


def _without(raw: dict[str, JsonValue], locations: list[Location]) -> dict[str, JsonValue]:
    """Leaves out the array entries, and where it is no array the top-level fields, that hold a location."""
    entries = {location[:2] for location in locations if len(location) > 1 and isinstance(location[1], int)}
    fields = {location[0] for location in locations if location[:2] not in entries}
    usable: dict[str, JsonValue] = {}
    for name, value in raw.items():
        if name in fields:
            continue
        if isinstance(value, list):
            usable[name] = [each for index, each in enumerate(value) if (name, index) not in entries]
        else:
            usable[name] = value
    return usable
