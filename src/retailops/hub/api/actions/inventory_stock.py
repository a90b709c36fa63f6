"""Inventory.Stock.Receive, .Adjust and .Fetch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from retailops.hub.api import cursors
from retailops.hub.api.errors import ApiError, Problem
from retailops.hub.api.loose import Change, Id, Limit, Name, OneOrMany, Reference, Text, Units, UnitsOrNone
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.stock import (
    StockedSku,
    StockRecord,
    lock_references,
    posted_moves,
    stock_page,
    stocked_skus,
)
from retailops.hub.api.registry import Batch, Query
from retailops.hub.api.replies import Notice, Outcome
from retailops.hub.api.scopes import facilities_of, facility_of
from retailops.hub.api.together import together
from retailops.hub.db import unit_of_work
from retailops.hub.fulfilment.operations.correct_stock import adjust_stock, count_stock
from retailops.hub.stock.operations.post_moves import LevelKey
from retailops.hub.stock.operations.receive_stock import Receipt, receive_stock


class OfLevel(Params):
    """A SKU at a facility. `reference` names the delivery or adjustment: told again under it, nothing changes."""

    facility_id: Id | None = None
    facility: Text | None = None
    sku: Name
    reference: Reference


class ReceiveStock(OfLevel):
    """Units that arrived."""

    quantity: Units


class AdjustStock(OfLevel):
    """A change of what is on hand (`quantity`, ±), or what was counted (`counted`)."""

    quantity: Change | None = None
    counted: UnitsOrNone | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class FetchStock(Params):
    """Which levels; by SKU and facility. To walk through many, send `next_after` of the last answer as `after`."""

    facility_id: Id | None = None
    facility: Text | None = None
    skus: Annotated[Many[Name] | None, OneOrMany] = None
    limit: Limit = 100
    after: Name | None = None


@dataclass(frozen=True, slots=True)
class StockPosted:
    """What a record was about."""

    sku: str
    reference: str


@dataclass(frozen=True, slots=True)
class StockPage:
    """A page of levels."""

    records: Sequence[StockRecord]
    limit: int
    next_after: str | None


@dataclass(slots=True)
class _Entry:
    """A record that may be carried out: its level, the name of its stock move, and what came of it."""

    record: OfLevel
    outcome: Outcome
    level: tuple[int, int]
    key: str


def receive(principal: Principal, records: Sequence[ReceiveStock]) -> list[Outcome]:
    """Put goods on the shelf; all good records together."""
    outcomes, entries = _judge(principal, records)

    def act(some: Sequence[_Entry]) -> None:
        receipts = [
            Receipt(*entry.level, entry.record.quantity, entry.key)
            for entry in some
            if isinstance(entry.record, ReceiveStock)
        ]
        new = set(receive_stock(receipts=receipts, actor=principal.actor))
        for entry in some:
            entry.outcome.changed = f"receive:{entry.key}" in new

    _carry_out(entries, act)
    return outcomes


def adjust(principal: Principal, records: Sequence[AdjustStock]) -> list[Outcome]:
    """Correct what is on hand; records with the same reason and reference together."""
    outcomes, entries = _judge(principal, records)
    groups: dict[tuple[str, str, bool], list[_Entry]] = {}
    for entry in entries:
        if not isinstance(entry.record, AdjustStock):
            continue
        if (entry.record.quantity is None) == (entry.record.counted is None):
            message = (
                f"{entry.record.sku}: send quantity (a change) or counted (what is there), one of the two"
            )
            entry.outcome.problems = ApiError("MISSING_FIELD", message, "quantity").problems
            continue
        group = (entry.record.reason, entry.record.reference, entry.record.counted is not None)
        groups.setdefault(group, []).append(entry)
    for (reason, reference, counted), of_group in groups.items():
        _carry_out(of_group, _adjusting(principal.actor, reason, reference, counted=counted))
    return outcomes


def _adjusting(
    actor: str, reason: str, reference: str, *, counted: bool
) -> Callable[[Sequence[_Entry]], None]:
    """Return the unit of work for records that share these."""
    kind = "count" if counted else "adjust"

    @unit_of_work
    def act(some: Sequence[_Entry]) -> None:
        lock_references([reference])
        # An adjustment gives allocations up before it posts, so a repeated one must be known before it is begun.
        known = posted_moves([f"{kind}:{entry.key}" for entry in some])
        for entry in some:
            entry.outcome.changed = f"{kind}:{entry.key}" not in known
        figures = {entry.level: _figure(entry.record) for entry in some if entry.outcome.changed}
        if figures:
            _correct(figures, actor=actor, reason=reason, key=reference, counted=counted)

    return act


def _correct(figures: Mapping[LevelKey, int], *, actor: str, reason: str, key: str, counted: bool) -> None:
    if counted:
        count_stock(counted=figures, actor=actor, reason=reason, key=key)
    else:
        adjust_stock(changes=figures, actor=actor, reason=reason, key=key)


def _figure(record: OfLevel) -> int:
    if not isinstance(record, AdjustStock):
        raise TypeError("only adjustments have a figure")
    return record.counted if record.counted is not None else record.quantity or 0


def _carry_out(entries: Sequence[_Entry], act: Callable[[Sequence[_Entry]], None]) -> None:
    failed = together(entries, act)
    for position, entry in enumerate(entries):
        if position in failed:
            entry.outcome.problems = failed[position]
        elif not entry.outcome.changed:
            entry.outcome.warnings.append(
                Notice("NO_CHANGE", "this was told before under the same reference")
            )


def _judge(principal: Principal, records: Sequence[OfLevel]) -> tuple[list[Outcome], list[_Entry]]:
    """Find each record's facility and SKU; returns an outcome for each record, and entries for those to carry out."""
    outcomes = [Outcome(StockPosted(record.sku, record.reference)) for record in records]
    skus = stocked_skus({record.sku for record in records})
    entries: dict[str, _Entry] = {}
    for record, outcome, facility in zip(records, outcomes, facilities_of(principal, records), strict=True):
        sku = _sku(record.sku, skus)
        if isinstance(facility, ApiError):
            outcome.problems = facility.problems
            continue
        if isinstance(sku, ApiError):
            outcome.problems = sku.problems
            continue
        key = f"{record.reference}:{facility.id}:{sku.id}"
        if key in entries:
            message = f"{record.sku} occurs twice under reference {record.reference}; add the two up"
            outcome.problems = [Problem("DUPLICATE_ITEM", message, "sku")]
            continue
        entries[key] = _Entry(record, outcome, (facility.id, sku.id), key)
    return outcomes, list(entries.values())


