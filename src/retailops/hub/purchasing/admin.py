"""Vendors, their SKUs and purchase orders in the console."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.admin import register
from django.forms import ModelForm
from django.http import HttpRequest

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, Fact, RecordAdmin, column, record_url
from retailops.hub.console.pages import Action, ConsoleForm, Table, columns
from retailops.hub.console.site import site
from retailops.hub.orders.operations.count_lines import lock_orders
from retailops.hub.orders.operations.wake_routing import backordered, wake_backorders
from retailops.hub.purchasing.models import PurchaseOrder, Vendor, VendorSku
from retailops.hub.purchasing.operations.advance_pos import accept_pos, submit_pos
from retailops.hub.purchasing.operations.publish_vendor import OFFER_SETTINGS, publish_vendor

OPERATE = "purchasing.change_purchaseorder"


@register(Vendor, site=site)
class VendorAdmin(ConsoleAdmin[Vendor]):
    """Who ships for us."""

    keyset = "code"
    list_display = ("code", "name", "enabled_chip", "priority_number", "decrement_on", "buffer_number")
    search_fields = ("code__startswith",)
    fieldsets = (
        (None, {"fields": (("code", "name"), ("enabled", "priority"))}),
        (
            "Stock advice",
            {"fields": (("fresh_hours", "expiry_hours"), ("feed_latency_seconds", "buffer"), "decrement_on")},
        ),
        ("Purchase orders", {"fields": ("change_after_submit", "reroute_remainder")}),
    )
    next_step = "Add a vendor who ships for you; then its SKUs."

    enabled_chip = column("Enabled", lambda vendor: formats.yes_no(vendor.enabled))
    priority_number = column("Priority", lambda vendor: formats.quantity(vendor.priority))
    buffer_number = column("Buffer", lambda vendor: formats.quantity(vendor.buffer))

    def saved(self, request: HttpRequest, form: ModelForm[Vendor]) -> str:  # noqa: ARG002 - the framework's signature
        """What its advice is worth."""
        if OFFER_SETTINGS.isdisjoint(form.changed_data):
            return ""
        return formats.pushes(inventory=publish_vendor(vendor_id=form.instance.pk))


@register(VendorSku, site=site)
class VendorSkuAdmin(ConsoleAdmin[VendorSku]):
    """Vendors' product codes. The advised quantity is the vendor's to tell."""

    keyset = "-id"
    list_display = ("vpc", "vendor", "sku_code", "active_chip", "cost_number", "advised_number", "advised")
    list_filter = ("vendor", "active")
    list_select_related = ("vendor", "sku")
    search_fields = ("vpc__exact", "sku__code__startswith")
    search_help_text = "VPC, or how the SKU begins"
    autocomplete_fields = ("sku",)
    readonly_fields = ("advised_quantity", "advised_at")
    fields = (("vendor", "vpc"), ("sku", "active"), ("cost", "currency"), "lead_time_days", readonly_fields)
    csv_fields = (
        "vendor__code",
        "vpc",
        "sku__code",
        "active",
        "cost",
        "currency",
        "advised_quantity",
        "advised_at",
    )
    next_step = "Tell which vendor ships which SKU, under which code (VPC)."

    sku_code = column("SKU", lambda sku: sku.sku.code)
    active_chip = column("Active", lambda sku: formats.yes_no(sku.active))
    cost_number = column("Cost", lambda sku: formats.money(sku.cost, sku.currency))
    advised_number = column("Advised", lambda sku: formats.quantity(sku.advised_quantity))
    advised = column("Advised at", lambda sku: formats.moment(sku.advised_at))

    def save_model(
        self, request: HttpRequest, obj: VendorSku, form: ModelForm[VendorSku], change: bool
    ) -> None:
        """Orders that wait for it are locked first, as everywhere."""
        lock_orders(backordered(sku_ids=_skus_of(form)))
        super().save_model(request, obj, form, change)

    def saved(self, request: HttpRequest, form: ModelForm[VendorSku]) -> str:  # noqa: ARG002 - the framework's signature
        """The SKU may be sold from the vendor, and one it stood for before no more."""
        sku_ids = _skus_of(form)
        wake_backorders(sku_ids=sku_ids)
        return formats.pushes(inventory=publish_inventory(sku_ids=sku_ids))


def _skus_of(form: ModelForm[VendorSku]) -> set[int]:
    """The SKU that the vendor's code stands for, and the one it stood for before."""
    sku_id = form.instance.sku_id
    return {sku_id, form.initial.get("sku", sku_id)}


