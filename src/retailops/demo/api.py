"""How the players call the RetailOps API: the public client, and a note of what the hub refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from retailops.client import CallFailed, Record, RetailOps
from retailops.demo.day import Tally

#: Records in one call: enough to be quick, few enough for the hub's locks to be short.
BATCH = 50


class Api:
    """One key's view of the hub."""

    def __init__(self, url: str, key: str, tally: Tally) -> None:
        self._hub = RetailOps(key, url)
        self._tally = tally

    def call(self, action: str, **params: Any) -> dict[str, Any]:
        """Call an action (`version` among the parameters, if not 1) and return its answer. Raises `RetailOpsError`."""
        return dict(self._hub.call(action, **params).body)

    def pages(self, action: str, **params: Any) -> Iterator[Record]:
        """Yield the records of all pages of an action that fetches. Raises `RetailOpsError`."""
        cursor: dict[str, Any] = {}
        while True:
            body = self.call(action, **params, **cursor)
            yield from body["records"]
            if body["next_after"] is None:
                return
            cursor = {"after": body["next_after"]}

    def attempt(self, action: str, **params: Any) -> bool:
        """Call an action; a refusal is noted, and the player goes on."""
        try:
            self._hub.call(action, **params)
        except CallFailed as error:
            self._tally.refused(f"{action}: {error.message} ({error.code})")
            return False
        return True

    def batch(self, action: str, records: Sequence[Record]) -> list[bool]:
        """Call an action on records, each of which succeeds or fails by itself; refusals are noted."""
        done: list[bool] = []
        for start in range(0, len(records), BATCH):
            part = records[start : start + BATCH]
            try:
                result = self._hub.call(action, records=part)
            except CallFailed as error:
                result = error.result
                if len(result.records) != len(part):  # the call as a whole was refused
                    raise
            for issue in result.issues:
                self._tally.refused(f"{action}: {issue.message} ({issue.code})")
            done += [record["status"] == "ok" for record in result.records]
        return done
