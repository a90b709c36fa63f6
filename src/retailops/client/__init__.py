"""Calling the RetailOps API: `RetailOps(api_key, base_url)` has one method for each action."""

from retailops.client.api import RetailOps
from retailops.client.errors import CallFailed, ConnectionFailed, PartialFailure, RetailOpsError
from retailops.client.result import Issue, Record, Result

__all__ = [
    "CallFailed",
    "ConnectionFailed",
    "Issue",
    "PartialFailure",
    "Record",
    "Result",
    "RetailOps",
    "RetailOpsError",
]
