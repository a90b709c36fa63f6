"""From the packages of a call to the packages of an operation. No database.

A package is named by its sender: by `package_id`, else by its tracking number, else by what is in it. The same package
told again is recognised by name and contents and changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from retailops.hub.api.carriers import CARRIER_CLASSES
from retailops.hub.api.errors import ApiError
from retailops.hub.api.loose import Id, Moment, Reference, Text, Units, UnitsOrNone, Weight
from retailops.hub.api.params import Params
from retailops.hub.api.replies import Notice
from retailops.hub.fulfilment.operations.ship_packages import NewPackage

KILOGRAMS: Final = {
    "kg": Decimal(1),
    "g": Decimal("0.001"),
    "lb": Decimal("0.45359237"),
    "oz": Decimal("0.028349523125"),
}
CLOCK_SKEW: Final = timedelta(minutes=5)
LATEST: Final = timedelta(hours=24)
_TRACKING: Final = re.compile(r"[A-Z0-9]{4,64}")
_FILLERS: Final = re.compile(r"[ -]")


class BoxItem(Params):
    """Units in a package."""

    quantity: Units

    @property
    @abstractmethod
    def given_id(self) -> int | None:
        """The item's id, where the sender gave one."""

    @property
    @abstractmethod
    def code(self) -> str | None:
        """The product code, where the sender gave one."""


class Box(Params):
    """What a package is sent with. Weights without a unit are pounds."""

    ship_class_id: Id | None = None
    carrier_name: Text | None = None
    carrier_class_name: Text | None = None
    tracking_number: Text | None = None
    package_id: Reference | None = None
    unit_count: UnitsOrNone | None = None
    weight: Weight | None = None
    weight_unit: Literal["kg", "g", "lb", "oz"] = "lb"
    date_shipped: Moment | None = None

    @property
    @abstractmethod
    def contents(self) -> Sequence[BoxItem]:
        """What is in it."""


@dataclass(slots=True)
class OpenItem:
    """A shipment item as its sender names it, and the units it still has to ship. `codes`: the first one is ours."""

    item_id: int
    given_id: int
    codes: tuple[str, ...]
    left: int


@dataclass(slots=True)
class Source:
    """A shipment to be packed. `known` is package key → code → units; `closed`: why nothing new may be packed."""

    shipment_id: int
    prefix: str
    created_at: datetime
    items: Sequence[OpenItem]
    known: dict[str, Counter[str]] = field(default_factory=dict)
    closed: ApiError | None = None
    codes: tuple[str, str] = ("VPC_NOT_ON_PO", "PO_ITEM_NOT_FOUND")


@dataclass(slots=True)
class Packed:
    """The packages that are new, and what to tell the sender."""

    packages: list[NewPackage] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


def pack(boxes: Sequence[Box], source: Source) -> Packed:
    """Return the new packages, lowering what `source` has left. Raises `ApiError`; the source is of no use then."""
    packed = Packed()
    for position, (key, box, items) in enumerate(_merge(boxes, source, packed.warnings)):
        path = f"packages[{position}]"
        contents = Counter[str]()
        for item, path_of_item in items:
            contents[_matching(item, source, path_of_item)[0].codes[0]] += item.quantity
        if key in source.known:
            if source.known[key] != contents:
                message = f"{path}: {box.tracking_number or key} was told before with other contents; send a package_id"
                raise source.closed or ApiError("PACKAGE_CONFLICT", message, path)
            packed.warnings.append(Notice("NO_CHANGE", f"{path} is known already"))
            continue
        if source.closed is not None:
            raise source.closed
        source.known[key] = contents
        units = [part for item, path_of_item in items for part in _take(item, source, path_of_item)]
        packed.packages.append(_package(key, box, source, units))
    return packed


def _merge(
    boxes: Sequence[Box], source: Source, warnings: list[Notice]
) -> list[tuple[str, Box, list[tuple[BoxItem, str]]]]:
    """Check each box and put those with one name together."""
    merged: dict[str, tuple[Box, list[tuple[BoxItem, str]]]] = {}
    for position, box in enumerate(boxes):
        path = f"packages[{position}]"
        tracking = _check(box, source, path)
        items = [(item, f"{path}.items[{at}]") for at, item in enumerate(box.contents)]
        key = source.prefix + (box.package_id or tracking or _digest(box))
        if key not in merged:
            merged[key] = (box, items)
            continue
        first = merged[key][0]
        if _carrier(first) != _carrier(box):
            raise ApiError(
                "PACKAGE_CONFLICT",
                f"{path}: its tracking number is given twice with different carriers",
                path,
            )
        merged[key][1].extend(items)
        warnings.append(
            Notice("TRACKING_REUSED", f"{path} was put into the package before it with the same number")
        )
    return [(key, box, items) for key, (box, items) in merged.items()]


