"""How the fields of the console's record forms look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.postgres.fields import ArrayField
from django.db.models import DecimalField, Field, JSONField
from django.forms import Field as FormField
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget  # type: ignore[import-untyped]

#: Labels of form fields that a name can't be turned into.
LABELS = {"sku": "SKU", "weight_kg": "Weight (kg)"}


class AmountInput(UnfoldAdminTextInputWidget):  # type: ignore[misc] # unfold is not typed
    """An amount without the zeros that only fill the column up: 118.00, not 118.0000."""

    def format_value(self, value: object) -> str | None:
        """At least two decimals, more only where they say something."""
        if isinstance(value, Decimal) and value.is_finite() and value == round(value, 2):
            return str(round(value, 2))
        return None if value is None else str(value)


class PlainPickers:
    """Pickers of related rows without a menu to add, change and delete those: each has its own page."""

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        """Take the menu off."""
        field: FormField | None = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # mixed into admins
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_add_related = field.widget.can_change_related = False
            field.widget.can_delete_related = field.widget.can_view_related = False
        return field


WIDGETS = {
    ArrayField: {"widget": UnfoldAdminTextInputWidget},
    JSONField: {"widget": UnfoldAdminTextareaWidget({"rows": 4})},
    DecimalField: {"widget": AmountInput},
}
