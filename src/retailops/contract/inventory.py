"""Inventory: what the channel may sell."""

from typing import Literal

from retailops.contract.base import Envelope, Integer, WireModel
from retailops.contract.events import EventsResponse


class QuantityDetail(WireModel):
    """internal: in an own facility; external: at a vendor; inflight: on a purchase order."""

    quantity_type: Literal["internal", "external", "inflight"] | None = None
    estimated_availability_date: str | None = None
    available_quantity: Integer | None = None
    total_quantity: Integer | None = None
    vendor_name: str | None = None
    po: str | None = None
    po_destination: str | None = None
    facility_name: str | None = None


class InventoryUpdate(WireModel):
    """`quantity_available` equals the sum of `available_quantity` over the details, when there are any."""

    sku: str | None = None
    quantity_available: Integer | None = None
    quantity_detail: list[QuantityDetail] | None = None


class InventoryPushRequest(Envelope):
    """New quantities; SKUs that are not mentioned keep theirs."""

    inventory_updates: list[InventoryUpdate] | None = None


class InventoryPushResponse(EventsResponse):
    """Events only."""
