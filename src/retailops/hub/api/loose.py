"""Types that are read as loosely as clients send them, and no more: "27" for 27, 1 for true, 12.0 for 12.

Each refusal has a code of `errors`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

MAX_ADVICE: Final = 2**31 - 1
#: Of one item in one call. Sums over a call stay within the database's integers.
MAX_UNITS: Final = 1_000_000
#: Clamping a limit would make a client take a full page for the last one, so more is refused.
MAX_LIMIT: Final = 1000
#: Further on, use a cursor.
MAX_START: Final = 100_000
MAX_ID: Final = 2**63 - 1
MAX_PRICE: Final = Decimal("9999999999.9999")
MAX_WEIGHT: Final = Decimal(100_000)

_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_SIGNED: Final = re.compile(r"-?[0-9]{1,20}")
_DECIMAL: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_PLACES: Final = -4


def refuse(code: str, message: str) -> PydanticCustomError:
    """Return the error that a validator raises."""
    # Braces in a value must not be taken for placeholders.
    return PydanticCustomError(code, "{text}", {"text": message})


def _shown(value: object) -> str:
    return repr(value)[:60] if isinstance(value, str | int | Decimal) else f"a {type(value).__name__}"


def _id(value: object) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if type(number) is not int or not 0 < number <= MAX_ID:
        raise refuse(
            "BAD_TYPE", f'must be an id: a whole number from 1 up, such as 27 or "27", not {_shown(value)}'
        )
    return number


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    if type(value) is int and value in (0, 1):
        return value == 1
    if value in ("0", "1"):
        return value == "1"
    raise refuse("BAD_TYPE", f'must be true, false, 1, 0, "1" or "0", not {_shown(value)}')


def _whole(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and _SIGNED.fullmatch(value):
        return int(value)
    if isinstance(value, Decimal):
        if value != value.to_integral_value():
            raise refuse("QTY_NOT_INTEGER", f"must be a whole number of units, not {value}")
        return int(value)
    raise refuse("BAD_TYPE", f'must be a whole number such as 12 or "12", not {_shown(value)}')


def _between(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        number = _whole(value)
        if number > high or number < -high:
            raise refuse("QTY_TOO_LARGE", f"must be at most {high}, not {number}")
        if number < low:
            code = "QTY_NEGATIVE" if number < 0 else "QTY_ZERO"
            raise refuse(code, f"must be at least {low}, not {number}")
        return number

    return check


def _up_to(high: Decimal, code: str) -> Callable[[object], Decimal]:
    def check(value: object) -> Decimal:
        if (
            (isinstance(value, str) and _DECIMAL.fullmatch(value))
            or type(value) is int
            or isinstance(value, Decimal)
        ):
            number = Decimal(value)
            exponent = number.as_tuple().exponent
            if 0 <= number <= high and isinstance(exponent, int) and exponent >= _PLACES:
                return number
        raise refuse(
            code, f"must be a number from 0 to {high} with at most 4 decimal places, not {_shown(value)}"
        )

    return check


def _moment(value: object) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper())
            return (
                (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
                .astimezone(UTC)
                .replace(microsecond=0)
            )
        except (ValueError, OverflowError):
            pass
    raise refuse("BAD_DATE", f"must be a date and time such as 2026-01-31T09:30:00Z, not {_shown(value)}")


def _code(value: object) -> str:
    """A product code: NFC, trimmed, something to see in it, and nothing that can't be seen."""
    text = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
    categories = {unicodedata.category(character) for character in text}
    if not 0 < len(text) <= 100 or "Cc" in categories or categories <= {"Cf", "Zs", "Mn"}:  # noqa: PLR2004 - the column's width
        raise refuse(
            "VPC_INVALID", f"must be a product code of 1 to 100 visible characters, not {_shown(value)}"
        )
    return text


def _one_or_many(value: object) -> object:
    return value if isinstance(value, list) else [value]


Id: TypeAlias = Annotated[int, BeforeValidator(_id)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
Advice: TypeAlias = Annotated[int, BeforeValidator(_between(0, MAX_ADVICE))]
Units: TypeAlias = Annotated[int, BeforeValidator(_between(1, MAX_UNITS))]
UnitsOrNone: TypeAlias = Annotated[int, BeforeValidator(_between(0, MAX_UNITS))]
Change: TypeAlias = Annotated[int, BeforeValidator(_between(-MAX_UNITS, MAX_UNITS))]
Price: TypeAlias = Annotated[Decimal, BeforeValidator(_up_to(MAX_PRICE, "BAD_COST"))]
Weight: TypeAlias = Annotated[Decimal, BeforeValidator(_up_to(MAX_WEIGHT, "BAD_TYPE"))]
Moment: TypeAlias = Annotated[datetime, BeforeValidator(_moment)]
Code: TypeAlias = Annotated[str, BeforeValidator(_code)]
Text: TypeAlias = Annotated[str, Field(max_length=255)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=255)]
Reference: TypeAlias = Annotated[str, Field(min_length=1, max_length=60)]
OneOrMany: Final = BeforeValidator(_one_or_many)


def _bounded(code: str, low: int, high: int) -> BeforeValidator:
    def check(value: object) -> int:
        number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
        if type(number) is not int:
            raise refuse("BAD_TYPE", f'must be a whole number such as 100 or "100", not {_shown(value)}')
        if not low <= number <= high:
            raise refuse(code, f"must be from {low} to {high}, not {number}")
        return number

    return BeforeValidator(check)


Limit: TypeAlias = Annotated[int, _bounded("LIMIT_OUT_OF_RANGE", 1, MAX_LIMIT)]
Start: TypeAlias = Annotated[int, _bounded("START_OUT_OF_RANGE", 0, MAX_START)]


def words(*known: str) -> BeforeValidator:
    """One word or several, whatever their case, out of those known. Refused as BAD_STATUS: a typo must not find nothing."""

    def check(value: object) -> object:
        given = value if isinstance(value, list) else [value]
        wrong = [word for word in given if not isinstance(word, str) or word.lower() not in known]
        if wrong or not given:
            raise refuse(
                "BAD_STATUS", f"must be of {', '.join(known)}, not {_shown(wrong[0]) if wrong else 'empty'}"
            )
        return sorted({str(word).lower() for word in given})

    return BeforeValidator(check)
