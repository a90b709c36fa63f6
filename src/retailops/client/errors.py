"""How calls fail."""

from __future__ import annotations

from collections.abc import Sequence

from retailops.client.result import Issue, Result


class RetailOpsError(Exception):
    """A call did not do what it was to do."""


class ConnectionFailed(RetailOpsError):  # noqa: N818 - as the others, after what happened
    """No answer, or none that is the API's. What the call did is not known, unless it is told that nothing was sent."""


class CallFailed(RetailOpsError):  # noqa: N818 - as above
    """The API refused the call. `code` is stable; `path` names the field, if the first problem has one."""

    def __init__(self, action: str, result: Result) -> None:
        self.action = action
        self.result = result
        self.issues: Sequence[Issue] = result.issues
        self.code = str(result.body.get("ERRORCODE") or f"HTTP_{result.status}")
        self.message = str(result.body.get("ERROR") or f"the server answered {result.status}")
        self.path = self.issues[0].path if self.issues else ""
        place = f" ({self.path})" if self.path else ""
        super().__init__(
            f"{action}: {self.code}: {self.message}{place} [request {result.request_id or 'unknown'}]"
        )


class PartialFailure(CallFailed):
    """Some records failed: `issues` has their indexes, `result.records` what became of each. The others are done."""
