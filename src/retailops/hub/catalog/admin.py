"""Products, SKUs and listings in the console."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import action, register
from django.contrib.messages import success
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest

from retailops.hub.catalog.models import KitComponent, Listing, Product, Sku, SkuIdentifier
from retailops.hub.catalog.operations.publish_inventory import publish_inventory, publish_listings
from retailops.hub.channels.operations.publish_catalog import publish_catalog
from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, Inline, column
from retailops.hub.console.pages import actor_of
from retailops.hub.console.site import site
from retailops.hub.orders.operations.hold_orders import resolve_unknown_skus
from retailops.hub.orders.operations.wake_routing import wake_backorders


def tell_of_skus(*, product_ids: set[int], sku_ids: set[int], actor: str) -> str:
    """Let orders have what was changed, then tell channels of the products, then of the quantities."""
    resolve_unknown_skus(actor=actor)
    wake_backorders(sku_ids=sku_ids)
    catalog = publish_catalog(product_ids=product_ids)
    return formats.pushes(catalog=catalog, inventory=publish_inventory(sku_ids=sku_ids))


class SkuInline(Inline):
    """A product's SKUs. They are switched off, not deleted."""

    model = Sku
    fields = ("code", "name", "price", "currency", "kit", "active")
    show_change_link = True
    can_delete = False


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
        super().save_model(request, obj, form, change)
        Product.objects.filter(pk=obj.pk).update(updated_at=Now())

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool
    ) -> None:
        """Note when its SKUs changed."""
        super().save_formset(request, form, formset, change)
        saved = [*formset.new_objects, *(sku for sku, _ in formset.changed_objects)]
        Sku.objects.filter(pk__in=[sku.pk for sku in saved]).update(updated_at=Now())

    def saved(self, request: HttpRequest, form: ModelForm[Product]) -> str:
        """The feed, and the switches of its SKUs."""
        product = form.instance
        skus = set(product.skus.values_list("id", flat=True))
        return tell_of_skus(product_ids={product.pk}, sku_ids=skus, actor=actor_of(request))


class IdentifierInline(Inline):
    """Barcodes and aliases."""

    model = SkuIdentifier
    verbose_name = "identifier"
    verbose_name_plural = "identifiers"


class ComponentInline(Inline):
    """What a kit is made of."""

    model = KitComponent
    fk_name = "kit"
    autocomplete_fields = ("component",)
    verbose_name = "component"
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
        super().save_model(request, obj, form, change)
        Sku.objects.filter(pk=obj.pk).update(updated_at=Now())

    def saved(self, request: HttpRequest, form: ModelForm[Sku]) -> str:
        """Its feed, and that of the product it may have left; kits and switches change what may be sold."""
        sku = form.instance
        products = {sku.product_id, form.initial.get("product", sku.product_id)}
        return tell_of_skus(product_ids=products, sku_ids={sku.pk}, actor=actor_of(request))


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
    fields = (("channel", "sku"), ("buffer", "max_published"), "enabled", *readonly_fields)
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

    def get_readonly_fields(self, request: HttpRequest, obj: Listing | None = None) -> tuple[str, ...]:  # noqa: ARG002 - the framework's signature
        """What is listed where is settled when it is listed; a listing is switched off, not turned into another."""
        return (*self.readonly_fields, *(("channel", "sku") if obj else ()))

    def saved(self, request: HttpRequest, form: ModelForm[Listing]) -> str:  # noqa: ARG002 - the framework's signature
        """The product, if it is new to the channel or switched on or off there; then the quantity."""
        listing, catalog = form.instance, 0
        if listing.push_state == Listing.PushState.PENDING or "enabled" in form.changed_data:
            catalog = publish_catalog(product_ids=[listing.sku.product_id], channel_id=listing.channel_id)
        return formats.pushes(catalog=catalog, inventory=publish_listings(listing_ids=[listing.pk]))

    @action(description="Push inventory now", permissions=["change"])
    def push_again(self, request: HttpRequest, queryset: QuerySet[Listing]) -> None:
        """Queue a push of the selected listings, whatever the channel was told before."""
        queued = publish_listings(listing_ids=set(queryset.values_list("id", flat=True)))
        success(request, f"{queued:,} of {queryset.count():,} selected listings will be pushed")
