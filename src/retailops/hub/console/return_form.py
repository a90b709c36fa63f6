"""The form that takes goods back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import BooleanField, CharField, ChoiceField, IntegerField, ModelChoiceField

from retailops.hub.console.pages import ConsoleForm
from retailops.hub.orders.models import OrderLine
from retailops.hub.returns.models import Return, ReturnItem
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.stock.models import Facility


class ReturnForm(ConsoleForm):
    """Units of each line that came back, and what to do with goods and money."""

    rma = CharField(label="RMA", max_length=60, help_text="The same RMA is taken back once")
    facility = ModelChoiceField(Facility.objects.order_by("code"), empty_label=None)
    reason = CharField(max_length=255, required=False)
    disposition = ChoiceField(choices=ReturnItem.Disposition.choices)
    refund_action = ChoiceField(choices=Return.RefundAction.choices, label="Money")
    with_shipping = BooleanField(required=False, label="Give the shipping back too")

    def __init__(self, data: object = None, files: object = None, *, lines: list[OrderLine]) -> None:
        units = {f"line_{line.pk}": _units(line) for line in lines if line.shipped > line.returned}
        super().__init__(data, files, leading=units)

    def clean(self) -> dict[str, Any]:
        """Ask for at least one unit."""
        cleaned = super().clean() or {}
        if not self.errors and not _items(cleaned):
            self.add_error(None, "enter the units of at least one line")
        return cleaned


def _units(line: OrderLine) -> IntegerField:
    left = line.shipped - line.returned
    return IntegerField(
        label=f"Units of {line.sku_code}",
        min_value=0,
        max_value=left,
        initial=0,
        help_text=f"{left} with the customer",
    )


def _items(data: Mapping[str, Any]) -> dict[int, int]:
    return {
        int(name.removeprefix("line_")): units
        for name, units in data.items()
        if name.startswith("line_") and units
    }


def take_back(order_id: int, data: Mapping[str, Any], actor: str) -> str:
    """Record the return."""
    receive_return(
        rma=data["rma"],
        order_id=order_id,
        facility_id=data["facility"].pk,
        items=[
            ReturnedItem(line_id, units, data["reason"], data["disposition"])
            for line_id, units in _items(data).items()
        ],
        actor=actor,
        refund_action=data["refund_action"],
        with_shipping=data["with_shipping"],
    )
    return f"RMA {data['rma']} recorded"
