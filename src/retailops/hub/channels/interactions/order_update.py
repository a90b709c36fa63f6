"""order_update: lines, quantities, dates or returns changed; the channel answers with its line refs and new money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from retailops.contract.events import Event
from retailops.contract.replies import Reply
from retailops.contract.returns import Return
from retailops.contract.update import LineItem, OrderUpdateRequest, OrderUpdateResponse
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Result, find_errors, judge
from retailops.hub.channels.interactions.order_documents import order_documents
from retailops.hub.channels.interactions.replies import SubjectInteraction, subject_of
from retailops.hub.channels.interactions.return_documents import returns_of_orders
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.record_line_refnums import record_line_refnums
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass

_REFS = {"order_item_id", "refnum"}


class OrderUpdate(SubjectInteraction[OrderUpdateResponse]):
    """The whole order as it stands; the channel works out what changed."""

    kind = "order_update"
    response = OrderUpdateResponse
    kept = frozenset({"line_items"})
    gone = "the order is gone"

    def requests(
        self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]
    ) -> Mapping[int, OrderUpdateRequest]:
        """Orders with their items and returns."""
        subjects = {subject_of(task) for task in tasks}
        orders = order_documents(subjects, removed_flags=True)
        returns: dict[int, list[Return]] = defaultdict(list)
        for each in returns_of_orders(subjects):
            returns[each.order_id].append(each.document)
        return {
            task.id: OrderUpdateRequest(
                **self.envelope(channels[task.queue_id]), order=orders[order_id], rmas=returns[order_id]
            )
            for task in tasks
            if (order_id := subject_of(task)) in orders
        }

    def take(self, told: Sequence[Told[Reply[OrderUpdateResponse], None]]) -> Mapping[int, Result]:
        """Keep the channel's names of lines. Its new amounts go into the order's history; a person decides on them."""
        lines = [
            (subject_of(each.tasks[0]), line.order_item_id, line.refnum)
            for each in told
            for line in each.page.payload.line_items or []
        ]
        record_line_refnums(lines)
        events = [
            (subject_of(each.tasks[0]), "recalculated_by_channel", amounts)
            for each in told
            if (amounts := _amounts(each.page.payload))
        ]
        log_events(events, actor="system")
        return {each.tasks[0].id: _judge(each.page.events) for each in told}


def _amounts(payload: OrderUpdateResponse) -> dict[str, object]:
    """The amounts in a reply, as text: they are exact there."""
    amounts: dict[str, object] = {}
    if payload.values:
        amounts["values"] = _texts(payload.values.model_dump(exclude_none=True))
    lines = [
        _texts(line.model_dump(exclude_none=True)) for line in payload.line_items or [] if _has_amounts(line)
    ]
    return (
        {**amounts, "line_items": lines} if lines else {name: each for name, each in amounts.items() if each}
    )


def _has_amounts(line: LineItem) -> bool:
    return bool(line.model_dump(exclude_none=True).keys() - _REFS)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _judge(events: Sequence[Event]) -> Result:
    """Errors that are all about single lines leave the rest of the update standing."""
    about_lines = {
        (a.identifier_type or "", a.identifier or "")
        for event in events
        for a in event.associations or []
        if a.identifier_type in {"orderitem_id", "orderitem_refnum"}
    }
    errors = find_errors(events, about_lines)
    if errors.of and not errors.rest:
        return Result(OutcomeClass.OK_WITH_ERRORS, errors.about(*sorted(errors.of)))
    return judge(events)
