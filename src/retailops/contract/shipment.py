"""Shipments: one portion of an order's routing plan, from one facility or vendor, in one or more packages."""

from retailops.contract.base import Envelope, Integer, Number, WireModel
from retailops.contract.events import EventsResponse


class PackageItem(WireModel):
    """How many of one line are in the package."""

    sku: str | None = None
    retailops_order_item_id: Integer | None = None
    retailops_shipment_item_id: Integer | None = None
    channel_item_refnum: str | None = None
    quantity: Integer | None = None


class Package(WireModel):
    """`channel_ship_code` is the channel's own code for this carrier and class."""

    retailops_package_id: Integer | None = None
    carrier_name: str | None = None
    carrier_class_name: str | None = None
    channel_ship_code: str | None = None
    tracking_number: str | None = None
    weight_kg: Number | None = None
    date_shipped: str | None = None
    package_items: list[PackageItem] | None = None


class Shipment(WireModel):
    """One portion of the routing plan."""

    retailops_shipment_id: Integer | None = None
    packages: list[Package] | None = None


class OrderShipmentSubmitRequest(Envelope):
    """One shipment that has just left."""

    channel_order_refnum: str | None = None
    retailops_order_id: Integer | None = None
    shipment: Shipment | None = None


class OrderShipmentSubmitResponse(EventsResponse):
    """Events only."""
