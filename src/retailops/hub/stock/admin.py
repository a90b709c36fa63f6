"""Facilities, stock levels and the ledger in the console."""

from __future__ import annotations

from django.contrib.admin import register
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse

from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, Fact, ReadOnlyAdmin, RecordAdmin, column
from retailops.hub.console.pages import Action, Table, columns
from retailops.hub.console.site import site
from retailops.hub.console.stock_actions import OPERATE, level_actions
from retailops.hub.stock.models import Facility, FacilityGroup, StockLevel, StockMove
from retailops.hub.stock.operations.publish_facility import OFFER_SETTINGS, publish_facility


@register(FacilityGroup, site=site)
class FacilityGroupAdmin(ConsoleAdmin[FacilityGroup]):
    """Groups that routing rules name."""

    keyset = "name"
    search_fields = ("name__startswith",)
    deletable = True


@register(Facility, site=site)
class FacilityAdmin(ConsoleAdmin[Facility]):
    """Warehouses and shops."""

    keyset = "code"
    list_display = ("code", "name", "enabled_chip", "priority_number", "safety_number", "country")
    search_fields = ("code__startswith",)
    fields = (
        ("code", "name"), ("enabled", "priority"), ("safety_stock", "unit_cost"), "groups", ("country", "time_zone"),
    )  # fmt: skip
    autocomplete_fields = ("groups",)
    next_step = "Add the first place that holds your stock; then receive stock into it."

    enabled_chip = column("Enabled", lambda facility: formats.yes_no(facility.enabled))
    priority_number = column("Priority", lambda facility: formats.quantity(facility.priority))
    safety_number = column("Safety stock", lambda facility: formats.quantity(facility.safety_stock))

    def saved(self, request: HttpRequest, form: ModelForm[Facility]) -> str:  # noqa: ARG002 - the framework's signature
        """What it stocks may be sold more, less, or from elsewhere."""
        if OFFER_SETTINGS.isdisjoint(form.changed_data):
            return ""
        return formats.pushes(inventory=publish_facility(facility_id=form.instance.pk))


@register(StockLevel, site=site)
class StockLevelAdmin(RecordAdmin[StockLevel]):
    """Units of each SKU at each facility."""

    keyset = "-id"
    list_display = ("sku_code", "facility", "on_hand_number", "allocated_number", "free_number")
    list_filter = ("facility",)
    list_select_related = ("sku", "facility")
    search_fields = ("sku__code__startswith",)
    search_help_text = "SKU, or how it begins"
    csv_fields = ("facility__code", "sku__code", "on_hand", "allocated")
    screens = (("Post stock", "stock_forms", OPERATE), ("Import CSV", "import_stock", OPERATE))
    next_step = "Receive stock, or import counts from a CSV file."

    sku_code = column("SKU", lambda level: level.sku.code)
    on_hand_number = column("On hand", lambda level: formats.quantity(level.on_hand))
    allocated_number = column("Allocated", lambda level: formats.quantity(level.allocated))
    free_number = column("Free", lambda level: formats.quantity(level.on_hand - level.allocated))

    def get_title(self, obj: StockLevel) -> str:
        """SKU and place."""
        return f"{obj.sku} at {obj.facility}"

    def get_facts(self, obj: StockLevel) -> list[Fact]:
        """The level."""
        return [
            ("SKU", formats.link(reverse("admin:catalog_sku_change", args=[obj.sku_id]), obj.sku)),
            ("Facility", obj.facility.name),
            ("On hand", formats.quantity(obj.on_hand)),
            ("Allocated", formats.quantity(obj.allocated)),
            ("Free", formats.quantity(obj.on_hand - obj.allocated)),
        ]

    def get_tables(self, obj: StockLevel) -> list[Table]:
        """Its ledger, newest first."""
        moves = StockMove.objects.filter(sku_id=obj.sku_id, facility_id=obj.facility_id).order_by("-id")[:100]
        return [
            Table(
                "Ledger (last 100 moves)",
                columns("When", "Move", "#On hand", "#Allocated", "Reason", "By", "Cause"),
                [
                    (
                        formats.moment(move.at), move.get_kind_display(), signed(move.d_on_hand), signed(move.d_allocated),
                        move.reason or formats.EMPTY, move.actor, move.key,
                    )
                    for move in moves
                ],
                "No moves yet: receive stock to start the ledger.",
            )
        ]  # fmt: skip

    def get_record_actions(self, obj: StockLevel) -> list[Action]:
        """Receive, adjust, count."""
        return level_actions(obj)


def signed(value: int) -> str:
    """`+3`, `-2`, and nothing for zero."""
    return f"{value:+,}" if value else formats.EMPTY


@register(StockMove, site=site)
class StockMoveAdmin(ReadOnlyAdmin[StockMove]):
    """The ledger of all stock; newest first."""

    keyset = "-id"
    list_display = (
        "when",
        "kind",
        "sku_code",
        "facility",
        "on_hand_number",
        "allocated_number",
        "reason",
        "actor",
    )
    list_filter = ("kind", "facility")
    list_select_related = ("sku", "facility")
    search_fields = ("sku__code__exact",)
    search_help_text = "SKU"
    csv_fields = (
        "id",
        "at",
        "kind",
        "facility__code",
        "sku__code",
        "d_on_hand",
        "d_allocated",
        "key",
        "actor",
        "reason",
    )
    list_fullwidth = True
    next_step = "Every change of stock writes a line here."

    when = column("When", lambda move: formats.moment(move.at))
    sku_code = column("SKU", lambda move: move.sku.code)
    on_hand_number = column("On hand", lambda move: signed(move.d_on_hand))
    allocated_number = column("Allocated", lambda move: signed(move.d_allocated))
