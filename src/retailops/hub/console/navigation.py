"""The sidebar, in the order of the work."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the sidebar. `permission` decides who sees it."""

    title: str
    icon: str
    view: str
    permission: str


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Work",
        (
            Entry("Dashboard", "dashboard", "index", ""),
            Entry("Work queues", "inbox", "queues", "orders.view_order"),
            Entry("Orders", "receipt_long", "orders_order_changelist", "orders.view_order"),
            Entry(
                "Shipments", "local_shipping", "fulfilment_shipment_changelist", "fulfilment.view_shipment"
            ),
            Entry("Packages", "package_2", "fulfilment_package_changelist", "fulfilment.view_package"),
            Entry(
                "Purchase orders",
                "shopping_cart",
                "purchasing_purchaseorder_changelist",
                "purchasing.view_purchaseorder",
            ),
            Entry(
                "Payments",
                "payments",
                "payments_paymenttransaction_changelist",
                "payments.view_paymenttransaction",
            ),
            Entry("Returns", "assignment_return", "returns_return_changelist", "returns.view_return"),
        ),
    ),
    (
        "Goods",
        (
            Entry("Stock", "inventory_2", "stock_stocklevel_changelist", "stock.view_stocklevel"),
            Entry("Stock ledger", "list_alt", "stock_stockmove_changelist", "stock.view_stockmove"),
            Entry("SKUs", "barcode", "catalog_sku_changelist", "catalog.view_sku"),
            Entry("Products", "category", "catalog_product_changelist", "catalog.view_product"),
            Entry("Listings", "storefront", "catalog_listing_changelist", "catalog.view_listing"),
        ),
    ),
    (
        "Network",
        (
            Entry("Channels", "hub", "channels_channel_changelist", "channels.view_channel"),
            Entry("Vendors", "handshake", "purchasing_vendor_changelist", "purchasing.view_vendor"),
            Entry("Vendor SKUs", "qr_code", "purchasing_vendorsku_changelist", "purchasing.view_vendorsku"),
            Entry("Facilities", "warehouse", "stock_facility_changelist", "stock.view_facility"),
            Entry("Routing rules", "alt_route", "routing_routingrule_changelist", "routing.view_routingrule"),
        ),
    ),
    (
        "System",
        (
            Entry("Tasks", "task_alt", "tasks_task_changelist", "tasks.view_task"),
            Entry("Queues", "stacks", "tasks_queue_changelist", "tasks.view_queue"),
            Entry("Schedules", "schedule", "tasks_schedule_changelist", "tasks.view_schedule"),
            Entry("Audit", "history", "audit_auditentry_changelist", "audit.view_auditentry"),
            Entry("Users", "group", "accounts_user_changelist", "accounts.view_user"),
            Entry("API keys", "key", "accounts_apikey_changelist", "accounts.view_apikey"),
            Entry("Roles", "shield_person", "auth_group_changelist", "auth.view_group"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, object]]:
    """The sidebar's groups as unfold draws them, with what the user may see."""
    return [
        {"title": title, "items": [_item(request, entry) for entry in entries]} for title, entries in GROUPS
    ]


def _item(request: HttpRequest, entry: Entry) -> dict[str, object]:
    link = reverse(f"admin:{entry.view}")
    here = request.path == link if entry.view == "index" else request.path.startswith(link)
    return {
        "title": entry.title,
        "icon": entry.icon,
        "link": link,
        "active": here,
        "has_permission": not entry.permission or request.user.has_perm(entry.permission),
    }
