"""Vendor.PO.Complete: the vendor has shipped, and says what won't come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from retailops.hub.api.actions.vendor_po_mark import po_not_found
from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Code, Flag, Id, Name, OneOrMany, Text
from retailops.hub.api.packing import Box, BoxItem, OpenItem, Packed, Source, known_packages, pack
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.vendor_pos import PoHead, PoLine, lock_pos, order_of_po, package_rows, po_lines
from retailops.hub.api.registry import Batch
from retailops.hub.api.replies import Outcome
from retailops.hub.api.together import problems_of
from retailops.hub.db import unit_of_work
from retailops.hub.fulfilment.operations.reject_items import reject_shipment_items
from retailops.hub.fulfilment.operations.ship_packages import ship_packages
from retailops.hub.orders.operations.count_lines import lock_orders


class VendorBoxItem(BoxItem):
    """Units of a VPC, or of a PO item."""

    vpc: Code | None = None
    po_item_id: Id | None = None

    @property
    def given_id(self) -> int | None:
        """The PO item."""
        return self.po_item_id

    @property
    def code(self) -> str | None:
        """The VPC."""
        return self.vpc


class VendorBox(Box):
    """A package that left the vendor."""

    items: Annotated[Many[VendorBoxItem], OneOrMany]

    @property
    def contents(self) -> Sequence[BoxItem]:
        """What is in it."""
        return self.items


class CompletePo(Params):
    """A PO and everything that was shipped of it; `cancel_remainder`: the rest won't come."""

    po: Name
    packages: Annotated[Many[VendorBox], OneOrMany]
    cancel_remainder: Flag = False
    cancel_reason: Text = "the vendor can't ship it"
    version: Id | None = Field(default=None, description="The PO's version as it was fetched")


@dataclass(frozen=True, slots=True)
class PoCompleted:
    """What a PO was completed with."""

    po: str
    po_status: str | None
    packages_recorded: int
    units_cancelled: int


def complete_po(principal: Principal, records: Sequence[CompletePo]) -> list[Outcome]:
    """Ship and complete one PO, all or nothing. Told again with the same packages, nothing changes."""
    outcomes = []
    for record in records:
        try:
            outcomes.append(_complete(principal, record))
        except Exception as error:  # noqa: BLE001 - told as the record's problem
            outcomes.append(Outcome(PoCompleted(record.po, None, 0, 0), problems=problems_of(error)))
    return outcomes


@unit_of_work
def _complete(principal: Principal, record: CompletePo) -> Outcome:
    vendor_id = principal.vendor.id if principal.vendor else None
    order_id = order_of_po(number=record.po, vendor_id=vendor_id)
    if order_id is not None:
        lock_orders([order_id])  # before the PO, as everywhere
    po = lock_pos(numbers=[record.po], vendor_id=vendor_id).get(record.po)
    if po is None:
        raise po_not_found(record.po)
    if po.order_id is None:
        message = f"{po.number} is a reorder; its goods are received, not shipped to a customer; status: {po.status}"
        raise ApiError("PO_NOT_DROPSHIP", message, "po")
    lines = po_lines([po.id])[po.id]
    source = _source(po, lines)
    if not record.packages and (not record.cancel_remainder or po.status == "complete"):
        raise source.closed or ApiError(
            "PACKAGES_REQUIRED", "say what was shipped, or send cancel_remainder: 1", "packages"
        )
    if source.closed is not None and not record.packages and po.status == "cancelled":
        return Outcome(PoCompleted(po.number, po.status, 0, 0))
    packed = pack(record.packages, source)
    left = {item.item_id: item.left for item in source.items if item.left}
    if source.closed is None:
        _check(po, record, source)
        _carry_out(principal, record, packed, left)
    status = "complete" if record.packages else "cancelled"
    facts = PoCompleted(po.number, status, len(packed.packages), sum(left.values()))
    return Outcome(facts, changed=source.closed is None, warnings=packed.warnings)


def _source(po: PoHead, lines: Sequence[PoLine]) -> Source:
    shipments = {line.shipment_id for line in lines if line.shipment_id}
    codes = {line.shipment_item_id or 0: line.vpc for line in lines}
    rows = [(key, item_id, units) for _, key, item_id, units in package_rows(shipments)]
    return Source(
        shipment_id=min(shipments),
        prefix=f"po:{po.number}:",
        created_at=po.created_at,
        items=[
            OpenItem(line.shipment_item_id or 0, line.po_item_id, (line.vpc,), line.open) for line in lines
        ],
        known=known_packages(rows, codes),
        closed=_closed(po),
    )


def _closed(po: PoHead) -> ApiError | None:
    """Why nothing more can be shipped on the PO."""
    if po.status == "complete":
        return ApiError(
            "PO_ALREADY_COMPLETE", f"{po.number} is complete with other packages; status: complete", "po"
        )
    if po.status == "cancelled":
        return ApiError("PO_CANCELLED", f"{po.number} must not be shipped; status: cancelled", "po")
    return None


def _check(po: PoHead, record: CompletePo, source: Source) -> None:
    if po.status == "ready":
        raise ApiError(
            "PO_NOT_SUBMITTED", f"{po.number} must be marked as submitted first; status: ready", "po"
        )
    if po.status == "submitted" and po.change_after_submit:
        raise ApiError("PO_NOT_ACCEPTED", f"{po.number} must be accepted first; status: submitted", "po")
    if record.version not in (None, po.version):
        message = (
            f"{po.number} has changed since version {record.version}; fetch it again; status: {po.status}"
        )
        raise ApiError("PO_VERSION_CONFLICT", message, "version")
    short = [f"{item.left} of {item.codes[0]}" for item in source.items if item.left]
    if short and not record.cancel_remainder:
        message = f"{po.number}: {', '.join(short[:5])} not shipped; ship everything, or send cancel_remainder: 1 to give it up"
        raise ApiError("SHORT_SHIP", message, "packages")


def _carry_out(principal: Principal, record: CompletePo, packed: Packed, left: dict[int, int]) -> None:
    if packed.packages:
        ship_packages(packages=packed.packages, actor=principal.actor)
    if left:
        reject_shipment_items(quantities=left, actor=principal.actor, reason=record.cancel_reason)


COMPLETE = Batch(
    name="Vendor.PO.Complete",
    scope=Scope.VENDOR,
    record=CompletePo,
    answer=PoCompleted,
    handler=complete_po,
    only_bare=True,
    example={
        "po": "D123",
        "packages": [
            {
                "ship_class_id": 7,
                "tracking_number": "1Z9999999999999996",
                "items": [{"vpc": "ABC123", "quantity": 1}],
                "unit_count": 1,
            }
        ],
    },
)
