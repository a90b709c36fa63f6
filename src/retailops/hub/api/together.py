"""Do many records at once, and fewer at a time where that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from django.db import DataError, InterfaceError, OperationalError

from retailops.hub.api.errors import ApiError, Problem
from retailops.hub.fulfilment.operations.cancel_orders import NotCancellableError
from retailops.hub.fulfilment.operations.edit_order import EditError
from retailops.hub.fulfilment.operations.ship_packages import OverShipError, PackageError
from retailops.hub.fulfilment.operations.withdraw_items import NotPlannedError
from retailops.hub.purchasing.operations.count_po_items import PoFrozenError
from retailops.hub.returns.operations.receive_return import ReturnError
from retailops.hub.stock.operations.post_moves import NotEnoughStockError

R = TypeVar("R")

#: How operations refuse, and the code for it; the first that fits.
REFUSALS: tuple[tuple[type[Exception], str], ...] = (
    (OverShipError, "OVER_SHIP"),
    (PackageError, "PACKAGE_INVALID"),
    (NotPlannedError, "QTY_MISMATCH"),
    (NotCancellableError, "QTY_MISMATCH"),
    (PoFrozenError, "PO_FROZEN"),
    (EditError, "EDIT_REFUSED"),
    (ReturnError, "RETURN_REFUSED"),
    (NotEnoughStockError, "NOT_ENOUGH_STOCK"),
)

log = structlog.get_logger(__name__)


def problems_of(error: Exception) -> Sequence[Problem]:
    """Tell an operation's refusal, or a fault, as problems of one record."""
    if isinstance(error, ApiError):
        return error.problems
    for kind, code in REFUSALS:
        if isinstance(error, kind):
            return [Problem(code, str(error))]
    if isinstance(error, OperationalError | InterfaceError):
        return [Problem("RETRY", "the database could not do this now; try again")]
    if isinstance(error, DataError):
        return [Problem("OUT_OF_RANGE", "the amounts add up to more than can be stored")]
    log.error("api.record_failed", exc_info=error)
    return [Problem("INTERNAL", "this is a fault of ours; the record was left as it was")]


def together(records: Sequence[R], act: Callable[[Sequence[R]], None]) -> dict[int, Sequence[Problem]]:
    """Call `act` with all records, or, where it raises, with halves of them; returns the problems by position.

    `act` is a unit of work: what raises changes nothing. One bad record among a thousand costs twenty calls more.
    """
    failed: dict[int, Sequence[Problem]] = {}

    def attempt(start: int, some: Sequence[R]) -> None:
        try:
            act(some)
        except Exception as error:  # noqa: BLE001 - one bad record must not stop the others
            if len(some) == 1:
                failed[start] = problems_of(error)
                return
            half = len(some) // 2
            attempt(start, some[:half])
            attempt(start + half, some[half:])

    if records:
        attempt(0, records)
    return failed
