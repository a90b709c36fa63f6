"""What can be wrong with a call, as stable codes.

Clients match codes, and old ones even match parts of the texts: the text of a state error always says `status: STATE`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Answered with this HTTP status, always: the call itself is at fault.
CALL_STATUS: Final[Mapping[str, int]] = {
    "BAD_PATH": 404,
    "UNKNOWN_ACTION": 404,
    "UNKNOWN_ACTION_VERSION": 404,
    "METHOD_NOT_ALLOWED": 405,
    "LENGTH_REQUIRED": 411,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "BODY_TOO_LARGE": 413,
    "TOO_MANY_RECORDS": 413,
    "MISSING_APIKEY": 401,
    "INVALID_APIKEY": 401,
    "ACTION_FORBIDDEN": 403,
    "VENDOR_FORBIDDEN": 403,
    "VENDOR_INACTIVE": 403,
    "FACILITY_FORBIDDEN": 403,
    "VENDOR_REQUIRED": 400,
    "VENDOR_AMBIGUOUS": 400,
    "FACILITY_REQUIRED": 400,
    "EMPTY_BODY": 400,
    "BAD_ENCODING": 400,
    "MALFORMED_JSON": 400,
    "JSON_TOO_DEEP": 400,
    "JSON_DUPLICATE_KEY": 400,
    "JSON_BAD_NUMBER": 400,
    "BODY_NOT_OBJECT": 400,
    "MISSING_FIELD": 400,
    "BAD_TYPE": 400,
    "BAD_STATUS": 400,
    "BAD_CURSOR": 400,
    "UNKNOWN_FIELD": 400,
    "LIMIT_OUT_OF_RANGE": 400,
    "START_OUT_OF_RANGE": 400,
    "INTERNAL": 500,
    "RETRY": 503,
}

#: Business failures of a well-formed call: answered with 200, or with this status to keys in strict mode.
#: Codes that are in neither table are 422.
BUSINESS_STATUS: Final[Mapping[str, int]] = {
    "PO_NOT_FOUND": 404,
    "SHIPMENT_NOT_FOUND": 404,
    "ORDER_NOT_FOUND": 404,
    "PO_NOT_YET_DUE": 409,
    "PO_NOT_SUBMITTED": 409,
    "PO_NOT_ACCEPTED": 409,
    "PO_FROZEN": 409,
    "PO_CANCELLED": 409,
    "PO_ALREADY_COMPLETE": 409,
    "PO_VERSION_CONFLICT": 409,
    "ACCEPT_NOT_ENABLED": 409,
    "QTY_MISMATCH": 409,
    "ITEMS_INCOMPLETE": 409,
    "PACKAGE_CONFLICT": 409,
    "SHIPMENT_CANCELLED": 409,
    "SHIPMENT_ALREADY_SHIPPED": 409,
    "ORDER_ENDED": 409,
    "RMA_CONFLICT": 409,
    "NOT_ENOUGH_STOCK": 409,
    "PARTIAL_FAILURE": 207,
}
UNPROCESSABLE: Final = 422


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `path` as in packages[0].items[1].quantity, "" for the call or record as a whole."""

    code: str
    message: str
    path: str = ""
    index: int | None = None
    line: int | None = None
    column: int | None = None


class ApiError(Exception):
    """The call, or one record of it, is refused. `headers` go with a refused call's answer."""

    def __init__(
        self, code: str, message: str, path: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.problems: Sequence[Problem] = (Problem(code, message, path),)
        self.headers = headers or {}

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ApiError:
        """Return the error for several problems; the first one stands for it."""
        error = cls(problems[0].code, problems[0].message)
        error.problems = tuple(problems)
        return error

    @property
    def first(self) -> Problem:
        """What is told in ERROR and ERRORCODE."""
        return self.problems[0]


def http_status(code: str, *, strict: bool) -> int:
    """Return the HTTP status for a failure with this code."""
    if code in CALL_STATUS:
        return CALL_STATUS[code]
    return BUSINESS_STATUS.get(code, UNPROCESSABLE) if strict else 200
