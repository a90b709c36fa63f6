"""Carriers' classes of service as vendors and warehouses name them. Ids are never reused or renumbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CarrierClass:
    """`tracking_required` is 0 for freight and the like, which travel without a number."""

    id: int
    name: str
    carrier_id: int
    carrier_name: str
    carrier_class_name: str
    tracking_required: int = 1


_CARRIERS: Final = {
    (1, "FedEx"): {
        3: "Priority Overnight",
        4: "Standard Overnight",
        5: "2Day",
        6: "Express Saver",
        7: "Ground",
        8: "Home Delivery",
        9: "International Priority",
        10: "International Economy",
        71: "SmartPost",
        74: "SmartPost Parcel Select",
        113: "Ground (2)",
    },
    (2, "USPS"): {
        34: "Priority Mail",
        35: "Parcel Select",
        37: "Media Mail",
        38: "Bound Printed Matter",
        39: "First-Class Mail",
        50: "Priority Mail Express",
    },
    (3, "UPS"): {
        57: "Next Day Air",
        58: "Next Day Air Saver",
        59: "2nd Day Air A.M.",
        60: "2nd Day Air",
        62: "Ground",
        63: "Worldwide Express",
        64: "Worldwide Express Plus",
        65: "Worldwide Expedited",
        66: "Worldwide Saver",
        67: "Standard to Canada",
    },
    (4, "Freight"): {114: "LTL"},
}
_UNTRACKED: Final = frozenset({114})

CARRIER_CLASSES: Final[Mapping[int, CarrierClass]] = {
    number: CarrierClass(
        number, f"{carrier} {name}", carrier_id, carrier, name, int(number not in _UNTRACKED)
    )
    for (carrier_id, carrier), classes in _CARRIERS.items()
    for number, name in sorted(classes.items())
}
