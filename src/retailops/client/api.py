"""The client: one method for each action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from retailops.client.result import Record, Result
from retailops.client.transport import Transport

#: What calls of these actions do twice, they have done once: they may be tried again.
IDEMPOTENT: Final = frozenset(
    {
        "constant.ship.carrierclass.fetch",
        "customer.order.cancel",
        "customer.order.fetch",
        "customer.order.releasehold",
        "customer.return.receive",
        "fulfillment.shipment.complete",
        "fulfillment.shipment.fetch",
        "inventory.stock.adjust",
        "inventory.stock.fetch",
        "inventory.stock.receive",
        "product.externalsku.update",
        "system.invariants.check",
        "system.status",
        "vendor.po.complete",
        "vendor.po.fetch",
        "vendor.po.markaccepted",
        "vendor.po.marksubmitted",
    }
)

Records = Iterable[Mapping[str, object]]


class RetailOps(Transport):
    """A key's view of a hub. Use it as a context manager, or `close()` it; threads may share one.

    `timeout` is in seconds. Calls that may safely be repeated are tried `tries` times when the hub can't be reached,
    or answers 429 or 503. Plain http is for this machine only, unless `allow_plain_http` says otherwise.

    Every method raises `CallFailed` (with `code`, `message` and `path`), `PartialFailure` when only some records failed,
    and `ConnectionFailed`.
    """

    def call(self, action: str, version: int = 1, **params: object) -> Result:
        """Call any action by its name, such as "Vendor.PO.Fetch"."""
        return self._call(action, params, version)

    def _call(self, action: str, params: Mapping[str, object], version: int = 1) -> Result:
        return self.send(action, version, params, idempotent=action.lower() in IDEMPOTENT)

    def _pages(self, page: Callable[..., Result], params: Mapping[str, object]) -> Iterator[Record]:
        after: dict[str, object] = {}
        while True:
            result = page(**params, **after)
            yield from result.records
            if result.next_after is None:
                return
            after = {"after": result.next_after}

    # Vendors

    def update_external_skus(self, records: Records, *, detailed: bool = True) -> Result:
        """Product.ExternalSku.Update: advise quantities, {vpc, quantity, as_of?, vendor_id?} each; at most 1000."""
        params = {"records": list(records), "with_detailed_response": detailed}
        return self._call("Product.ExternalSku.Update", params, 2)

    def fetch_pos(self, **params: object) -> Result:
        """Vendor.PO.Fetch: one page of POs; parameters as in the reference."""
        return self._call("Vendor.PO.Fetch", params)

    def iter_pos(self, **params: object) -> Iterator[Record]:
        """Every PO that `fetch_pos` would find, page by page; safe while POs change their status."""
        return self._pages(self.fetch_pos, params)

    def mark_pos_submitted(self, records: Records) -> Result:
        """Vendor.PO.MarkSubmitted: {po, items?, version?} each. Import only those with `changed` 1."""
        return self._call("Vendor.PO.MarkSubmitted", {"records": list(records)})

    def mark_pos_accepted(self, records: Records) -> Result:
        """Vendor.PO.MarkAccepted: {po, items or version} each."""
        return self._call("Vendor.PO.MarkAccepted", {"records": list(records)})

    def complete_po(self, po: str, packages: Records, **params: object) -> Result:
        """Vendor.PO.Complete: everything shipped of one PO; `cancel_remainder=True` gives the rest up."""
        return self._call("Vendor.PO.Complete", {"po": po, "packages": list(packages), **params})

    def fetch_carrier_classes(self, **params: object) -> Result:
        """Constant.Ship.CarrierClass.Fetch: what may be given as ship_class_id."""
        return self._call("Constant.Ship.CarrierClass.Fetch", params)

    # Facilities

    def fetch_shipments(self, **params: object) -> Result:
        """Fulfillment.Shipment.Fetch: one page of what is to be shipped."""
        return self._call("Fulfillment.Shipment.Fetch", params)

    def iter_shipments(self, **params: object) -> Iterator[Record]:
        """Every shipment that `fetch_shipments` would find, page by page."""
        return self._pages(self.fetch_shipments, params)

    def complete_shipments(self, records: Records) -> Result:
        """Fulfillment.Shipment.Complete: {id, packages, cancel_remainder?} each; at most 1000."""
        return self._call("Fulfillment.Shipment.Complete", {"records": list(records)})

    def receive_return(self, rma: str, items: Records, **params: object) -> Result:
        """Customer.Return.Receive: goods of one order (order_id, or refnum) came back."""
        return self._call("Customer.Return.Receive", {"rma": rma, "items": list(items), **params})

    def receive_stock(self, records: Records) -> Result:
        """Inventory.Stock.Receive: {sku, quantity, reference, facility?} each."""
        return self._call("Inventory.Stock.Receive", {"records": list(records)})

    def adjust_stock(self, records: Records) -> Result:
        """Inventory.Stock.Adjust: {sku, quantity or counted, reason, reference, facility?} each."""
        return self._call("Inventory.Stock.Adjust", {"records": list(records)})

    def fetch_stock(self, **params: object) -> Result:
        """Inventory.Stock.Fetch: one page of levels."""
        return self._call("Inventory.Stock.Fetch", params)

    def iter_stock(self, **params: object) -> Iterator[Record]:
        """Every level that `fetch_stock` would find, page by page."""
        return self._pages(self.fetch_stock, params)

    # Operators

    def fetch_orders(self, **params: object) -> Result:
        """Customer.Order.Fetch: one page of orders."""
        return self._call("Customer.Order.Fetch", params)

    def iter_orders(self, **params: object) -> Iterator[Record]:
        """Every order that `fetch_orders` would find, page by page."""
        return self._pages(self.fetch_orders, params)

    def edit_order(self, lines: Records, **params: object) -> Result:
        """Customer.Order.Edit: change or add lines of one order (order_id, or refnum); never tried twice."""
        return self._call("Customer.Order.Edit", {"lines": list(lines), **params})

    def cancel_orders(self, records: Records) -> Result:
        """Customer.Order.Cancel: {order_id or refnum, reason?} each."""
        return self._call("Customer.Order.Cancel", {"records": list(records)})

    def release_holds(self, records: Records) -> Result:
        """Customer.Order.ReleaseHold: {order_id or refnum, kinds?} each."""
        return self._call("Customer.Order.ReleaseHold", {"records": list(records)})

    def check_invariants(self) -> Result:
        """System.Invariants.Check: `body["holds"]` is 1 when the books add up."""
        return self._call("System.Invariants.Check", {})

    def status(self) -> Result:
        """System.Status: orders by status and unfinished work."""
        return self._call("System.Status", {})
