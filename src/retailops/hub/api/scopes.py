"""Whom a record is for: the vendor, facility or order it names, within what the key may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retailops.hub.api.errors import ApiError
from retailops.hub.api.principal import Principal, ScopedFacility, ScopedVendor
from retailops.hub.db import fetch


class NamesVendor(Protocol):
    """Parameters with `vendor_id` or `vendor_name`."""

    @property
    def vendor_id(self) -> int | None: ...  # noqa: D102
    @property
    def vendor_name(self) -> str | None: ...  # noqa: D102


class NamesFacility(Protocol):
    """Parameters with `facility_id` or `facility` (its code)."""

    @property
    def facility_id(self) -> int | None: ...  # noqa: D102
    @property
    def facility(self) -> str | None: ...  # noqa: D102


class NamesOrder(Protocol):
    """Parameters with `order_id`, or with `refnum` and perhaps `channel` (its code)."""

    @property
    def order_id(self) -> int | None: ...  # noqa: D102
    @property
    def refnum(self) -> str | None: ...  # noqa: D102
    @property
    def channel(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class OrderRef:
    """An order as callers name it."""

    id: int
    refnum: str
    channel: str
    status: str


def vendors_of(principal: Principal, records: Sequence[NamesVendor]) -> list[ScopedVendor | ApiError]:
    """Return the vendor that each record is for, or what is wrong with it; at most one statement."""
    if principal.vendor is not None:
        known = [principal.vendor]
    else:
        rows = fetch(
            "SELECT id, name, enabled FROM purchasing_vendor WHERE id = ANY(%s) OR lower(name) = ANY(%s)",
            [
                sorted({record.vendor_id for record in records if record.vendor_id is not None}),
                sorted({record.vendor_name.lower() for record in records if record.vendor_name is not None}),
            ],
        )
        known = [ScopedVendor(*row) for row in rows]
    return [_vendor(principal, record, known) for record in records]


def vendor_of(principal: Principal, record: NamesVendor) -> ScopedVendor:
    """Return the vendor that the call is for. Raises `ApiError`."""
    [found] = vendors_of(principal, [record])
    if isinstance(found, ApiError):
        raise found
    return found


def _vendor(
    principal: Principal, record: NamesVendor, known: Sequence[ScopedVendor]
) -> ScopedVendor | ApiError:
    by_id, name = record.vendor_id, record.vendor_name
    if by_id is None and name is None:
        if principal.vendor is not None:
            return principal.vendor
        return ApiError("VENDOR_REQUIRED", "say which vendor with vendor_id or vendor_name", "vendor_id")
    matching_id = [vendor for vendor in known if by_id in (None, vendor.id)]
    matching = [vendor for vendor in matching_id if name is None or vendor.name.lower() == name.lower()]
    if len(matching) > 1:
        return ApiError(
            "VENDOR_AMBIGUOUS", f"several vendors have the name {name!r}; send vendor_id", "vendor_name"
        )
    if by_id is not None and matching_id and not matching:
        return ApiError(
            "VENDOR_AMBIGUOUS",
            f"vendor {by_id} isn't called {name!r}; send only one of the two",
            "vendor_name",
        )
    if not matching:
        return ApiError("VENDOR_FORBIDDEN", f"this key may not act for vendor {by_id or name!r}", "vendor_id")
    return matching[0]


def facilities_of(principal: Principal, records: Sequence[NamesFacility]) -> list[ScopedFacility | ApiError]:
    """Return the facility that each record is for, or what is wrong with it; at most one statement."""
    if principal.facility is not None:
        known = [principal.facility]
    else:
        rows = fetch(
            "SELECT id, code FROM stock_facility WHERE id = ANY(%s) OR code = ANY(%s)",
            [
                sorted({record.facility_id for record in records if record.facility_id is not None}),
                sorted({record.facility for record in records if record.facility is not None}),
            ],
        )
        known = [ScopedFacility(*row) for row in rows]
    return [_facility(principal, record, known) for record in records]


def facility_of(principal: Principal, record: NamesFacility) -> ScopedFacility:
    """Return the facility that the call is for. Raises `ApiError`."""
    [found] = facilities_of(principal, [record])
    if isinstance(found, ApiError):
        raise found
    return found


def _facility(
    principal: Principal, record: NamesFacility, known: Sequence[ScopedFacility]
) -> ScopedFacility | ApiError:
    by_id, code = record.facility_id, record.facility
    if by_id is None and code is None:
        if principal.facility is not None:
            return principal.facility
        return ApiError(
            "FACILITY_REQUIRED", "say which facility with facility_id or facility (its code)", "facility_id"
        )
    for facility in known:
        if by_id in (None, facility.id) and code in (None, facility.code):
            return facility
    return ApiError(
        "FACILITY_FORBIDDEN", f"this key may not act for facility {by_id or code!r}", "facility_id"
    )


def orders_of(records: Sequence[NamesOrder]) -> list[OrderRef | ApiError]:
    """Return the order that each record names, or what is wrong with it; one statement."""
    rows = fetch(
        """SELECT o.id, o.channel_refnum, c.code, o.status FROM orders_order o
           JOIN channels_channel c ON c.id = o.channel_id WHERE o.id = ANY(%s)
           UNION SELECT o.id, o.channel_refnum, c.code, o.status FROM orders_order o
           JOIN channels_channel c ON c.id = o.channel_id WHERE o.channel_refnum = ANY(%s)""",
        [
            sorted({record.order_id for record in records if record.order_id is not None}),
            sorted({record.refnum for record in records if record.refnum is not None}),
        ],
    )
    by_id: dict[int, OrderRef] = {}
    by_refnum: dict[str, list[OrderRef]] = {}
    for row in rows:
        order = OrderRef(*row)
        by_id[order.id] = order
        by_refnum.setdefault(order.refnum, []).append(order)
    return [_order(record, by_id, by_refnum) for record in records]


def _order(
    record: NamesOrder, by_id: dict[int, OrderRef], by_refnum: dict[str, list[OrderRef]]
) -> OrderRef | ApiError:
    if record.order_id is None and record.refnum is None:
        return ApiError("MISSING_FIELD", "say which order with order_id, or with refnum", "order_id")
    found = [by_id[record.order_id]] if record.order_id in by_id else []
    if record.order_id is None:
        found = by_refnum.get(record.refnum or "", [])
    found = [
        order
        for order in found
        if record.channel in (None, order.channel) and record.refnum in (None, order.refnum)
    ]
    if len(found) > 1:
        return ApiError(
            "ORDER_AMBIGUOUS", f"several channels have an order {record.refnum!r}; send channel", "channel"
        )
    if not found:
        return ApiError(
            "ORDER_NOT_FOUND", f"there is no order {record.order_id or record.refnum!r}", "order_id"
        )
    return found[0]
