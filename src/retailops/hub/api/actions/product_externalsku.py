"""Product.ExternalSku.Update: vendors tell what they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import Field

from retailops.hub.api.errors import ApiError, Problem
from retailops.hub.api.loose import Advice, Code, Id, Moment, Text
from retailops.hub.api.params import Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.registry import Batch
from retailops.hub.api.replies import Notice, Outcome
from retailops.hub.api.scopes import vendors_of
from retailops.hub.api.together import together
from retailops.hub.db import fetch
from retailops.hub.purchasing.operations.advise_stock import AdviceResult, StockAdvice, advise_stock

FUTURE: Final = timedelta(minutes=5)


class AdviceRecord(Params):
    """How many units of a VPC the vendor has now: a level, not a change."""

    vendor_id: Id | None = None
    vendor_name: Text | None = None
    vpc: Code
    quantity: Advice
    as_of: Moment | None = Field(default=None, description="When the vendor took the figure; left out: now")


@dataclass(frozen=True, slots=True)
class Advised:
    """What a record was about."""

    vpc: str


@dataclass(slots=True)
class _Entry:
    """A record that may be carried out, and what came of it."""

    record: AdviceRecord
    outcome: Outcome
    now: datetime

    @property
    def as_of(self) -> datetime:
        """When the figure was taken, as far as it matters within this call."""
        return min(self.record.as_of or self.now, self.now)

    @property
    def told_as_of(self) -> datetime | None:
        """`None` means now, by the database's clock; so does what a fast clock puts into the future."""
        return self.record.as_of if self.as_of < self.now else None


def advise(principal: Principal, records: Sequence[AdviceRecord]) -> list[Outcome]:
    """Take over advice, in a number of statements that grows with the vendors in the call, not with the records.

    Records about one VPC are taken as if one after the other: the newest figure counts.
    """
    now = datetime.now(UTC)
    outcomes = []
    by_vendor: dict[int, list[_Entry]] = {}
    for record, vendor in zip(records, vendors_of(principal, records), strict=True):
        outcome = Outcome(Advised(record.vpc))
        outcomes.append(outcome)
        if isinstance(vendor, ApiError):
            outcome.problems = vendor.problems
        elif not vendor.enabled:
            outcome.problems = [
                Problem("VENDOR_INACTIVE", f"vendor {vendor.id} is switched off", "vendor_id")
            ]
        elif record.as_of is not None and record.as_of > now + FUTURE:
            outcome.problems = [
                Problem("AS_OF_IN_FUTURE", f"{record.vpc}: as_of lies in the future", "as_of")
            ]
        else:
            by_vendor.setdefault(vendor.id, []).append(_Entry(record, outcome, now))
    for vendor_id, entries in sorted(by_vendor.items()):
        _advise(vendor_id, _newest(entries), principal.actor)
    return outcomes


def _newest(entries: Sequence[_Entry]) -> list[_Entry]:
    """Return the entry of each VPC that counts, and note on the others what became of them."""
    newest: dict[str, _Entry] = {}
    for entry in entries:
        before = newest.get(entry.record.vpc)
        if before is None or entry.as_of >= before.as_of:
            newest[entry.record.vpc] = entry
        if before is not None and newest[entry.record.vpc] is entry:
            before.outcome.warnings.append(
                Notice("SUPERSEDED_IN_CALL", "a later record of this call has the same VPC")
            )
        elif before is not None:
            entry.outcome.warnings.append(
                Notice("STALE_ADVICE_IGNORED", "an earlier record of this call is newer")
            )
    return list(newest.values())


def _advise(vendor_id: int, entries: Sequence[_Entry], actor: str) -> None:
    done: list[AdviceResult] = []

    def act(some: Sequence[_Entry]) -> None:
        advice = [StockAdvice(entry.record.vpc, entry.record.quantity, entry.told_as_of) for entry in some]
        done.append(advise_stock(vendor_id=vendor_id, advice=advice, actor=actor))

    for position, problems in together(entries, act).items():
        entries[position].outcome.problems = problems
    accepted = {vpc for result in done for vpc in result.accepted}
    unknown = {vpc for result in done for vpc in result.unknown}
    inactive = _inactive(vendor_id, accepted)
    for entry in entries:
        vpc = entry.record.vpc
        if vpc in accepted:
            entry.outcome.changed = True
            if vpc in inactive:
                entry.outcome.warnings.append(
                    Notice("EXTERNAL_SKU_INACTIVE", f"{vpc} is stored, but not sold at present")
                )
        elif vpc in unknown:
            message = f"{vpc} is not mapped to a SKU of the retailer; ask for the mapping, or check the code's capitals"
            entry.outcome.problems = [Problem("EXTERNAL_SKU_NOT_FOUND", message, "vpc")]
        elif not entry.outcome.problems:
            entry.outcome.warnings.append(Notice("STALE_ADVICE_IGNORED", f"{vpc}: a newer figure is known"))


def _inactive(vendor_id: int, vpcs: set[str]) -> set[str]:
    rows = fetch(
        "SELECT vpc FROM purchasing_vendorsku WHERE vendor_id = %s AND vpc = ANY(%s) AND NOT active",
        [vendor_id, sorted(vpcs)],
    )
    return {row[0] for row in rows}


UPDATE = Batch(
    name="Product.ExternalSku.Update",
    version=2,
    scope=Scope.VENDOR,
    record=AdviceRecord,
    answer=Advised,
    handler=advise,
    example={"records": [{"vendor_id": "27", "vpc": "ABC123", "quantity": 12}]},
)
