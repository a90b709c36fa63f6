"""Vendor.PO.MarkSubmitted and Vendor.PO.MarkAccepted: the vendor has POs, and commits to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from retailops.contract.strict_json import rfc3339
from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Id, Name, OneOrMany, Units
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.vendor_pos import PoHead, PoLine, lock_pos, po_lines
from retailops.hub.api.registry import Batch
from retailops.hub.api.replies import Notice, Outcome
from retailops.hub.db import unit_of_work
from retailops.hub.purchasing.operations.advance_pos import accept_pos, submit_pos


class SeenItem(Params):
    """Units of a PO item that the vendor saw."""

    po_item_id: Id
    quantity: Units


class MarkPo(Params):
    """A PO by its number. `items` and `version` say what the vendor saw: if that is out of date, nothing is marked."""

    po: Name
    items: Annotated[Many[SeenItem] | None, OneOrMany] = None
    version: Id | None = Field(default=None, description="The PO's version as it was fetched")


@dataclass(frozen=True, slots=True)
class PoMarked:
    """A PO and the status that it has now."""

    po: str
    po_status: str | None
    version: int | None


Judge = Callable[[PoHead, MarkPo, Sequence[PoLine]], Notice | None]


def mark_submitted(principal: Principal, records: Sequence[MarkPo]) -> list[Outcome]:
    """Note that the vendor retrieved POs. Told again, nothing changes."""
    return _mark(principal, records, "submitted", _judge_submit)


def mark_accepted(principal: Principal, records: Sequence[MarkPo]) -> list[Outcome]:
    """Note that the vendor commits to POs as they stand, which freezes them."""
    return _mark(principal, records, "accepted", _judge_accept)


@unit_of_work
def _mark(principal: Principal, records: Sequence[MarkPo], status: str, judge: Judge) -> list[Outcome]:
    """Judge records one after the other under the POs' locks, then mark the good ones together."""
    vendor_id = principal.vendor.id if principal.vendor else None
    pos = dict(lock_pos(numbers=[record.po for record in records], vendor_id=vendor_id))
    with_items = any(record.items is not None for record in records)
    lines = po_lines([po.id for po in pos.values()]) if with_items else {}
    marked: list[int] = []
    outcomes = []
    for record in records:
        outcome = _judge_record(record, pos, lines, status, judge)
        if outcome.changed:
            marked.append(pos[record.po].id)
            pos[record.po] = replace(pos[record.po], status=status)
        outcomes.append(outcome)
    advance = submit_pos if status == "submitted" else accept_pos
    if marked and set(advance(po_ids=marked, actor=principal.actor)) != set(marked):
        raise AssertionError("POs that were judged under lock could not be marked")
    return outcomes


def _judge_record(
    record: MarkPo,
    pos: Mapping[str, PoHead],
    lines: Mapping[int, Sequence[PoLine]],
    status: str,
    judge: Judge,
) -> Outcome:
    po = pos.get(record.po)
    if po is None:
        return Outcome(PoMarked(record.po, None, None), problems=po_not_found(record.po).problems)
    try:
        notice = judge(po, record, lines.get(po.id, ()))
    except ApiError as error:
        return Outcome(PoMarked(po.number, po.status, po.version), problems=error.problems)
    if notice is not None:
        return Outcome(PoMarked(po.number, po.status, po.version), warnings=[notice])
    return Outcome(PoMarked(po.number, status, po.version), changed=True)


def po_not_found(number: str) -> ApiError:
    """Return the answer for a PO that doesn't exist, or is another vendor's: nobody can tell which."""
    return ApiError("PO_NOT_FOUND", f"there is no PO {number}", "po")


def _judge_submit(po: PoHead, record: MarkPo, lines: Sequence[PoLine]) -> Notice | None:
    _refuse_cancelled(po)
    if po.status == "submitted":
        return Notice("NO_CHANGE", f"{po.number} was submitted before; status: submitted")
    if po.status != "ready":
        return Notice("ALREADY_LATER", f"{po.number} is further on already; status: {po.status}")
    if not po.submittable:
        message = f"{po.number} is not due before {rfc3339(po.date_submit)}; status: ready"
        raise ApiError("PO_NOT_YET_DUE", message, "po")
    _check_version(po, record)
    _check_items(po, record.items or (), lines)
    return None


