"""What an action is, and the list of them.

One entry per action and version; routing, validation, documentation and clients are made from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from retailops.contract.strict_json import JsonValue
from retailops.hub.api.errors import CALL_STATUS, ApiError, Problem
from retailops.hub.api.params import MAX_PROBLEMS, MAX_RECORDS, Params, Records, unknown_fields, validate
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.replies import Notice, Outcome, Reply, reply_to_batch, shallow

P = TypeVar("P", bound=Params)
B = TypeVar("B", bound=Records)

Body = dict[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class Action(ABC):
    """One action in one version. `answer` is a dataclass: the whole answer's fields, or those of a record of it."""

    name: str
    scope: Scope
    answer: type
    example: Mapping[str, object]
    version: int = 1

    @abstractmethod
    def run(self, principal: Principal, body: Body) -> Reply:
        """Carry the action out. Raises `ApiError` when the call as a whole is refused."""


@dataclass(frozen=True, kw_only=True)
class Query(Action, Generic[P]):
    """An action that answers one question: `handler` returns an instance of `answer`."""

    request: type[P]
    handler: Callable[[Principal, P], object]

    def run(self, principal: Principal, body: Body) -> Reply:
        """Validate the parameters and ask."""
        params = validate(self.request, body)
        warnings = _unknown(params, principal)
        content = shallow(self.handler(principal, params))
        return Reply(content | {"warnings": warnings} if warnings else content)


@dataclass(frozen=True, kw_only=True)
class Batch(Action, Generic[P]):
    """An action on up to 1000 records, each of which succeeds or fails by itself.

    `handler` gets the valid records and returns one outcome for each, in their order. `bare`: a body without `records`
    is the one record itself.
    """

    record: type[P]
    handler: Callable[[Principal, Sequence[P]], Sequence[Outcome]]
    bare: bool = False
    only_bare: bool = False

    def run(self, principal: Principal, body: Body) -> Reply:
        """Validate each record and hand the good ones over together."""
        if self.only_bare or (self.bare and "records" not in body):
            return self._run_bare(principal, body)
        params = validate(Records, body)
        if len(params.records) > MAX_RECORDS:
            message = (
                f"records has {len(params.records)} entries; at most {MAX_RECORDS} go into one call: split it"
            )
            raise ApiError("TOO_MANY_RECORDS", message, "records")
        warnings = _unknown(params, principal)
        if not params.records:
            warnings.append(Notice("NO_CHANGE", "records is empty; nothing was done"))
        outcomes = self._outcomes(principal, params.records)
        return reply_to_batch(outcomes, warnings, detailed=params.with_detailed_response)

    def _run_bare(self, principal: Principal, body: Body) -> Reply:
        outcomes = self._outcomes(principal, [body])
        # The one record is the call: what is wrong with its form is wrong with the call.
        problems = outcomes[0].problems
        if problems and problems[0].code in CALL_STATUS:
            raise ApiError.of(problems)
        return reply_to_batch(outcomes, (), detailed=True)

    def _outcomes(self, principal: Principal, values: Sequence[object]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        valid: list[P] = []
        notices: list[list[Notice]] = []
        for index, value in enumerate(values):
            try:
                record = validate(self.record, value)
                notices.append(_unknown(record, principal))
                valid.append(record)
            except ApiError as error:
                outcomes[index] = Outcome(problems=error.problems)
        done = self.handler(principal, valid) if valid else ()
        for outcome, warnings in zip(done, notices, strict=True):
            outcome.warnings.extend(warnings)
        rest = iter(done)
        return [outcomes[index] if index in outcomes else next(rest) for index in range(len(values))]


def _unknown(params: Params, principal: Principal) -> list[Notice]:
    """Report fields the action doesn't know; raises `ApiError` UNKNOWN_FIELD where the key wants that."""
    names = []
    for name in unknown_fields(params):
        names.append(name)
        if len(names) == MAX_PROBLEMS:
            break
    if names and principal.refuse_unknown_fields:
        problems = [
            Problem("UNKNOWN_FIELD", f"{name} is not known to this action; leave it out", name)
            for name in names
        ]
        raise ApiError.of(problems)
    return [Notice("UNKNOWN_FIELD", f"{name} is not known to this action and was ignored") for name in names]


class Registry:
    """Actions by name and version, whatever the case of the name."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._versions: dict[str, dict[int, Action]] = {}
        for action in actions:
            versions = self._versions.setdefault(action.name.lower(), {})
            if action.version in versions:
                raise ValueError(f"{action.name} version {action.version} is registered twice")
            versions[action.version] = action

    def __iter__(self) -> Iterator[Action]:
        """Yield every action in every version."""
        for versions in self._versions.values():
            yield from versions.values()

    def find(self, name: str, version: int) -> Action:
        """Return the action. Raises `ApiError` UNKNOWN_ACTION, or UNKNOWN_ACTION_VERSION naming the versions there are."""
        versions = self._versions.get(name.lower())
        if versions is None:
            raise ApiError("UNKNOWN_ACTION", f"there is no action {name}")
        if version not in versions:
            known = ", ".join(f"~{number}" for number in sorted(versions))
            raise ApiError("UNKNOWN_ACTION_VERSION", f"{name} has no version {version}; it has {known}")
        return versions[version]
