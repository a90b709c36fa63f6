"""Goods leave a facility or a vendor, in packages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from retailops.hub.db import Row, columns_of, copy_rows, execute, fetch, next_ids, unit_of_work
from retailops.hub.fulfilment.models import Package, PackageItem
from retailops.hub.fulfilment.operations.complete_orders import finish_orders
from retailops.hub.fulfilment.operations.tell_channel import tell_packages
from retailops.hub.fulfilment.operations.withdraw_items import finish_shipments, take_allocations
from retailops.hub.orders.operations.count_lines import LineChange, count_lines, lock_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.purchasing.operations.count_po_items import ship_po_items
from retailops.hub.stock.operations.post_moves import Move, post_moves


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A package of one shipment. `items` is (shipment item, units); `key` is the sender's own name for the package."""

    key: str
    shipment_id: int
    items: Sequence[tuple[int, int]]
    carrier_name: str = ""
    carrier_class_name: str = ""
    tracking_number: str = ""
    weight_kg: Decimal | None = None
    shipped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShipResult:
    """Package ids by key; `repeated` keys were recorded before and changed nothing."""

    packages: Mapping[str, int]
    repeated: frozenset[str]
    completed_orders: Sequence[int]


class PackageError(Exception):
    """A package can't be what it says. The message names the package, the problem and the way out."""


class OverShipError(PackageError):
    """More units in packages than the shipment item still has to ship."""


@unit_of_work
def ship_packages(*, packages: Sequence[NewPackage], actor: str) -> ShipResult:
    """Record packages: stock leaves, counters move, the channel is told of each package once, finished orders complete.

    All or nothing: raises `PackageError` if any package is not right. A package whose key is known is not recorded again.
    """
    orders = _orders_of(packages)
    lock_orders(set(orders.values()))
    by_key = _by_key(packages)
    known = _known(by_key)
    new = [package for package in by_key.values() if package.key not in known]
    items = _check(new)
    ids = dict(zip((package.key for package in new), next_ids(Package, len(new)), strict=True))
    _write(new, ids)
    shipped: dict[int, int] = defaultdict(int)
    for package in new:
        for item_id, units in package.items:
            shipped[item_id] += units
    _count(shipped, items)
    _move_stock(shipped, {item_id: ids[p.key] for p in new for item_id, _ in p.items}, actor)
    vendor_units = {item_id: units for item_id, units in shipped.items() if items[item_id][4]}
    if vendor_units:
        ship_po_items(quantities=vendor_units)
    finish_shipments({package.shipment_id for package in new})
    touched = sorted({orders[package.shipment_id] for package in new})
    log_events(
        [
            (orders[p.shipment_id], "package_shipped", {"package": ids[p.key], "tracking": p.tracking_number})
            for p in new
        ],
        actor=actor,
    )
    tell_packages(package_ids=list(ids.values()))
    completed = finish_orders(order_ids=touched, actor=actor)
    return ShipResult({**known, **ids}, frozenset(known), completed)


def _orders_of(packages: Sequence[NewPackage]) -> dict[int, int]:
    wanted = {package.shipment_id for package in packages}
    rows = fetch("SELECT id, order_id FROM fulfilment_shipment WHERE id = ANY(%s)", [sorted(wanted)])
    orders = {row[0]: row[1] for row in rows}
    if missing := wanted - set(orders):
        message = f"there is no shipment {min(missing)}"
        raise PackageError(message)
    return orders


def _by_key(packages: Sequence[NewPackage]) -> dict[str, NewPackage]:
    by_key: dict[str, NewPackage] = {}
    for package in packages:
        if by_key.setdefault(package.key, package) != package:
            message = (
                f"package {package.key} is there twice, and differs; give each package a name of its own"
            )
            raise PackageError(message)
    return by_key