@register(PurchaseOrder, site=site)
class PurchaseOrderAdmin(RecordAdmin[PurchaseOrder]):
    """What vendors are to ship; newest first."""

    keyset = "-id"
    list_display = ("number", "vendor", "kind", "state_chip", "order", "created", "submit", "expected")
    list_filter = ("state", "kind", "vendor")
    list_select_related = ("vendor", "order")
    search_fields = ("number__exact", "order__channel_refnum__exact")
    search_help_text = "PO number or order number"
    csv_fields = (
        "number", "vendor__code", "kind", "state", "order__channel_refnum", "created_at", "submitted_at", "accepted_at",
        "completed_at", "estimated_ship_date",
    )  # fmt: skip
    next_step = "Purchase orders appear when routing picks a vendor."

    state_chip = column("State", lambda po: formats.chip(po.state))
    created = column("Created", lambda po: formats.moment(po.created_at))
    submit = column("For the vendor from", lambda po: formats.moment(po.date_submit))
    expected = column("Expected to ship", lambda po: formats.moment(po.estimated_ship_date))

    def get_title(self, obj: PurchaseOrder) -> str:
        """Its number."""
        return f"PO {obj.number}"

    def get_facts(self, obj: PurchaseOrder) -> list[Fact]:
        """Whose it is and how far."""
        order = (
            formats.link(record_url("orders_order", obj.order_id), obj.order)
            if obj.order_id
            else formats.EMPTY
        )
        return [
            ("Vendor", formats.link(record_url("purchasing_vendor", obj.vendor_id), obj.vendor.name)),
            ("Kind", obj.get_kind_display()),
            ("Order", order),
            ("Created", formats.moment(obj.created_at)),
            ("Submitted", formats.moment(obj.submitted_at)),
            ("Accepted", formats.moment(obj.accepted_at)),
            ("Expected to ship", formats.moment(obj.estimated_ship_date)),
            ("Complete", formats.moment(obj.completed_at)),
        ]

    def get_tables(self, obj: PurchaseOrder) -> list[Table]:
        """Its items."""
        return [
            Table(
                "Items",
                columns("VPC", "SKU", "#Quantity", "#Shipped", "#Cancelled", "#Unit cost"),
                [
                    (
                        item.vendor_sku.vpc, item.vendor_sku.sku.code, item.quantity, item.shipped, item.cancelled,
                        formats.money(item.unit_cost, obj.currency),
                    )
                    for item in obj.items.select_related("vendor_sku__sku").order_by("id")
                ],
            )
        ]  # fmt: skip

    def get_record_actions(self, obj: PurchaseOrder) -> list[Action]:
        """What a vendor without a connection tells by telephone."""
        if obj.state == PurchaseOrder.State.READY:
            return [_step("submit", "Mark submitted", "The vendor has the order.", submit_pos, obj)]
        if obj.state == PurchaseOrder.State.SUBMITTED:
            return [
                _step(
                    "accept", "Mark accepted", "The vendor commits to it; it is frozen then.", accept_pos, obj
                )
            ]
        return []


def _step(
    name: str, title: str, intro: str, operation: Callable[..., list[int]], po: PurchaseOrder
) -> Action:
    def run(_data: object, actor: str) -> str:
        return (
            f"{po.number}: done"
            if operation(po_ids=[po.pk], actor=actor)
            else f"{po.number} was no longer {po.state}, or isn't due"
        )

    return Action(name, title, OPERATE, ConsoleForm, run, title, "check", intro)
