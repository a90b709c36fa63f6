"""What may be published on a channel. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Source:
    """Units at one place. `available` may be sold now, `total` is there physically."""

    quantity_type: str
    available: int
    total: int
    facility_name: str = ""
    vendor_name: str = ""
    po: str = ""
    estimated_availability_date: datetime | None = None
    facility_id: int = 0


@dataclass(frozen=True, slots=True)
class Available:
    """What may be published, and its parts; the parts' available quantities add up to `quantity`."""

    quantity: int
    details: Sequence[Source] = field(default_factory=tuple)


def available_to_sell(
    sources: Sequence[Source], *, open_demand: int, buffer: int, maximum: int | None
) -> Available:
    """Return clamp(Σ available − open demand − buffer, 0, maximum).

    What is held back is taken from the parts in their order (own stock first), so that they still add up.
    """
    offered = sum(max(0, source.available) for source in sources)
    quantity = max(0, offered - open_demand - buffer)
    if maximum is not None:
        quantity = min(quantity, maximum)
    held_back = offered - quantity
    details = []
    for source in sources:
        taken = min(held_back, max(0, source.available))
        held_back -= taken
        details.append(replace(source, available=max(0, source.available) - taken))
    return Available(quantity, details)


def kit_sources(parts: Sequence[tuple[Sequence[Source], int]]) -> list[Source]:
    """Return a kit's sources from its components' (sources, units in one kit): place by place, the scarcest decides.

    A facility makes as many kits as its components allow; kits are not put together across places.
    """
    by_place = [{s.facility_id: s for s in sources if s.quantity_type == "internal"} for sources, _ in parts]
    if not by_place:
        return []
    shared = set(by_place[0]).intersection(*by_place[1:])
    kits = []
    for place in sorted(shared):
        counts = [(places[place], per_kit) for places, (_, per_kit) in zip(by_place, parts, strict=True)]
        kits.append(
            replace(
                counts[0][0],
                available=min(max(0, source.available) // per_kit for source, per_kit in counts),
                total=min(source.total // per_kit for source, per_kit in counts),
            )
        )
    return kits
