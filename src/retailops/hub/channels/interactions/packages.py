"""Packages as the channel is told of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailops.contract.shipment import Package, PackageItem, Shipment
from retailops.contract.strict_json import rfc3339
from retailops.hub.db import Row, fetch

_BY_ORDER = "s.order_id = ANY(%s)"
_BY_PACKAGE = "p.id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class ShippedPackage:
    """A package with the shipment and order it belongs to."""

    id: int
    shipment_id: int
    order_id: int
    order_refnum: str
    document: Package


def packages_of_orders(order_ids: Collection[int]) -> list[ShippedPackage]:
    """All packages of orders so far, in the order in which they were recorded."""
    return _load(_BY_ORDER, order_ids)


def packages_by_id(package_ids: Collection[int]) -> dict[int, ShippedPackage]:
    """Packages by their ids."""
    return {package.id: package for package in _load(_BY_PACKAGE, package_ids)}


def shipments(packages: Sequence[ShippedPackage]) -> list[Shipment]:
    """Packages put together by the shipment they belong to."""
    by_shipment: dict[int, list[Package]] = defaultdict(list)
    for package in packages:
        by_shipment[package.shipment_id].append(package.document)
    return [
        Shipment(retailops_shipment_id=shipment_id, packages=of_shipment)
        for shipment_id, of_shipment in by_shipment.items()
    ]


def exact(number: Decimal) -> Decimal:
    """The number without the zeros that its column fills up with."""
    return number.normalize() + 0


def _load(condition: str, ids: Collection[int]) -> list[ShippedPackage]:
    rows = fetch(
        f"""SELECT p.id, p.shipment_id, s.order_id, o.channel_refnum, o.channel_id, p.carrier_name, p.carrier_class_name,
                p.tracking_number, p.weight_kg, p.shipped_at
            FROM fulfilment_package p JOIN fulfilment_shipment s ON s.id = p.shipment_id
            JOIN orders_order o ON o.id = s.order_id WHERE {condition} ORDER BY p.id""",  # noqa: S608 - ours
        [sorted(set(ids))],
    )
    items = _items([row[0] for row in rows])
    codes = _ship_codes({row[4] for row in rows})
    return [
        ShippedPackage(row[0], row[1], row[2], row[3], _document(row, items.get(row[0], []), codes))
        for row in rows
    ]


def _document(row: Row, items: list[PackageItem], codes: dict[tuple[int, str, str], str]) -> Package:
    package_id, _, _, _, channel_id, carrier, carrier_class, tracking, weight, shipped_at = row
    code = codes.get((channel_id, carrier.casefold(), carrier_class.casefold())) or codes.get(
        (channel_id, carrier.casefold(), "")
    )
    return Package(
        retailops_package_id=package_id,
        carrier_name=carrier or None,
        carrier_class_name=carrier_class or None,
        channel_ship_code=code,
        tracking_number=tracking or None,
        weight_kg=None if weight is None else exact(weight),
        date_shipped=rfc3339(shipped_at),
        package_items=items,
    )


def _items(package_ids: list[int]) -> dict[int, list[PackageItem]]:
    rows = fetch(
        """SELECT i.package_id, l.sku_code, l.id, i.shipment_item_id, l.channel_item_refnum, i.quantity
           FROM fulfilment_packageitem i JOIN fulfilment_shipmentitem si ON si.id = i.shipment_item_id
           JOIN orders_orderline l ON l.id = si.order_line_id WHERE i.package_id = ANY(%s) ORDER BY i.id""",
        [package_ids],
    )
    items: dict[int, list[PackageItem]] = defaultdict(list)
    for package_id, sku, line_id, shipment_item_id, refnum, quantity in rows:
        items[package_id].append(
            PackageItem(
                sku=sku,
                retailops_order_item_id=line_id,
                retailops_shipment_item_id=shipment_item_id,
                channel_item_refnum=refnum or None,
                quantity=quantity,
            )
        )
    return items


def _ship_codes(channel_ids: Collection[int]) -> dict[tuple[int, str, str], str]:
    """(channel, carrier, class or "" for any) → the channel's own code. Case makes no difference."""
    rows = fetch(
        """SELECT channel_id, carrier_name, carrier_class_name, code FROM channels_shipcode
           WHERE channel_id = ANY(%s)""",
        [sorted(channel_ids)],
    )
    return {(row[0], row[1].casefold(), row[2].casefold()): row[3] for row in rows}
