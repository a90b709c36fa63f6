"""What a vendor's advice is worth. Pure functions (reference: as-of netting)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """A vendor's figure for one VPC, and what to make of it.

    `reserved` are the units on our POs that the vendor had not yet taken out of the figure when it was taken.
    `age_hours` is how old the figure is; `None` means that the vendor has never advised.
    """

    advised: int
    reserved: int
    age_hours: float | None
    fresh_hours: float
    expiry_hours: float
    buffer: int = 0


def external_available(advice: Advice) -> int:
    """Return the units that may still be sold: netted, decayed with age, less the buffer; never below zero.

    The figure counts in full while fresh, then falls in a straight line to nothing at its expiry.
    """
    if advice.age_hours is None or advice.age_hours >= advice.expiry_hours:
        return 0
    net = max(0, advice.advised - advice.reserved)
    if advice.age_hours > advice.fresh_hours:
        net = int(net * (advice.expiry_hours - advice.age_hours) / (advice.expiry_hours - advice.fresh_hours))
    return max(0, net - advice.buffer)
