"""Masking for attempt logs: only what is known to identify nobody stays readable."""

from collections.abc import Mapping
from typing import Final

MASK: Final = "***"

# The fields of the contract that name things, amounts and states. Whatever is not listed is masked, so that a field
# added tomorrow, or sent by one channel only, does not leak before someone has thought about it.
_READABLE: Final = frozenset(
    """
    action version client_id id event_type code message identifier_type identifier page_token
    next_page_token channel_refnum channel_order_refnum retailops_order_id ship_service_code
    currency_code cancel channel_date_created country_match state_match channel_item_refnum
    order_item_id retailops_item_id retailops_order_item_id retailops_shipment_item_id refnum sku
    quantity ordered_quantity unshipped_quantity item_type removed facility_id vendor_id
    fulfillment_actor_id expected_ship_date expected_arrival_date estimated_ship_date
    retailops_shipment_id retailops_package_id carrier_name carrier_class_name channel_ship_code
    tracking_number weight_kg date_shipped payment_type payment_processing_type transaction_type status
    payment_series_id amount retailops_return_id retailops_rma_id external_rma_refnum refund_action
    channel_store_credit_amount grand_total unit_price unit_tax unit_tax_pct vat_pct discount_amt
    discount_pct recycling_amt ship_amt shiptax_amt shipping_amt tax_amt tax_pct apportioned_ship_amt
    direct_ship_amt estimated_cost estimated_unit_cost estimated_extended_cost effective_unit_price
    effective_extended_price product_amt subtotal_amt refund_amt restock_fee_amt giftwrap_amt
    giftwrap_tax_amt credit_amt item_shipping_tax_amt sku_fanout quantity_available quantity_type
    estimated_availability_date available_quantity total_quantity vendor_name po po_destination
    facility_name
    """.split()  # noqa: SIM905 - a list of ninety quoted names hides the names
)
_READABLE_SUBTREES: Final = frozenset({"template_output"})  # the retailer's own product feed


def redact(value: object, *, readable: bool = False) -> object:
    """A copy with every scalar masked that is not under a readable key; null and "" stay as they are."""
    if isinstance(value, Mapping):
        return {
            name: member if name in _READABLE_SUBTREES else redact(member, readable=name in _READABLE)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(each, readable=readable) for each in value]
    return value if readable or value is None or value == "" else MASK
