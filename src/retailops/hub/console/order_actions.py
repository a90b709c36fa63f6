"""What an operator does to an order. Each action is a form and one call of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import (
    BooleanField,
    CharField,
    CheckboxSelectMultiple,
    DecimalField,
    HiddenInput,
    MultipleChoiceField,
)

from retailops.hub.channels.operations.pull_orders import pull_specific_orders
from retailops.hub.console.edit_form import EditForm, changes_of
from retailops.hub.console.pages import Action, ConsoleForm
from retailops.hub.console.return_form import ReturnForm, take_back
from retailops.hub.console.ship_actions import shipment_actions
from retailops.hub.console.stock_actions import new_key
from retailops.hub.fulfilment.models import Shipment
from retailops.hub.fulfilment.operations.cancel_orders import cancel_orders
from retailops.hub.fulfilment.operations.edit_order import edit_order, preview_edit
from retailops.hub.orders.models import Order, OrderHold, OrderLine
from retailops.hub.orders.operations.hold_orders import place_holds, release_holds
from retailops.hub.payments.operations.record_transactions import request_refund
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.models import Task
from retailops.hub.tasks.operations.replay_tasks import replay_tasks

OPERATE = "orders.change_order"
Data = Mapping[str, Any]


class ReasonForm(ConsoleForm):
    """Asks why."""

    reason = CharField(max_length=400, help_text="Kept in the order's history")


class RefundForm(ConsoleForm):
    """Money to give back."""

    amount = DecimalField(max_digits=14, decimal_places=2, min_value=0)
    reason = CharField(max_length=400)
    key = CharField(widget=HiddenInput, initial=new_key, max_length=60)


class ReleaseForm(ConsoleForm):
    """Which holds to release."""

    kinds = MultipleChoiceField(widget=CheckboxSelectMultiple, label="Holds")

    def __init__(self, data: object = None, files: object = None, *, holds: list[OrderHold]) -> None:
        super().__init__(data, files)
        choices = [(hold.kind, f"{hold.get_kind_display()}: {hold.reason}") for hold in holds]
        self.fields["kinds"].choices = choices  # type: ignore[attr-defined]
        self.fields["kinds"].initial = [kind for kind, _ in choices]


class SureForm(ConsoleForm):
    """Asks for one deliberate click more."""

    sure = BooleanField(label="I know this can't be undone")
    reason = CharField(max_length=400, help_text="Told to the channel and kept in the history")
    field_order = ("reason", "sure")


def order_actions(order: Order, lines: list[OrderLine], holds: list[OrderHold]) -> list[Action]:
    """The actions that make sense in the order's state."""
    over = order.completed_at is not None or order.cancelled_at is not None
    unshipped = any(line.open or line.planned for line in lines)
    actions = []
    if holds:
        actions.append(_release(order, holds))
    if not over:
        actions += [_hold(order), _edit(order, lines)]
    if unshipped:
        actions += [_route(order), *_ship(order)]
    if any(line.shipped > line.returned for line in lines):
        actions.append(_return(order, lines))
    actions += [_repull(order), *_replay(order), _refund(order)]
    return [*actions, _cancel(order)] if unshipped else actions


def _hold(order: Order) -> Action:
    def run(data: Data, actor: str) -> str:
        place_holds(holds={order.pk: (OrderHold.Kind.OPERATOR, data["reason"])}, actor=actor)
        return "put on hold"

    return Action(
        "hold",
        "Put on hold",
        OPERATE,
        ReasonForm,
        run,
        "Hold",
        "pause_circle",
        "It is not routed until the hold is released.",
    )


def _release(order: Order, holds: list[OrderHold]) -> Action:
    def run(data: Data, actor: str) -> str:
        free = release_holds(order_ids=[order.pk], kinds=data["kinds"], actor=actor)
        return "released; it is routed next" if free else "released; other holds remain"

    def form(data: object = None, files: object = None) -> ReleaseForm:
        return ReleaseForm(data, files, holds=holds)

    return Action("release", "Release holds", OPERATE, form, run, "Release", "play_circle")


