"""A warehouse: fetches what it is to ship, packs it, and tells the hub. Its key reaches its own shipments only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retailops.client import Record
from retailops.demo.api import Api
from retailops.demo.day import Day
from retailops.demo.scenario import Fate

AT_ONCE = 200
#: FedEx Ground, UPS Ground and USPS Priority, as Constant.Ship.CarrierClass.Fetch numbers them.
SHIP_CLASSES = (7, 62, 34)


class Warehouse:
    """One facility's people."""

    def __init__(self, day: Day, api: Api, code: str) -> None:
        self._day = day
        self._api = api
        self._code = code

    def step(self) -> bool:
        """Ship what has come in; returns whether there was anything."""
        shipments = [
            shipment
            for shipment in self._api.pages("Fulfillment.Shipment.Fetch", limit=AT_ONCE, with_ship_address=0)
            if self._day.may_ship(shipment["order"]["channel_refnum"])
        ]
        records = [self._packed(shipment) for shipment in shipments]
        done = self._api.batch("Fulfillment.Shipment.Complete", records)
        for record in (record for record, shipped in zip(records, done, strict=True) if shipped):
            self._day.tally.add("packages", len(record["packages"]))
            self._day.tally.add(f"packages from {self._code}", len(record["packages"]))
            self._day.tally.add("short-shipped", record["cancel_remainder"])
        return any(done)

    def _packed(self, shipment: Record) -> Record:
        fate = self._day.fate(shipment["order"]["channel_refnum"])
        items = {
            item["shipment_item_id"]: item["quantity_open"]
            for item in shipment["items"]
            if item["quantity_open"]
        }
        packages, short = pack(items, fate)
        return {
            "id": shipment["id"],
            "packages": [
                self._package(shipment["id"], n, contents) for n, contents in enumerate(packages, 1)
            ],
            "cancel_remainder": int(short),
            "cancel_reason": "one unit was broken",
        }

    def _package(self, shipment_id: int, number: int, contents: Mapping[int, int]) -> Record:
        return {
            "ship_class_id": SHIP_CLASSES[(shipment_id + number) % len(SHIP_CLASSES)],
            "tracking_number": f"{self._code}{shipment_id:08d}{number:02d}",
            "items": [
                {"shipment_item_id": item, "quantity": quantity} for item, quantity in contents.items()
            ],
        }


def pack(items: Mapping[int, int], fate: Fate | None) -> tuple[Sequence[Mapping[int, int]], bool]:
    """Put units into packages as the plan has it; returns the packages (item → units), and whether some units are missing."""
    if fate is Fate.SHORT_SHIPPED and max(items.values()) > 1:
        item = max(items, key=lambda item: items[item])
        return [{**items, item: items[item] - 1}], True
    if fate is Fate.TWO_PACKAGES and sum(items.values()) > 1:
        first = {item: (quantity + 1) // 2 for item, quantity in items.items()}
        rest = {item: quantity - first[item] for item, quantity in items.items() if quantity > first[item]}
        if not rest:
            item = next(iter(first))
            return [{item: first.pop(item)}, first], False
        return [first, rest], False
    return [items], False
