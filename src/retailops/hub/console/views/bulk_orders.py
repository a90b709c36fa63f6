"""One action on many orders, given by a list of numbers; each gets its own result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from django.core.exceptions import PermissionDenied
from django.forms import CharField, ChoiceField
from django.http import HttpRequest, HttpResponse

from retailops.hub.channels.operations.pull_orders import pull_specific_orders
from retailops.hub.console import formats
from retailops.hub.console.admin_base import record_url
from retailops.hub.console.order_actions import OPERATE
from retailops.hub.console.order_numbers import OrderNumbersField
from retailops.hub.console.order_search import MOST_DIGITS
from retailops.hub.console.pages import ConsoleForm, Table, actor_of, allowed, columns, console_page
from retailops.hub.console.refusals import REFUSALS
from retailops.hub.db import Row, fetch
from retailops.hub.fulfilment.operations.cancel_orders import cancel_orders
from retailops.hub.orders.models import OrderHold
from retailops.hub.orders.operations.hold_orders import place_holds, release_holds
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.models import Task
from retailops.hub.tasks.operations.replay_tasks import replay_tasks


def _hold(order_ids: Sequence[int], actor: str, reason: str) -> None:
    place_holds(holds=dict.fromkeys(order_ids, (OrderHold.Kind.OPERATOR, reason)), actor=actor)


def _release(order_ids: Sequence[int], actor: str, _reason: str) -> None:
    release_holds(order_ids=order_ids, kinds=OrderHold.Kind.values, actor=actor)


def _cancel(order_ids: Sequence[int], actor: str, reason: str) -> None:
    cancel_orders(order_ids=order_ids, actor=actor, reason=reason)


def _route(order_ids: Sequence[int], actor: str, _reason: str) -> None:
    route_orders(order_ids=order_ids, actor=actor)


def _replay(order_ids: Sequence[int], actor: str, _reason: str) -> None:
    parked = Task.objects.filter(order_id__in=order_ids, state=Task.State.PARKED)
    replay_tasks(task_ids=list(parked.values_list("id", flat=True)), actor=actor)


def _pull(order_ids: Sequence[int], _actor: str, _reason: str) -> None:
    refnums: dict[int, list[str]] = defaultdict(list)
    for channel_id, refnum in fetch(
        "SELECT channel_id, channel_refnum FROM orders_order WHERE id = ANY(%s)", [list(order_ids)]
    ):
        refnums[channel_id].append(refnum)
    for channel_id, of_channel in sorted(refnums.items()):
        pull_specific_orders(channel_id=channel_id, refnums=of_channel)


#: Name → (label, what to run on order ids)
ACTIONS: Mapping[str, tuple[str, Callable[[Sequence[int], str, str], None]]] = {
    "hold": ("Put on hold", _hold),
    "release": ("Release all holds", _release),
    "route": ("Route now", _route),
    "pull": ("Pull again from the channel", _pull),
    "replay": ("Replay parked tasks", _replay),
    "cancel": ("Cancel what is unshipped", _cancel),
}


class BulkForm(ConsoleForm):
    """Which orders, and what to do."""

    numbers = OrderNumbersField(label="Orders", help_text="Order numbers or our ids.")
    what = ChoiceField(label="Action", choices=[(name, label) for name, (label, _) in ACTIONS.items()])
    reason = CharField(max_length=400, help_text="Kept in each order's history")


def bulk_orders(request: HttpRequest) -> HttpResponse:
    """Ask, then show what became of each."""
    if not allowed(request, OPERATE):
        raise PermissionDenied
    form = BulkForm(request.POST or None, initial={"numbers": request.GET.get("ids", "").replace(",", "\n")})
    table = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        table = _results(data["numbers"], ACTIONS[data["what"]][1], actor_of(request), data["reason"])
    return console_page(request, "console/form_page.html", "Many orders at once", {
        "form": form, "table": table, "submit": "Run",
        "intro": "What can't be done for one order is told beside it, and the others go on.",
    })  # fmt: skip


def _results(
    numbers: Sequence[str], run: Callable[[Sequence[int], str, str], None], actor: str, reason: str
) -> Table:
    found = _find(numbers)
    outcomes = _run_all(
        sorted({row[0] for rows in found.values() for row in rows[:1] if len(rows) == 1}), run, actor, reason
    )
    return Table(
        "Results", columns("Given", "Order", "Result", "Message"),
        [_result(number, found.get(number, []), outcomes) for number in numbers],
    )  # fmt: skip


def _result(number: str, rows: Sequence[Row], outcomes: Mapping[int, str]) -> tuple[object, ...]:
    if len(rows) != 1:
        problem = "no such order" if not rows else f"{len(rows)} channels have this number; give our id"
        return number, formats.EMPTY, formats.chip("error", "left alone"), problem
    refusal = outcomes[rows[0][0]]
    chip = formats.chip("error", "refused") if refusal else formats.chip("ok", "done")
    return (
        number,
        formats.link(record_url("orders_order", rows[0][0]), rows[0][1]),
        chip,
        refusal or formats.EMPTY,
    )


def _find(numbers: Sequence[str]) -> dict[str, list[Row]]:
    """Number → (id, refnum) of the orders it names; a channel's number wins over an id of ours."""
    ids = [int(number) for number in numbers if number.isdecimal() and len(number) <= MOST_DIGITS]
    rows = fetch(
        """SELECT id, channel_refnum, channel_refnum FROM orders_order WHERE channel_refnum = ANY(%(numbers)s)
           UNION ALL SELECT id, channel_refnum, id::text FROM orders_order WHERE id = ANY(%(ids)s)""",
        {"numbers": list(numbers), "ids": ids},
    )
    found: dict[str, list[Row]] = {}
    for row in rows:
        matches = found.setdefault(row[2], [])
        if row[1] == row[2] or not matches:
            matches.append(row)
    return found


def _run_all(
    order_ids: Sequence[int], run: Callable[[Sequence[int], str, str], None], actor: str, reason: str
) -> dict[int, str]:
    """Run on all at once; if an order is refused, on each alone, so that it stops no other. Return id → refusal."""
    try:
        run(order_ids, actor, reason)
    except REFUSALS:
        return {order_id: _run_one(order_id, run, actor, reason) for order_id in order_ids}
    return dict.fromkeys(order_ids, "")


def _run_one(order_id: int, run: Callable[[Sequence[int], str, str], None], actor: str, reason: str) -> str:
    try:
        run([order_id], actor, reason)
    except REFUSALS as error:
        return str(error)
    return ""
