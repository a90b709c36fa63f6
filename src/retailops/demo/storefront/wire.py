"""JSON in and out: strict parsing, typed field access, exact money."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NoReturn, TypeAlias

import msgspec

Json: TypeAlias = "bool | int | str | Decimal | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

MAX_BODY_BYTES = 8 * 1024 * 1024
_MAX_AMOUNT = Decimal(10) ** 10
_UNITS = Decimal(10_000)
_FORBIDDEN_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_encoder = msgspec.json.Encoder(decimal_format="number")


class BadRequestError(Exception):
    """The request is not usable; ``status`` is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Response:
    """What to send back. ``wire`` names how the connection misbehaves while sending it."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    wire: Literal["", "drop", "half-body", "wrong-length"] = ""


def json_response(value: Json, status: int = 200, **headers: str) -> Response:
    """A JSON reply; header names are given with underscores for hyphens."""
    return Response(status, encode(value), headers={k.replace("_", "-"): v for k, v in headers.items()})


def encode(value: Json) -> bytes:
    """JSON bytes; ``Decimal`` becomes a number."""
    return _encoder.encode(value)


def parse_object(body: bytes) -> JsonObject:
    """Parse a request body.

    Raises:
        BadRequestError: 400 for anything that is not one unambiguous JSON object (bad UTF-8, NaN, duplicate
            keys, NUL, lone surrogates, nesting beyond the parser's depth).
    """
    try:
        value: Json = json.loads(
            body.decode(),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
        # Such characters can only arrive escaped, so plain bodies need no walk. The walk recurses too.
        if b"\\u" in body and any(_FORBIDDEN_CHARACTER.search(text) for text in _texts(value)):
            raise BadRequestError(400, "body: contains NUL or a lone surrogate; send valid Unicode text")
    except (ValueError, ArithmeticError) as error:
        raise BadRequestError(400, f"body: not valid JSON ({error}); send one JSON object") from error
    except RecursionError as error:
        raise BadRequestError(400, "body: nested too deeply; send a flatter JSON object") from error
    if not isinstance(value, dict):
        raise BadRequestError(400, "body: not a JSON object; send one JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


def _unique_keys(pairs: list[tuple[str, Json]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        msg = "duplicate keys in an object"
        raise ValueError(msg)
    return result


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield key
            yield from _texts(entry)


class Fields:
    """Typed access to one JSON object: absent and null read as empty, a wrong type raises 422."""

    def __init__(self, values: JsonObject, path: str = "") -> None:
        self.values = values
        self.path = path

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else self.refuse(name, "not a string")

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number within 64 bits."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            self.refuse(name, "not a whole number within 64 bits")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; the strings "true" and "false" too, for older callers."""
        value = self.values.get(name)
        if value is None or value is False or value == "false":
            return False
        return True if value is True or value == "true" else self.refuse(name, "not a boolean")

    def money(self, name: str, default: int = 0) -> int:
        """An amount, in ten-thousandths of the currency unit."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            self.refuse(name, "not a number")
        amount = Decimal(value)
        if abs(amount) >= _MAX_AMOUNT:
            self.refuse(name, "out of range")
        return to_units(amount)

    def object(self, name: str) -> "Fields":
        """A nested object."""
        value = self.values.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self.refuse(name, "not an object")
        return Fields(value, f"{self.path}{name}.")

    def objects(self, name: str) -> "list[Fields]":
        """A list of objects."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(name, "not a list")
        found = []
        for index, entry in enumerate(value):
            if not isinstance(entry, dict):
                self.refuse(f"{name}[{index}]", "not an object")
            found.append(Fields(entry, f"{self.path}{name}[{index}]."))
        return found

    def refuse(self, name: str, problem: str) -> NoReturn:
        """Raise the 422 that names the field."""
        raise BadRequestError(422, f"{self.path}{name}: {problem}; send it as the channel contract types it")


def to_units(amount: Decimal) -> int:
    """Ten-thousandths of the currency unit, rounded half up."""
    return int((amount * _UNITS).quantize(Decimal(1), ROUND_HALF_UP))


def from_units(units: int) -> Decimal:
    """The amount with no more decimals than it needs: 0, 2 or 4."""
    digits = 0 if units % 10_000 == 0 else 2 if units % 100 == 0 else 4
    return (Decimal(units) / _UNITS).quantize(Decimal(1).scaleb(-digits))
