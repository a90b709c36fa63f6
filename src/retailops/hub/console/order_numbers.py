"""A field for a pasted list of order numbers."""

from __future__ import annotations

import re
from typing import Any

from django.forms import CharField, Textarea, ValidationError

MOST_ORDERS = 2000
#: Contract: a channel's order number has at most so many characters.
LONGEST = 255
SEPARATORS = re.compile(r"[\s,;]+")


class OrderNumbersField(CharField):
    """Numbers, one a line or separated by spaces, commas or semicolons; cleaned to a list that has each once."""

    def __init__(
        self, *, most: int = MOST_ORDERS, rows: int = 8, help_text: str = "", **options: Any
    ) -> None:
        how = f"One a line, or separated by commas or spaces; at most {most:,}."
        super().__init__(
            widget=Textarea(attrs={"rows": rows}), help_text=f"{help_text} {how}".strip(),
            error_messages={"required": "Give at least one order number."}, **options,
        )  # fmt: skip
        self.most = most

    def clean(self, value: Any) -> list[str]:
        """Split the text. Raises `ValidationError` for no numbers, too many, or one that is too long."""
        numbers = list(dict.fromkeys(filter(None, SEPARATORS.split(super().clean(value)))))
        if self.required and not numbers:
            raise ValidationError(self.error_messages["required"])
        if len(numbers) > self.most:
            raise ValidationError(f"{len(numbers):,} numbers; give at most {self.most:,} at a time")
        too_long = next((number for number in numbers if len(number) > LONGEST), None)
        if too_long:
            raise ValidationError(
                f"“{too_long[:30]}…” has {len(too_long):,} characters; an order number has at most {LONGEST}"
            )
        return numbers
