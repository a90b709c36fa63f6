"""Deviations from the contract: what they are, and how a validation error becomes a list of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, get_args, get_origin

from pydantic import ValidationError

from retailops.contract.base import WireModel
from retailops.contract.strict_json import JsonValue, dump

MAX_EXCERPT: Final = 200
MAX_ENTRIES: Final = 1000  # of one array at the top of an answer: ten times a page of orders
MAX_UNKNOWN_FIELDS: Final = 50

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """`path` as in orders[3].order_items[0].quantity; `value` is an excerpt, "" where nothing was sent.

    The excerpt may hold personal data: treat it like the body it came from.
    """

    path: str
    message: str
    value: str = ""


class ContractViolation(ValueError):  # noqa: N818 - the contract's own term
    """An answer that cannot be used at all; `violations` say why."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = list(violations)
        super().__init__("; ".join(f"{each.path or 'body'}: {each.message}" for each in violations))


def excerpt(value: JsonValue) -> str:
    """The value as JSON, a string without its quotes, in at most 200 characters."""
    text = value if isinstance(value, str) else dump(value).decode()
    return text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…"


def path_of(location: Iterable[int | str]) -> str:
    """The location as in orders[3].order_items[0].quantity."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def from_error(error: ValidationError, prefix: Location = ()) -> list[tuple[Location, Violation]]:
    """Each problem with its location inside the validated value; paths begin with `prefix`."""
    found: list[tuple[Location, Violation]] = []
    for problem in error.errors(include_url=False, include_context=False):
        missing = problem["type"] == "missing"
        value = "" if missing else excerpt(problem["input"])
        message = "is required and missing" if missing else _message(problem["msg"])
        found.append((problem["loc"], Violation(path_of((*prefix, *problem["loc"])), message, value)))
    return found


def _message(text: str) -> str:
    text = text.removeprefix("Value error, ").removeprefix("Input ")
    return "must be an exact JSON number" if "instance of Decimal" in text else text


def unknown_fields(model: type[WireModel], value: object) -> list[Violation]:
    """Fields the contract does not know, which are ignored: one entry for each kind of place."""
    counts: dict[str, int] = {}
    _count_unknown(model, value, "", counts)
    return [
        Violation(path, f"is not in the contract; ignored ({seen} times)") for path, seen in counts.items()
    ]


def _count_unknown(model: type[WireModel], value: object, path: str, counts: dict[str, int]) -> None:
    if not isinstance(value, Mapping):
        return
    members = _members(model)
    for name, member in value.items():
        place = f"{path}.{name}" if path else str(name)
        if name not in members:
            if place in counts or len(counts) < MAX_UNKNOWN_FIELDS:
                counts[place] = counts.get(place, 0) + 1
            continue
        child, many = members[name]
        if child is None:
            continue
        if not many:
            _count_unknown(child, member, place, counts)
        elif isinstance(member, list):
            for each in member:
                _count_unknown(child, each, place + "[]", counts)


@cache
def _members(model: type[WireModel]) -> dict[str, tuple[type[WireModel] | None, bool]]:
    """By wire name: the model of the objects inside the field, if any, and whether it is an array."""
    fields = model.model_fields.items()
    return {
        str(info.validation_alias or name): (_model_in(info.annotation), _is_array(info.annotation))
        for name, info in fields
    }


def _model_in(annotation: object) -> type[WireModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _is_array(annotation: object) -> bool:
    return get_origin(annotation) is list or any(_is_array(part) for part in get_args(annotation))
