"""The form that edits an order's lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import CharField, DecimalField, Field, IntegerField

from retailops.hub.console.pages import ConsoleForm
from retailops.hub.fulfilment.operations.edit_order import LineEdit
from retailops.hub.orders.models import OrderLine

MOST_UNITS = 1_000_000


class EditForm(ConsoleForm):
    """Quantity and price of each line that ships, and a SKU to add."""

    add_sku = CharField(label="Add SKU", required=False, max_length=100)
    add_quantity = IntegerField(label="Quantity", required=False, min_value=1, max_value=MOST_UNITS)
    add_price = DecimalField(label="Unit price", required=False, min_value=0, max_digits=14, decimal_places=4)

    def __init__(self, data: object = None, files: object = None, *, lines: list[OrderLine]) -> None:
        leading = {name: field for line in _editable(lines) for name, field in _fields(line).items()}
        super().__init__(data, files, leading=leading)
        self.lines = lines

    def clean(self) -> dict[str, Any]:
        """Ask for at least one change, and for whole additions."""
        cleaned = super().clean() or {}
        if bool(cleaned.get("add_sku")) != bool(cleaned.get("add_quantity")):
            self.add_error("add_sku", "to add a line, give a SKU and a quantity")
        if not self.errors and not changes_of(cleaned, self.lines):
            self.add_error(None, "nothing is changed yet")
        return cleaned


def _editable(lines: list[OrderLine]) -> list[OrderLine]:
    return [line for line in lines if line.item_type == OrderLine.ItemType.SHIP]


def _fields(line: OrderLine) -> dict[str, Field]:
    # Prices are stored with four decimals; people see as many as say something.
    price = round(line.unit_price, 2) if line.unit_price == round(line.unit_price, 2) else line.unit_price
    return {
        f"quantity_{line.pk}": IntegerField(
            label=f"{line.sku_code}: quantity", min_value=line.shipped, max_value=MOST_UNITS,
            initial=line.ordered - line.cancelled,
            help_text=f"{line.shipped} shipped already" if line.shipped else "0 removes it",
        ),
        f"price_{line.pk}": DecimalField(
            label=f"{line.sku_code}: unit price", min_value=0, max_digits=14, decimal_places=4,
            initial=price,
        ),
    }  # fmt: skip


def changes_of(data: Mapping[str, Any], lines: list[OrderLine]) -> list[LineEdit]:
    """The changes that the cleaned data asks for."""
    changes = []
    for line in _editable(lines):
        quantity, price = data[f"quantity_{line.pk}"], data[f"price_{line.pk}"]
        if quantity != line.ordered - line.cancelled or price != line.unit_price:
            changes.append(LineEdit(line_id=line.pk, quantity=quantity, unit_price=price))
    if data.get("add_sku"):
        changes.append(
            LineEdit(sku_code=data["add_sku"], quantity=data["add_quantity"], unit_price=data["add_price"])
        )
    return changes
