"""What a call answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

#: JSON objects as the API sends them; money is text, to be read as Decimal.
Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong. `index` is the record it is about, `path` the place in it."""

    code: str
    message: str
    path: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """An answer. `body` is all of it; `records` what most callers want."""

    status: int
    body: Mapping[str, Any]

    @property
    def records(self) -> list[Record]:
        """The records, in the order of the request's where it had any."""
        return list(self.body.get("records") or ())

    @property
    def request_id(self) -> str:
        """What the operator of the hub can find this call by in its logs."""
        return str(self.body.get("request_id", ""))

    @property
    def warnings(self) -> list[Record]:
        """What is worth knowing about the call; records have warnings of their own."""
        return list(self.body.get("warnings") or ())

    @property
    def next_after(self) -> str | None:
        """The cursor of the next page, if there is one."""
        value = self.body.get("next_after")
        return None if value is None else str(value)

    @property
    def issues(self) -> Sequence[Issue]:
        """Everything that is wrong: with the call, then record by record."""
        found = [_issue(error, None) for error in self.body.get("errors") or ()]
        for record in self.records:
            found += [_issue(error, record.get("index")) for error in record.get("errors") or ()]
        return found


def _issue(error: Mapping[str, Any], index: int | None) -> Issue:
    return Issue(str(error.get("code", "")), str(error.get("message", "")), str(error.get("path", "")), index)