def _sku(code: str, skus: Mapping[str, StockedSku]) -> StockedSku | ApiError:
    if code not in skus:
        return ApiError("SKU_NOT_FOUND", f"SKU {code} is not in the catalog; add it there first", "sku")
    if skus[code].kit:
        return ApiError(
            "SKU_IS_KIT", f"SKU {code} is a kit and has no stock of its own; name its components", "sku"
        )
    return skus[code]


def fetch_stock(principal: Principal, params: FetchStock) -> StockPage:
    """Return a page of levels; one statement."""
    anywhere = principal.facility is None and params.facility_id is None and params.facility is None
    after = cursors.read(params.after, 2) if params.after is not None else (0, 0)
    records = stock_page(
        facility_id=None if anywhere else facility_of(principal, params).id,
        skus=params.skus,
        after=(after[0], after[1]),
        limit=params.limit,
    )
    last = records[-1] if len(records) == params.limit else None
    return StockPage(records, params.limit, cursors.write(last.sku_id, last.facility_id) if last else None)


RECEIVE = Batch(
    name="Inventory.Stock.Receive",
    scope=Scope.FACILITY,
    record=ReceiveStock,
    answer=StockPosted,
    handler=receive,
    example={
        "records": [{"facility": "MAIN", "sku": "ABC123", "quantity": 24, "reference": "delivery 2026-117"}]
    },
)
ADJUST = Batch(
    name="Inventory.Stock.Adjust",
    scope=Scope.FACILITY,
    record=AdjustStock,
    answer=StockPosted,
    handler=adjust,
    example={
        "records": [
            {"facility": "MAIN", "sku": "ABC123", "quantity": -2, "reason": "damaged", "reference": "adj-117"}
        ]
    },
)
FETCH = Query(
    name="Inventory.Stock.Fetch",
    scope=Scope.FACILITY,
    request=FetchStock,
    answer=StockPage,
    handler=fetch_stock,
    example={"facility": "MAIN", "skus": ["ABC123"]},
)
