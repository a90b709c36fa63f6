"""Receive, adjust or count a SKU at a facility that may not hold it yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import CharField, ModelChoiceField, ValidationError
from django.http import HttpRequest, HttpResponse

from retailops.hub.catalog.models import Sku
from retailops.hub.console.pages import Action, ConsoleForm, allowed, console_page, run_action
from retailops.hub.console.stock_actions import (
    OPERATE,
    AdjustForm,
    CountForm,
    ReceiveForm,
    adjust,
    count,
    receive,
)
from retailops.hub.stock.models import Facility

Data = Mapping[str, Any]


class PlaceMixin(ConsoleForm):
    """Where, and of what."""

    facility = ModelChoiceField(Facility.objects.order_by("code"), empty_label=None)
    sku = CharField(label="SKU", max_length=100)

    def clean_sku(self) -> int:
        """The SKU's id. Kits have no stock of their own."""
        code = self.cleaned_data["sku"].strip()
        found = Sku.objects.filter(code=code).values_list("id", "kit").first()
        if found is None:
            raise ValidationError(f"there is no SKU {code!r} in the catalog; add it there first")
        if found[1]:
            raise ValidationError(f"{code} is a kit; post stock of its components")
        return int(found[0])


class ReceiveHere(PlaceMixin, ReceiveForm):
    """Receive."""

    field_order = ("facility", "sku", "quantity", "reason")


class AdjustHere(PlaceMixin, AdjustForm):
    """Adjust."""

    field_order = ("facility", "sku", "change", "reason")


class CountHere(PlaceMixin, CountForm):
    """Count."""

    field_order = ("facility", "sku", "counted", "reason")


def _place(data: Data) -> tuple[int, int]:
    return data["facility"].pk, data["sku"]


ACTIONS = [
    Action(
        "receive", "Receive", OPERATE, ReceiveHere, lambda d, a: receive(_place(d), d, a), "Receive", "add_box",
        "Goods arrived.",
    ),
    Action(
        "adjust", "Adjust", OPERATE, AdjustHere, lambda d, a: adjust(_place(d), d, a), "Adjust", "tune",
        "The books are wrong by a known number.",
    ),
    Action(
        "count", "Count", OPERATE, CountHere, lambda d, a: count(_place(d), d, a), "Set to the count", "calculate",
        "Somebody counted the shelf.",
    ),
]  # fmt: skip


def stock_forms(request: HttpRequest) -> HttpResponse:
    """The three forms."""
    if not allowed(request, OPERATE):
        raise PermissionDenied
    result = run_action(request, ACTIONS)
    if isinstance(result, HttpResponse):
        return result
    if not any(panel.open for panel in result):
        result[0].open = True
    return console_page(request, "console/stock_forms.html", "Post stock", {"panels": result})