def _judge_accept(po: PoHead, record: MarkPo, lines: Sequence[PoLine]) -> Notice | None:
    if not po.change_after_submit:
        message = f"{po.number}: this vendor's POs don't change once submitted: there is nothing to accept; status: {po.status}"
        raise ApiError("ACCEPT_NOT_ENABLED", message, "po")
    _refuse_cancelled(po)
    if po.status == "ready":
        raise ApiError(
            "PO_NOT_SUBMITTED", f"{po.number} must be marked as submitted first; status: ready", "po"
        )
    if po.status == "complete":
        return Notice("ALREADY_LATER", f"{po.number} is further on already; status: complete")
    if record.items is None and record.version is None:
        raise ApiError(
            "MISSING_FIELD", f"{po.number}: say what you accept with items, or with version", "items"
        )
    _check_version(po, record)
    if record.items is not None:
        _check_items(po, record.items, lines)
        _check_complete(po, record.items, lines)
    return (
        Notice("NO_CHANGE", f"{po.number} was accepted before; status: accepted")
        if po.status == "accepted"
        else None
    )


def _refuse_cancelled(po: PoHead) -> None:
    if po.status == "cancelled":
        raise ApiError("PO_CANCELLED", f"{po.number} must not be shipped; status: cancelled", "po")


def _check_version(po: PoHead, record: MarkPo) -> None:
    if record.version not in (None, po.version):
        message = f"{po.number} has changed since version {record.version}; fetch version {po.version}; status: {po.status}"
        raise ApiError("PO_VERSION_CONFLICT", message, "version")


def _check_items(po: PoHead, items: Sequence[SeenItem], lines: Sequence[PoLine]) -> None:
    """Demand that each item is the PO's, named once, with what is open of it."""
    expected = {line.po_item_id: line.open for line in lines}
    seen: set[int] = set()
    for position, item in enumerate(items):
        path = f"items[{position}]"
        if item.po_item_id not in expected:
            raise ApiError(
                "PO_ITEM_NOT_FOUND", f"{po.number} has no item {item.po_item_id}", f"{path}.po_item_id"
            )
        if item.po_item_id in seen:
            raise ApiError("DUPLICATE_ITEM", f"item {item.po_item_id} is named twice", f"{path}.po_item_id")
        seen.add(item.po_item_id)
        if item.quantity != expected[item.po_item_id]:
            message = (
                f"{po.number} item {item.po_item_id}: {expected[item.po_item_id]} expected, not {item.quantity};"
                f" fetch the PO again; status: {po.status}"
            )
            raise ApiError("QTY_MISMATCH", message, f"{path}.quantity")


def _check_complete(po: PoHead, items: Sequence[SeenItem], lines: Sequence[PoLine]) -> None:
    missing = {line.po_item_id for line in lines if line.open} - {item.po_item_id for item in items}
    if missing:
        raise ApiError(
            "ITEMS_INCOMPLETE",
            f"{po.number}: item {min(missing)} is open and not accepted; status: {po.status}",
            "items",
        )


MARK_SUBMITTED = Batch(
    name="Vendor.PO.MarkSubmitted",
    scope=Scope.VENDOR,
    record=MarkPo,
    answer=PoMarked,
    handler=mark_submitted,
    example={"records": [{"po": "D123", "items": [{"po_item_id": 456, "quantity": 1}]}]},
)
MARK_ACCEPTED = Batch(
    name="Vendor.PO.MarkAccepted",
    scope=Scope.VENDOR,
    record=MarkPo,
    answer=PoMarked,
    handler=mark_accepted,
    example={"records": [{"po": "D123", "items": [{"po_item_id": 456, "quantity": 1}]}]},
)