def _check(box: Box, source: Source, path: str) -> str:
    """Check a box by itself and return its tracking number as it is compared: capitals and digits."""
    if box.ship_class_id is None and not box.carrier_name:
        raise ApiError(
            "SHIP_CLASS_REQUIRED", f"{path}: send ship_class_id, or carrier_name and carrier_class_name", path
        )
    known = CARRIER_CLASSES.get(box.ship_class_id or 0)
    if box.ship_class_id is not None and known is None:
        message = f"{path}: there is no ship class {box.ship_class_id}; fetch them with Constant.Ship.CarrierClass.Fetch"
        raise ApiError("SHIP_CLASS_UNKNOWN", message, f"{path}.ship_class_id")
    tracking = _FILLERS.sub("", (box.tracking_number or "").strip().upper())
    if not tracking and known is not None and known.tracking_required:
        raise ApiError(
            "TRACKING_REQUIRED", f"{path}: {known.name} needs a tracking number", f"{path}.tracking_number"
        )
    if tracking and not _TRACKING.fullmatch(tracking):
        message = f"{path}: a tracking number has 4 to 64 letters and digits, not {box.tracking_number!r}"
        raise ApiError("TRACKING_INVALID", message, f"{path}.tracking_number")
    units = sum(item.quantity for item in box.contents)
    if not units:
        raise ApiError("PACKAGE_EMPTY", f"{path} holds nothing; leave it out", path)
    if box.unit_count is not None and box.unit_count != units:
        message = f"{path}: unit_count is {box.unit_count}, but its items add up to {units}"
        raise ApiError("UNIT_COUNT_MISMATCH", message, f"{path}.unit_count")
    _check_date(box, source, path)
    return tracking


def _check_date(box: Box, source: Source, path: str) -> None:
    if box.date_shipped is None:
        return
    if not source.created_at - CLOCK_SKEW <= box.date_shipped <= datetime.now(UTC) + LATEST:
        message = f"{path}: date_shipped must lie between {source.created_at:%Y-%m-%dT%H:%M:%SZ} and tomorrow"
        raise ApiError("SHIP_DATE_INVALID", message, f"{path}.date_shipped")


def _digest(box: Box) -> str:
    """Name a package without a number by its contents."""
    text = repr(sorted((item.given_id or 0, item.code or "", item.quantity) for item in box.contents))
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _carrier(box: Box) -> tuple[str, str]:
    known = CARRIER_CLASSES.get(box.ship_class_id or 0)
    if known is not None:
        return known.carrier_name, known.carrier_class_name
    return (box.carrier_name or "")[:100], (box.carrier_class_name or "")[:100]


def _matching(item: BoxItem, source: Source, path: str) -> list[OpenItem]:
    """Return the shipment items that an item may stand for, in their order."""
    if item.given_id is None and item.code is None:
        raise ApiError("MISSING_FIELD", f"{path}: say what it is, by its product code or its item id", path)
    found = [
        candidate
        for candidate in source.items
        if item.given_id in (None, candidate.given_id) and (item.code is None or item.code in candidate.codes)
    ]
    if not found:
        code = source.codes[0] if item.given_id is None else source.codes[1]
        raise ApiError(code, f"{path}: {item.code or item.given_id} is not to be shipped here", path)
    return found


def _take(item: BoxItem, source: Source, path: str) -> list[tuple[int, int]]:
    needed = item.quantity
    parts = []
    for candidate in _matching(item, source, path):
        units = min(needed, candidate.left)
        if units:
            candidate.left -= units
            needed -= units
            parts.append((candidate.item_id, units))
    if needed:
        left = item.quantity - needed
        message = f"{path}: {item.quantity} of {item.code or item.given_id} packed, but only {left} are left to ship"
        raise ApiError("OVER_SHIP", message, f"{path}.quantity")
    return parts


def _package(key: str, box: Box, source: Source, units: Sequence[tuple[int, int]]) -> NewPackage:
    carrier_name, class_name = _carrier(box)
    weight = None if box.weight is None else round(box.weight * KILOGRAMS[box.weight_unit], 4)
    return NewPackage(
        key=key,
        shipment_id=source.shipment_id,
        items=units,
        carrier_name=carrier_name,
        carrier_class_name=class_name,
        tracking_number=(box.tracking_number or "").strip()[:100],
        weight_kg=weight,
        shipped_at=box.date_shipped,
    )


def known_packages(rows: Sequence[tuple[str, int, int]], codes: Mapping[int, str]) -> dict[str, Counter[str]]:
    """Return key → code → units for (key, shipment item, units) rows."""
    known: dict[str, Counter[str]] = {}
    for key, item_id, units in rows:
        known.setdefault(key, Counter())[codes[item_id]] += units
    return known
