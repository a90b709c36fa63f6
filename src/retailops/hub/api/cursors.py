"""Where a list goes on. A cursor is opaque to clients: whole numbers, joined."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from retailops.hub.api.errors import ApiError

_FORM: Final = re.compile(r"[0-9]{1,18}(-[0-9]{1,18})*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The year 9999, in microseconds.
_LAST: Final = 250_000_000_000_000_000


def write(*numbers: int) -> str:
    """Return the cursor for a row."""
    return "-".join(map(str, numbers))


def read(cursor: str, parts: int) -> list[int]:
    """Return the numbers of a cursor. Raises `ApiError` BAD_CURSOR."""
    numbers = [int(number) for number in cursor.split("-")] if _FORM.fullmatch(cursor) else []
    if len(numbers) != parts:
        raise ApiError(
            "BAD_CURSOR", "send as after what the last answer gave as next_after, unchanged", "after"
        )
    return numbers


def microseconds(moment: datetime) -> int:
    """Return a moment as a number, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    """Return the moment of `microseconds`; a forged number beyond the calendar is its end."""
    return _EPOCH + timedelta(microseconds=min(number, _LAST))
