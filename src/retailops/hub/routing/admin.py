"""Routing rules in the console."""

from __future__ import annotations

from django.contrib.admin import register
from django.forms import ModelForm
from django.http import HttpRequest

from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, column
from retailops.hub.console.site import site
from retailops.hub.routing.models import RoutingRule
from retailops.hub.routing.operations.reroute_waiting import reroute_waiting


@register(RoutingRule, site=site)
class RoutingRuleAdmin(ConsoleAdmin[RoutingRule]):
    """Rules are tried by position; each plans what the ones before it left open."""

    keyset = "position"  # not unique, but there never are two pages of rules
    list_per_page = 500
    list_display = ("name", "position_number", "status_chip", "sources", "split", "sort")
    list_filter = ("status",)
    autocomplete_fields = ("channels", "facility_groups", "vendors")
    fieldsets = (
        (None, {"fields": ("name", ("position", "status"))}),
        (
            "Orders it fits",
            {"fields": ("channels", ("ship_service_codes", "countries"), ("minimum_total", "maximum_total"))},
        ),
        ("Where they ship from", {"fields": (("sources", "sort", "split"), "facility_groups", "vendors")}),
    )
    screens = (("Dry run", "routing_dry_run", "routing.view_routingrule"),)
    next_step = "Add a rule and try it in a dry run; without an active rule nothing is routed."

    position_number = column("Position", lambda rule: formats.quantity(rule.position))
    status_chip = column("Status", lambda rule: formats.chip(rule.status))

    def saved(self, request: HttpRequest, form: ModelForm[RoutingRule]) -> str:  # noqa: ARG002 - the framework's signature
        """What no rule could route so far may fit now."""
        waiting = reroute_waiting() if form.has_changed() else 0
        return f"Orders that wait and are looked at again: {waiting:,}." if waiting else ""
