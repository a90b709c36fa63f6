"""What every action's parameters have in common, and how their errors are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from retailops.contract.strict_json import JsonValue
from retailops.contract.violations import path_of
from retailops.hub.api.errors import ApiError, Problem
from retailops.hub.api.loose import Flag, OneOrMany

P = TypeVar("P", bound="Params")
Entry = TypeVar("Entry")

JsonObject: TypeAlias = Mapping[str, JsonValue]

MAX_RECORDS: Final = 1000
MAX_PROBLEMS: Final = 20
_SHOWN: Final = 60


class Params(BaseModel):
    """Parameters of an action, or a part of them. Fields it doesn't know are kept, so that they can be reported."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")


class Records(Params):
    """Parameters of an action on many records. Each record is validated by itself, so that it fails by itself."""

    records: Annotated[list[object], OneOrMany] = Field(description="An array of records, or a single one")
    with_detailed_response: Flag = Field(default=True, description="Off: only failed records are listed")


# The first bad entry is enough to refuse an array: a million of them must not cost a million.
Many: TypeAlias = Annotated[list[Entry], Field(max_length=1000, fail_fast=True)]


def validate(model: type[P], value: object) -> P:
    """Return the validated parameters. Raises `ApiError` with every problem found."""
    if not isinstance(value, dict):
        raise ApiError("BAD_TYPE", f"must be an object, not {type(value).__name__}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)[:MAX_PROBLEMS]
        raise ApiError.of([_problem(detail) for detail in details]) from None


def _problem(detail: ErrorDetails) -> Problem:
    path = path_of(detail["loc"])
    kind = detail["type"]
    if kind == "missing":
        return Problem("MISSING_FIELD", f"{path} is required and missing", path)
    code = kind if kind.isupper() else "BAD_TYPE"
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("should", "must")
    return Problem(code, f"{path}: {text}" if path else text, path)


def unknown_fields(params: Params, prefix: str = "") -> Iterator[str]:
    """Yield the paths of fields that the action doesn't know."""
    for name in params.model_extra or ():
        yield f"{prefix}{name[:_SHOWN]}"
    for name, value in params.__dict__.items():
        if isinstance(value, Params):
            yield from unknown_fields(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            for position, entry in enumerate(value):
                if isinstance(entry, Params):
                    yield from unknown_fields(entry, f"{prefix}{name}[{position}].")
