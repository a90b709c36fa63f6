"""What an operator does to stock: receive, adjust, count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.forms import CharField, HiddenInput, IntegerField

from retailops.hub.console.pages import Action, ConsoleForm
from retailops.hub.fulfilment.operations.correct_stock import adjust_stock, count_stock
from retailops.hub.stock.models import StockLevel
from retailops.hub.stock.operations.receive_stock import Receipt, receive_stock

OPERATE = "stock.change_stocklevel"
MOST_UNITS = 2_000_000_000


def new_key() -> str:
    """A name for what a form does: sent twice, it is done once."""
    return f"console:{uuid4().hex}"


class StockForm(ConsoleForm):
    """Units and a reason. `key` travels with the form, so that a double click moves stock once."""

    reason = CharField(max_length=300, required=False)
    key = CharField(widget=HiddenInput, initial=new_key, max_length=60)


class ReceiveForm(StockForm):
    """Units put on the shelf."""

    quantity = IntegerField(min_value=1, max_value=MOST_UNITS, label="Units received")
    field_order: Sequence[str] = ("quantity", "reason")


class AdjustForm(StockForm):
    """A change up or down, for a reason."""

    change = IntegerField(
        min_value=-MOST_UNITS,
        max_value=MOST_UNITS,
        label="Change of units on hand",
        help_text="-2 takes two away",
    )
    reason = CharField(max_length=300, help_text="Damaged, lost, found …")
    field_order: Sequence[str] = ("change", "reason")


class CountForm(StockForm):
    """What was counted."""

    counted = IntegerField(min_value=0, max_value=MOST_UNITS, label="Units counted")
    field_order: Sequence[str] = ("counted", "reason")


def level_actions(level: StockLevel) -> list[Action]:
    """The actions on one stock level."""
    place = (level.facility_id, level.sku_id)
    return [
        Action("receive", "Receive", OPERATE, ReceiveForm, lambda d, actor: receive(place, d, actor), "Receive", "add_box"),
        Action("adjust", "Adjust", OPERATE, AdjustForm, lambda d, actor: adjust(place, d, actor), "Adjust", "tune"),
        Action("count", "Count", OPERATE, CountForm, lambda d, actor: count(place, d, actor), "Set to the count", "calculate"),
    ]  # fmt: skip


def receive(place: tuple[int, int], data: Mapping[str, Any], actor: str) -> str:
    """Put units on the shelf."""
    receipt = Receipt(*place, quantity=data["quantity"], key=data["key"])
    new = receive_stock(receipts=[receipt], actor=actor, reason=data["reason"])
    return f"{data['quantity']} units received" if new else "this delivery was received before"


def adjust(place: tuple[int, int], data: Mapping[str, Any], actor: str) -> str:
    """Change what is on hand."""
    reopened = adjust_stock(
        changes={place: data["change"]}, actor=actor, reason=data["reason"], key=data["key"]
    )
    return f"adjusted by {data['change']:+d}{_reopened(reopened)}"


def count(place: tuple[int, int], data: Mapping[str, Any], actor: str) -> str:
    """Set what is on hand."""
    reason = data["reason"] or "counted"
    reopened = count_stock(counted={place: data["counted"]}, actor=actor, reason=reason, key=data["key"])
    return f"set to {data['counted']}{_reopened(reopened)}"


def _reopened(order_ids: list[int]) -> str:
    return f"; {len(order_ids)} orders lost their allocation and are routed again" if order_ids else ""
