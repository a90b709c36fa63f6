"""Products, SKUs and listings in the console."""

from typing import Any

from django.contrib.admin import action, register
from django.contrib.messages import success
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from retailops.hub.catalog.models import KitComponent, Listing, Product, Sku, SkuIdentifier
from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, Inline, column
from retailops.hub.console.site import site


class SkuInline(Inline):
    """A product's SKUs."""

    model = Sku
    fields = ("code", "name", "price", "currency", "kit", "active")
    show_change_link = True


@register(Product, site=site)
class ProductAdmin(ConsoleAdmin[Product]):
    """Things as shoppers see them."""

    keyset = "code"
    list_display = ("code", "name", "brand", "updated")
    search_fields = ("code__startswith",)
    search_help_text = "Product code, or how it begins"
    fields = ("code", "name", "brand", "description", "attributes")
    inlines = (SkuInline,)
    next_step = "Add a product, or import SKUs from a CSV file."

    updated = column("Updated", lambda product: formats.moment(product.updated_at))

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """Note when it changed."""
        obj.updated_at = Now()
        super().save_model(request, obj, form, change)


class IdentifierInline(Inline):
    """Barcodes and aliases."""

    model = SkuIdentifier


class ComponentInline(Inline):
    """What a kit is made of."""

    model = KitComponent
    fk_name = "kit"
    autocomplete_fields = ("component",)
    verbose_name_plural = "components of the kit"


@register(Sku, site=site)
class SkuAdmin(ConsoleAdmin[Sku]):
    """What is stocked and sold."""

    keyset = "code"
    list_display = ("code", "name_or_product", "price_number", "kit_chip", "active_chip", "updated")
    list_filter = ("active", "kit", "backorder")
    list_select_related = ("product",)
    search_fields = ("code__startswith",)
    search_help_text = "SKU, or how it begins"
    autocomplete_fields = ("product",)
    fields = (
        ("product", "code"), "name", ("price", "currency"), "weight_kg", "active", "kit", "backorder", "attributes",
    )  # fmt: skip
    inlines = (IdentifierInline, ComponentInline)
    csv_fields = (
        "code",
        "name",
        "product__code",
        "price",
        "currency",
        "weight_kg",
        "kit",
        "backorder",
        "active",
    )
    screens = (("Import CSV", "import_skus", "catalog.add_sku"),)
    next_step = "Import your SKUs from a CSV file, or add one by hand."

    name_or_product = column("Name", lambda sku: sku.name or sku.product.name)
    price_number = column("Price", lambda sku: formats.money(sku.price, sku.currency))
    kit_chip = column("Kit", lambda sku: formats.chip("kit") if sku.kit else formats.EMPTY)
    active_chip = column("Active", lambda sku: formats.yes_no(sku.active))
    updated = column("Updated", lambda sku: formats.moment(sku.updated_at))

    def save_model(self, request: HttpRequest, obj: Sku, form: Any, change: bool) -> None:
        """Note when it changed."""
        obj.updated_at = Now()
        super().save_model(request, obj, form, change)

    def saved(self, obj: Sku) -> None:
        """Kits and switches change what may be sold."""
        publish_inventory(sku_ids=[obj.pk])


@register(Listing, site=site)
class ListingAdmin(ConsoleAdmin[Listing]):
    """SKUs on channels: what may be published, and what was."""

    keyset = "-id"
    list_display = (
        "sku_code",
        "channel",
        "enabled_chip",
        "published_number",
        "buffer_number",
        "maximum_number",
        "push",
        "published",
    )
    list_filter = ("channel", "push_state", "enabled")
    list_select_related = ("sku", "channel")
    search_fields = ("sku__code__startswith",)
    search_help_text = "SKU, or how it begins"
    autocomplete_fields = ("sku",)
    readonly_fields = ("published_quantity", "published_at", "push_state", "push_message")
    fields = (("channel", "sku"), ("enabled", "buffer", "max_published"), *readonly_fields)
    actions = ("push_again", "export_selected")
    csv_fields = (
        "channel__code",
        "sku__code",
        "enabled",
        "buffer",
        "max_published",
        "published_quantity",
        "published_at",
        "push_state",
    )
    next_step = "Add a listing to publish a SKU's stock on a channel."

    sku_code = column("SKU", lambda listing: listing.sku.code)
    enabled_chip = column("Enabled", lambda listing: formats.yes_no(listing.enabled))
    published_number = column("Published", lambda listing: formats.quantity(listing.published_quantity))
    buffer_number = column("Buffer", lambda listing: formats.quantity(listing.buffer))
    maximum_number = column("Maximum", lambda listing: formats.quantity(listing.max_published))
    push = column("Push", lambda listing: formats.chip(listing.push_state))
    published = column("Published at", lambda listing: formats.moment(listing.published_at))

    def saved(self, obj: Listing) -> None:
        """Buffers and maximums change what is published."""
        publish_inventory(sku_ids=[obj.sku_id])

    @action(description="Push inventory now", permissions=["change"])
    def push_again(self, request: HttpRequest, queryset: QuerySet[Listing]) -> None:
        """Queue a push of the selected SKUs."""
        publish_inventory(sku_ids=set(queryset.values_list("sku_id", flat=True)))
        success(request, f"{queryset.count()} listings will be pushed")
