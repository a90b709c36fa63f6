"""Ship by hand, and refuse to ship."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import CharField, DecimalField, HiddenInput, IntegerField

from retailops.hub.console.pages import Action, ConsoleForm
from retailops.hub.console.stock_actions import new_key
from retailops.hub.fulfilment.models import Shipment, ShipmentItem
from retailops.hub.fulfilment.operations.reject_items import reject_shipment_items
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages

OPERATE = "fulfilment.add_package"


def left_to_ship(item: ShipmentItem) -> int:
    """Units of an item that are neither shipped nor cancelled."""
    return item.quantity - item.shipped - item.cancelled


class ItemsForm(ConsoleForm):
    """One field of units for each shipment item that has some left."""

    def __init__(
        self, data: object = None, files: object = None, *, items: list[ShipmentItem], full: bool
    ) -> None:
        super().__init__(data, files, leading={f"item_{item.pk}": _units(item, full=full) for item in items})

    def clean(self) -> dict[str, Any]:
        """Ask for at least one unit."""
        cleaned = super().clean() or {}
        if not self.errors and not units_of(cleaned):
            self.add_error(None, "enter the units of at least one item")
        return cleaned


class ShipForm(ItemsForm):
    """A package."""

    carrier_name = CharField(
        max_length=100, label="Carrier", help_text="As the channel knows it, such as UPS"
    )
    carrier_class_name = CharField(
        max_length=100, label="Service", required=False, help_text="Such as Ground"
    )
    tracking_number = CharField(max_length=100, required=False)
    weight_kg = DecimalField(
        label="Weight in kg", required=False, min_value=0, max_digits=10, decimal_places=4
    )
    key = CharField(widget=HiddenInput, initial=new_key, max_length=60)


class RefuseForm(ItemsForm):
    """Why a source doesn't ship."""

    reason = CharField(max_length=200, help_text="This source is not asked again for the line")


def _units(item: ShipmentItem, *, full: bool) -> IntegerField:
    left = left_to_ship(item)
    return IntegerField(
        label=f"Units of {item.order_line.sku_code}", min_value=0, max_value=left, initial=left if full else 0,
        help_text=f"{left} left to ship",
    )  # fmt: skip


def units_of(data: Mapping[str, Any]) -> dict[int, int]:
    """Shipment item → units, from the cleaned data."""
    return {
        int(name.removeprefix("item_")): value
        for name, value in data.items()
        if name.startswith("item_") and value
    }


def shipment_actions(shipment: Shipment) -> list[Action]:
    """What can be done while there is something left to ship."""
    items = [
        item for item in shipment.items.select_related("order_line").order_by("id") if left_to_ship(item)
    ]
    if not items:
        return []
    name = f"shipment {shipment.pk} ({shipment.facility or shipment.vendor})"
    return [
        Action(
            f"ship-{shipment.pk}", f"Ship {name}", OPERATE,
            lambda data=None, files=None: ShipForm(data, files, items=items, full=True),
            lambda data, actor: ship(shipment.pk, data, actor), "Record the package", "local_shipping",
            "Record a package that left by hand. The channel is told, and stock leaves the shelf.",
        ),
        Action(
            f"refuse-{shipment.pk}", f"Refuse {name}", OPERATE,
            lambda data=None, files=None: RefuseForm(data, files, items=items, full=False),
            refuse, "Refuse the units", "block",
            "The source can't ship them: they are routed elsewhere.", danger=True,
        ),
    ]  # fmt: skip


def ship(shipment_id: int, data: Mapping[str, Any], actor: str) -> str:
    """Record one package."""
    package = NewPackage(
        key=data["key"],
        shipment_id=shipment_id,
        items=sorted(units_of(data).items()),
        carrier_name=data["carrier_name"],
        carrier_class_name=data["carrier_class_name"],
        tracking_number=data["tracking_number"],
        weight_kg=data["weight_kg"],
    )
    result = ship_packages(packages=[package], actor=actor)
    return "this package was recorded before" if result.repeated else "package recorded"


def refuse(data: Mapping[str, Any], actor: str) -> str:
    """Give units back to routing."""
    reject_shipment_items(quantities=units_of(data), actor=actor, reason=data["reason"])
    return "refused; the units are routed elsewhere"
