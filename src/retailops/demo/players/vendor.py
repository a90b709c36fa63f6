"""The dropship vendor: tells what it has, fetches POs, says that it has them, ships them, now and then can't."""

from __future__ import annotations

from collections.abc import Mapping

from retailops.client import Record
from retailops.demo.api import Api
from retailops.demo.day import Day
from retailops.demo.scenario import Fate

AT_ONCE = 100
#: FedEx Ground, as Constant.Ship.CarrierClass.Fetch numbers it.
SHIP_CLASS = 7


class DropshipVendor:
    """One vendor's people. `stock` is VPC → units on its shelves."""

    def __init__(self, day: Day, api: Api, stock: Mapping[str, int]) -> None:
        self._day = day
        self._api = api
        self._stock = dict(stock)

    def advise(self) -> None:
        """Tell the hub what is on the shelves."""
        records = [{"vpc": vpc, "quantity": quantity} for vpc, quantity in self._stock.items()]
        self._api.call("Product.ExternalSku.Update", version=2, records=records)

    def step(self) -> bool:
        """Take up new POs and ship those taken up; returns whether there was anything."""
        taken_up, shipped = self._take_up(), self._ship_all()
        return taken_up or shipped

    def _take_up(self) -> bool:
        pos = [po for po in self._fetch("ready") if self._day.may_ship(po["order"]["channel_refnum"])]
        return any(self._api.batch("Vendor.PO.MarkSubmitted", [{"po": po["po"]} for po in pos]))

    def _ship_all(self) -> bool:
        shipped = [self._ship(po) for po in self._fetch("submitted")]
        return any(shipped)

    def _fetch(self, status: str) -> list[Record]:
        parts = {"with_items": 1, "with_order": 1, "with_ship_address": 0}
        return list(self._api.pages("Vendor.PO.Fetch", status=status, limit=AT_ONCE, **parts))

    def _ship(self, po: Record) -> bool:
        items = {item["vpc"]: item["quantity_open"] for item in po["items"] if item["quantity_open"]}
        rejects = self._day.fate(po["order"]["channel_refnum"]) is Fate.REJECTED_BY_VENDOR
        package = {
            "ship_class_id": SHIP_CLASS,
            "tracking_number": f"ACME{po['id']:010d}",
            "items": [{"vpc": vpc, "quantity": quantity} for vpc, quantity in items.items()],
        }
        packages = [] if rejects else [package]
        done = self._api.attempt(
            "Vendor.PO.Complete", po=po["po"], packages=packages, cancel_remainder=int(rejects)
        )
        if done and rejects:
            self._day.tally.add("rejected by the vendor")
        elif done:
            self._day.tally.add("packages")
            self._day.tally.add("packages from the vendor")
            for vpc, quantity in items.items():
                self._stock[vpc] = max(0, self._stock[vpc] - quantity)
            self.advise()
        return done
