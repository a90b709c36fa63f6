"""What had to be changed about an order so that it could be stored. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Problems:
    """Collects problems under the path of the field they are about. They are kept in order, without values of text."""

    path: str = ""
    found: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Problems:
        """The same collection, one level down."""
        return Problems(f"{path}.", self.found)

    def add(self, name: str, problem: str) -> None:
        """Note a problem of a field."""
        self.found.append(f"{self.path}{name} {problem}")

    def fit(self, name: str, text: str | None, longest: int) -> str:
        """Cut a text to what its column holds."""
        if text is None or len(text) <= longest:
            return text or ""
        self.add(name, f"has {len(text)} characters; cut to {longest}")
        return text[:longest]

    def not_negative(self, name: str, amount: Decimal) -> Decimal:
        """Count an amount below zero as zero."""
        if amount >= 0:
            return amount
        self.add(name, f"is {amount}; counted as 0")
        return Decimal(0)
