"""The actions there are: one module a family, one entry an action and version."""

from retailops.hub.api.actions import (
    constant_ship,
    customer_order_change,
    customer_order_fetch,
    customer_return,
    fulfillment_shipment_complete,
    fulfillment_shipment_fetch,
    inventory_stock,
    product_externalsku,
    system,
    vendor_po_complete,
    vendor_po_fetch,
    vendor_po_mark,
)
from retailops.hub.api.registry import Registry

REGISTRY = Registry(
    (
        constant_ship.FETCH,
        customer_order_change.CANCEL,
        customer_order_change.EDIT,
        customer_order_change.RELEASE_HOLD,
        customer_order_fetch.FETCH,
        customer_return.RECEIVE,
        fulfillment_shipment_complete.COMPLETE,
        fulfillment_shipment_fetch.FETCH,
        inventory_stock.ADJUST,
        inventory_stock.FETCH,
        inventory_stock.RECEIVE,
        product_externalsku.UPDATE,
        system.CHECK,
        system.STATUS,
        vendor_po_complete.COMPLETE,
        vendor_po_fetch.FETCH,
        vendor_po_mark.MARK_ACCEPTED,
        vendor_po_mark.MARK_SUBMITTED,
    )
)
