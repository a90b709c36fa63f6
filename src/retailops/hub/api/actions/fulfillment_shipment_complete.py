"""Fulfillment.Shipment.Complete: a facility has packed and handed over, and says what it can't ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Flag, Id, Name, OneOrMany, Text
from retailops.hub.api.packing import Box, BoxItem, OpenItem, Source, known_packages, pack
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.shipments import (
    ShipmentHead,
    ShipmentLine,
    orders_of_shipments,
    shipment_lines,
    shipments_by_id,
)
from retailops.hub.api.queries.vendor_pos import package_rows
from retailops.hub.api.registry import Batch
from retailops.hub.api.replies import Outcome
from retailops.hub.api.together import together
from retailops.hub.db import unit_of_work
from retailops.hub.fulfilment.operations.reject_items import reject_shipment_items
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.operations.count_lines import lock_orders


class FacilityBoxItem(BoxItem):
    """Units of a SKU, or of a shipment item."""

    sku: Name | None = None
    shipment_item_id: Id | None = None

    @property
    def given_id(self) -> int | None:
        """The shipment item."""
        return self.shipment_item_id

    @property
    def code(self) -> str | None:
        """The SKU."""
        return self.sku


class FacilityBox(Box):
    """A package that left the facility."""

    items: Annotated[Many[FacilityBoxItem], OneOrMany]

    @property
    def contents(self) -> Sequence[BoxItem]:
        """What is in it."""
        return self.items


class CompleteShipment(Params):
    """Packages of a shipment; more may follow. `cancel_remainder`: the rest can't be shipped here."""

    id: Id
    packages: Annotated[Many[FacilityBox], OneOrMany]
    cancel_remainder: Flag = False
    cancel_reason: Text = "the facility can't ship it"


@dataclass(frozen=True, slots=True)
class ShipmentCompleted:
    """`units_open` is what is still to be shipped."""

    id: int
    packages_recorded: int = 0
    units_cancelled: int = 0
    units_open: int = 0


@dataclass(slots=True)
class _Plan:
    """What a record adds up to."""

    outcome: Outcome
    packages: list[NewPackage] = field(default_factory=list)
    give_up: dict[int, int] = field(default_factory=dict)
    reason: str = ""


def complete_shipments(principal: Principal, records: Sequence[CompleteShipment]) -> list[Outcome]:
    """Record packages; all good records together, in a number of statements that doesn't grow with them."""
    plans: dict[int, _Plan] = {}

    @unit_of_work
    def act(some: Sequence[int]) -> None:
        new = _plan(principal, [records[position] for position in some])
        _carry_out(new, principal.actor)
        plans.update(zip(some, new, strict=True))

    failed = together(range(len(records)), act)
    return [
        plans[position].outcome
        if position in plans
        else Outcome(ShipmentCompleted(record.id), problems=failed[position])
        for position, record in enumerate(records)
    ]


def _carry_out(plans: Sequence[_Plan], actor: str) -> None:
    packages = [package for plan in plans for package in plan.packages]
    if packages:
        ship_packages(packages=packages, actor=actor)
    by_reason: dict[str, dict[int, int]] = {}
    for plan in plans:
        if plan.give_up:
            by_reason.setdefault(plan.reason, {}).update(plan.give_up)
    for reason, quantities in by_reason.items():
        reject_shipment_items(quantities=quantities, actor=actor, reason=reason)


def _plan(principal: Principal, records: Sequence[CompleteShipment]) -> list[_Plan]:
    """Judge records one after the other, under the locks of their orders."""
    ids = {record.id for record in records}
    facility_id = principal.facility.id if principal.facility else None
    lock_orders(orders_of_shipments(shipment_ids=ids, facility_id=facility_id))
    sources = _sources(shipments_by_id(shipment_ids=ids, facility_id=facility_id))
    return [_plan_record(record, sources) for record in records]


def _sources(shipments: Mapping[int, ShipmentHead]) -> dict[int, Source]:
    lines = shipment_lines(shipments)
    packed: dict[int, list[tuple[str, int, int]]] = {shipment_id: [] for shipment_id in shipments}
    for shipment_id, key, item_id, units in package_rows(shipments):
        packed[shipment_id].append((key, item_id, units))
    return {
        shipment_id: _source(shipment, lines[shipment_id], packed[shipment_id])
        for shipment_id, shipment in shipments.items()
    }


def _source(
    shipment: ShipmentHead, lines: Sequence[ShipmentLine], packed: Sequence[tuple[str, int, int]]
) -> Source:
    closed = None
    if shipment.status == "cancelled":
        closed = ApiError(
            "SHIPMENT_CANCELLED", f"shipment {shipment.id} must not be shipped; status: cancelled", "id"
        )
    if shipment.status == "shipped":
        message = f"shipment {shipment.id} has shipped with other packages; status: shipped"
        closed = ApiError("SHIPMENT_ALREADY_SHIPPED", message, "id")
    return Source(
        shipment_id=shipment.id,
        prefix=f"shipment:{shipment.id}:",
        created_at=shipment.created_at,
        items=[
            OpenItem(line.shipment_item_id, line.shipment_item_id, (line.sku, line.sku_as_sent), line.open)
            for line in lines
        ],
        known=known_packages(packed, {line.shipment_item_id: line.sku for line in lines}),
        closed=closed,
        codes=("SKU_NOT_ON_SHIPMENT", "SHIPMENT_ITEM_NOT_FOUND"),
    )


def _plan_record(record: CompleteShipment, sources: Mapping[int, Source]) -> _Plan:
    source = sources.get(record.id)
    if source is None:
        # Another facility's shipment is answered like one that doesn't exist.
        raise ApiError("SHIPMENT_NOT_FOUND", f"there is no shipment {record.id}", "id")
    if not record.packages and not record.cancel_remainder:
        raise ApiError("PACKAGES_REQUIRED", "say what was shipped, or send cancel_remainder: 1", "packages")
    packed = pack(record.packages, source)
    left = {item.item_id: item.left for item in source.items if item.left}
    give_up = left if record.cancel_remainder else {}
    if give_up:
        for item in source.items:
            item.left = 0
    facts = ShipmentCompleted(
        record.id, len(packed.packages), sum(give_up.values()), sum(item.left for item in source.items)
    )
    outcome = Outcome(facts, changed=bool(packed.packages or give_up), warnings=packed.warnings)
    return _Plan(outcome, packed.packages, give_up, record.cancel_reason)


COMPLETE = Batch(
    name="Fulfillment.Shipment.Complete",
    scope=Scope.FACILITY,
    record=CompleteShipment,
    answer=ShipmentCompleted,
    handler=complete_shipments,
    bare=True,
    example={
        "records": [
            {
                "id": 1,
                "packages": [
                    {
                        "ship_class_id": 7,
                        "tracking_number": "999999999999",
                        "items": [{"sku": "ABC123", "quantity": 1}],
                    }
                ],
            }
        ]
    },
)