def _edit(order: Order, lines: list[OrderLine]) -> Action:
    def form(data: object = None, files: object = None) -> EditForm:
        return EditForm(data, files, lines=lines)

    def preview(data: Data) -> object:
        return preview_edit(order_id=order.pk, changes=changes_of(data, lines))

    def run(data: Data, actor: str) -> str:
        edit_order(order_id=order.pk, changes=changes_of(data, lines), actor=actor)
        return "changed; the channel is told"

    return Action(
        "edit", "Edit lines", OPERATE, form, run, "Preview", "edit",
        "Change quantities and prices, or add a SKU. You see what comes of it before it is done.",
        preview=preview, preview_template="console/edit_preview.html",
    )  # fmt: skip


def _cancel(order: Order) -> Action:
    def run(data: Data, actor: str) -> str:
        result = cancel_orders(order_ids=[order.pk], actor=actor, reason=data["reason"])
        return f"{sum(result.units.values())} units cancelled"

    return Action(
        "cancel", "Cancel what is unshipped", OPERATE, SureForm, run, "Cancel the order", "cancel",
        "Stock goes back, POs are cancelled where the vendor allows it, the channel is told.", danger=True,
    )  # fmt: skip


def _route(order: Order) -> Action:
    def run(_data: Data, actor: str) -> str:
        result = route_orders(order_ids=[order.pk], actor=actor)
        if not result.orders:
            message = "it can't be routed now: it is on hold, not acknowledged, or somebody else works on it"
            raise ValueError(message)
        return f"routed: {sum(not decision.reason for decision in result.decisions)} portions planned"

    return Action(
        "route",
        "Route now",
        OPERATE,
        ConsoleForm,
        run,
        "Route",
        "alt_route",
        "Otherwise it is routed when stock arrives.",
    )


def _ship(order: Order) -> list[Action]:
    shipments = Shipment.objects.filter(order=order, state__in=("released", "partially_shipped"))
    return [
        action
        for shipment in shipments.select_related("facility", "vendor").order_by("id")
        for action in shipment_actions(shipment)
    ]


def _return(order: Order, lines: list[OrderLine]) -> Action:
    def form(data: object = None, files: object = None) -> ReturnForm:
        return ReturnForm(data, files, lines=lines)

    def run(data: Data, actor: str) -> str:
        return take_back(order.pk, data, actor)

    return Action(
        "return", "Take goods back", "returns.add_return", form, run, "Record the return", "assignment_return",
        "Records the RMA, puts goods back on the shelf, and tells the channel what to give back.",
    )  # fmt: skip


def _refund(order: Order) -> Action:
    def run(data: Data, actor: str) -> str:
        made = request_refund(
            order_id=order.pk, amount=data["amount"], reason=data["reason"], key=data["key"], actor=actor
        )
        return "the channel is asked to refund it" if made else "this refund was asked for before"

    return Action(
        "refund", "Refund money", "payments.add_paymenttransaction", RefundForm, run, "Refund", "currency_exchange",
        f"In {order.currency}, never more than was captured.", danger=True,
    )  # fmt: skip


def _repull(order: Order) -> Action:
    def run(_data: Data, _actor: str) -> str:
        pull_specific_orders(channel_id=order.channel_id, refnums=[order.channel_refnum])
        return "asked the channel for it again"

    return Action(
        "repull",
        "Pull again",
        OPERATE,
        ConsoleForm,
        run,
        "Pull again",
        "sync",
        "Ask the channel for its present content.",
    )


def _replay(order: Order) -> list[Action]:
    parked = list(Task.objects.filter(order=order, state=Task.State.PARKED).values_list("id", flat=True))

    def run(_data: Data, actor: str) -> str:
        return f"{replay_tasks(task_ids=parked, actor=actor)} tasks queued again"

    replay = Action(
        "replay", f"Replay {len(parked)} parked", "tasks.change_task", ConsoleForm, run, "Replay", "replay",
        "What the channel could not be told is told again.",
    )  # fmt: skip
    return [replay] if parked else []