def _known(packages: Mapping[str, NewPackage]) -> dict[str, int]:
    """Return the packages that are on record, key → id. A name is good for one shipment only."""
    rows = fetch("SELECT key, id, shipment_id FROM fulfilment_package WHERE key = ANY(%s)", [list(packages)])
    for key, _, shipment_id in rows:
        if packages[key].shipment_id != shipment_id:
            message = f"package {key} is on record for another shipment, {shipment_id}; give this one a name of its own"
            raise PackageError(message)
    return {row[0]: row[1] for row in rows}


def _check(packages: Sequence[NewPackage]) -> dict[int, Row]:
    """Lock the shipment items and return them as id → (id, shipment, line, units left, vendor)."""
    rows = fetch(
        """SELECT i.id, i.shipment_id, i.order_line_id, i.quantity - i.shipped - i.cancelled, s.vendor_id
           FROM fulfilment_shipmentitem i JOIN fulfilment_shipment s ON s.id = i.shipment_id
           WHERE i.id = ANY(%s) ORDER BY i.id FOR NO KEY UPDATE OF i, s""",
        [sorted({item_id for package in packages for item_id, _ in package.items})],
    )
    items = {row[0]: row for row in rows}
    left = {item_id: row[3] for item_id, row in items.items()}
    for package in packages:
        if not package.items:
            message = f"package {package.key}: it has no items; leave out packages that hold nothing"
            raise PackageError(message)
        for item_id, units in package.items:
            if item_id not in items or items[item_id][1] != package.shipment_id:
                message = f"package {package.key}: shipment {package.shipment_id} has no item {item_id}"
                raise PackageError(message)
            if units < 1:
                message = f"package {package.key}, item {item_id}: quantity must be at least 1, not {units}"
                raise PackageError(message)
            if units > left[item_id]:
                message = (
                    f"package {package.key}, item {item_id}: {units} units packed, but only {left[item_id]} are left to"
                    " ship. Ship what is left, or route more units to this shipment's order first."
                )
                raise OverShipError(message)
            left[item_id] -= units
    return items


def _write(packages: Sequence[NewPackage], ids: Mapping[str, int]) -> None:
    rows = [
        (
            ids[p.key], p.shipment_id, p.key, p.carrier_name, p.carrier_class_name, p.tracking_number, p.weight_kg,
            p.shipped_at,
        )
        for p in packages
    ]  # fmt: skip
    execute(
        """INSERT INTO fulfilment_package (id, shipment_id, key, carrier_name, carrier_class_name, tracking_number,
               weight_kg, shipped_at)
           SELECT id, shipment_id, key, carrier, class, tracking, weight, coalesce(shipped_at, now())
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[],
               %s::timestamptz[]) AS p (id, shipment_id, key, carrier, class, tracking, weight, shipped_at)""",
        columns_of(rows, 8),
    )
    contents: dict[tuple[int, int], int] = defaultdict(int)
    for package in packages:
        for item_id, units in package.items:
            contents[ids[package.key], item_id] += units
    copy_rows(
        PackageItem,
        ("package_id", "shipment_item_id", "quantity"),
        ((*key, units) for key, units in contents.items()),
    )


def _count(shipped: Mapping[int, int], items: Mapping[int, Row]) -> None:
    execute(
        """UPDATE fulfilment_shipmentitem i SET shipped = i.shipped + q.units
           FROM unnest(%s::bigint[], %s::int[]) AS q (id, units) WHERE i.id = q.id""",
        columns_of(sorted(shipped.items()), 2),
    )
    count_lines(
        [LineChange(items[item_id][2], planned=-units, shipped=units) for item_id, units in shipped.items()]
    )


def _move_stock(shipped: Mapping[int, int], packages: Mapping[int, int], actor: str) -> None:
    post_moves(
        [
            Move(
                "ship", facility_id, sku_id, f"ship:{allocation_id}:{left}", d_on_hand=-units, d_allocated=-units,
                shipment_item_id=item_id, package_id=packages[item_id],
            )
            for allocation_id, item_id, facility_id, sku_id, units, left in take_allocations(shipped)
        ],
        actor=actor,
    )  # fmt: skip
