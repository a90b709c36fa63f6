"""JSON without the traps of the standard reader: exact numbers, no duplicate keys, bounded depth and size.

The standard library's C scanner does the work; this module decides what it is given and what it may return.
"""

import json
import re
import secrets
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 20
MAX_EXPONENT: Final = 40
_SHOWN: Final = 40

_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_NOT_A_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_AS_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_SUSPECT_ESCAPE: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
# Surrogate pairs and other escapes are stepped over; one that names no character lands in the group.
_BAD_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class JsonError(ValueError):
    """A body that is not acceptable JSON.

    `code` is stable: EMPTY_BODY, BODY_TOO_LARGE, BAD_ENCODING, MALFORMED_JSON, JSON_TOO_DEEP, JSON_DUPLICATE_KEY
    or JSON_BAD_NUMBER. `line` and `column` count from 1 (columns in characters); both are None where the place is
    not known for certain.
    """

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None) -> None:
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        place = "" if line is None else f" (line {line}, column {column})"
        super().__init__(f"{code}: {message}{place}")


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """Raised inside the scanner's hooks, which do not know where they are in the text."""

    def __init__(self, code: str, message: str, literal: str, seen: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.literal = literal
        self.seen = seen


def parse(body: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Read one JSON value; numbers with a point or an exponent become Decimal. Raises only `JsonError`."""
    if len(body) > max_bytes:
        raise JsonError("BODY_TOO_LARGE", f"the body has {len(body)} bytes; at most {max_bytes} are accepted")
    text = _decode(body)
    if _depth(body, max_depth) > max_depth:
        raise _too_deep(max_depth)
    try:
        value: JsonValue = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep(max_depth) from None
    except json.JSONDecodeError as error:
        raise JsonError("MALFORMED_JSON", _explain(error), error.lineno, error.colno) from None
    except _Refused as refused:
        place = _place_of(text, refused)
        raise JsonError(refused.code, refused.message, *place) from None
    _refuse_bad_escapes(text)
    return value


def dump(value: object) -> bytes:
    """Write compact UTF-8 JSON: Decimals as exact numbers, datetimes as RFC 3339 in UTC.

    Raises ValueError for NaN, infinities, lone surrogates and datetimes without an offset; TypeError for other
    types.
    """
    text = json.dumps(value, default=_encode, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _MARKED_NUMBER.sub(r"\1", text).encode()


def rfc3339(moment: datetime) -> str:
    """The moment in UTC, as in 2026-01-31T09:30:00Z. Raises ValueError without an offset."""
    if moment.utcoffset() is None:
        message = f"the datetime {moment.isoformat()} has no offset; give it one, such as UTC"
        raise ValueError(message)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _decode(body: bytes) -> str:
    if not body.strip(b" \t\r\n"):
        raise JsonError("EMPTY_BODY", "the body is empty; a JSON value is expected")
    if body.startswith(_BYTE_ORDER_MARKS):
        raise JsonError(
            "BAD_ENCODING", "the body starts with a byte order mark; send plain UTF-8 without one", 1, 1
        )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        message = (
            f"byte 0x{body[error.start]:02x} at offset {error.start} is not UTF-8; encode the body as UTF-8"
        )
        raise JsonError("BAD_ENCODING", message, *_position(before, len(before))) from None
    nul = text.find("\0")
    if nul >= 0:
        raise JsonError("BAD_ENCODING", "the body contains a NUL character; remove it", *_position(text, nul))
    return text


def _refuse_bad_escapes(text: str) -> None:
    if not _SUSPECT_ESCAPE.search(text):
        return
    for escape in _BAD_ESCAPE.finditer(text):
        if escape[1]:
            what = "NUL" if escape[1] == "u0000" else "half of a surrogate pair"
            message = f"the escape {escape[0]} stands for {what}, which is no text; remove it"
            raise JsonError("BAD_ENCODING", message, *_position(text, escape.start()))


def _depth(body: bytes, enough: int) -> int:
    """Depth of nesting, counted no further than `enough` + 1; exact for well-formed JSON."""
    if body.count(b"[") + body.count(b"{") <= enough:
        return 0
    # Without escapes, every other piece between quotes lies outside strings.
    # Each round then removes the innermost level.
    bare = _ESCAPE.sub(b"", body) if b"\\" in body else body
    brackets = b"".join(bare.split(b'"')[::2]).translate(_AS_SQUARE, _NOT_A_BRACKET)
    rounds = 0
    while brackets and rounds <= enough:
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break  # unbalanced: the scanner will say where
        brackets = fewer
        rounds += 1
    return rounds


def _too_deep(max_depth: int) -> JsonError:
    return JsonError(
        "JSON_TOO_DEEP", f"arrays and objects are nested deeper than {max_depth} levels; flatten them"
    )


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        key = next(name for index, name in enumerate(names) if names.index(name) < index)
        message = f"the key {json.dumps(key[:100])} occurs twice in one object; send it once"
        raise _Refused("JSON_DUPLICATE_KEY", message, json.dumps(key, ensure_ascii=False), 2)
    return members


def _integer(literal: str) -> int:
    if len(literal) > MAX_DIGITS and len(literal.lstrip("-")) > MAX_DIGITS:
        raise _bad_number(literal, f"has more than {MAX_DIGITS} digits")
    return int(literal)


def _decimal(literal: str) -> Decimal:
    if len(literal) <= MAX_DIGITS and "e" not in literal and "E" not in literal:
        return Decimal(literal)
    try:
        number = Decimal(literal)
    except InvalidOperation:
        raise _bad_number(literal, f"has an exponent beyond {MAX_EXPONENT}") from None
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise _bad_number(literal, f"has more than {MAX_DIGITS} significant digits")
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise _bad_number(literal, f"has an exponent beyond {MAX_EXPONENT}")
    return number


def _constant(literal: str) -> JsonValue:
    raise _bad_number(literal, "is not a JSON number; send null or leave the field out")


def _bad_number(literal: str, problem: str) -> _Refused:
    shown = literal if len(literal) <= _SHOWN else literal[:_SHOWN] + "…"
    return _Refused("JSON_BAD_NUMBER", f"{shown} {problem}", literal, 1)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)


def _place_of(text: str, refused: _Refused) -> tuple[int, int] | tuple[None, None]:
    """The literal's place, when the text holds it just as often as it must: it could be another one."""
    if text.count(refused.literal) != refused.seen:
        return None, None
    return _position(text, text.rfind(refused.literal))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _explain(error: json.JSONDecodeError) -> str:
    """The scanner's message with a hint on the usual cause."""
    found = error.doc[error.pos : error.pos + 1]
    before = error.doc[: error.pos].rstrip()[-1:]
    if not found or error.msg.startswith("Unterminated string"):
        hint = "the text ends early: was it cut off, or is a closing quote or bracket missing?"
    elif found == "<":
        hint = "this looks like HTML or XML, not JSON"
    elif found == "'":
        hint = "use double quotes"
    elif before == "," and found in "]}":
        hint = "remove the comma before the closing bracket"
    elif error.msg.startswith("Expecting ',' delimiter"):
        hint = "is a comma missing before this place?"
    elif error.msg.startswith("Extra data"):
        hint = "something follows the JSON value; send one value only"
    elif error.msg.startswith("Invalid control character"):
        hint = "write line breaks and tabs in strings as \\n and \\t"
    elif error.msg.startswith("Invalid \\"):
        hint = "write a backslash as \\\\"
    elif found in "TFNu":
        hint = "write true, false or null in lower case"
    else:
        hint = "check the text just before this place"
    return f"{error.msg}: {hint}"


# json.dumps cannot write a Decimal as a number, so it goes through as a marked string and loses its quotes after.
# The mark is random and never leaves the process: no sender can forge it.
_MARK: Final = secrets.token_hex(16)
_MARKED_NUMBER: Final = re.compile(f'"{_MARK}([^"]*)"')


def _encode(value: object) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            message = f"the number {value} is not finite and has no JSON form"
            raise ValueError(message)
        return _MARK + format(value, "f")
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    message = f"{type(value).__name__} has no JSON form; convert it first"
    raise TypeError(message)
