"""inventory_push: what may be sold on the channel, computed when it is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retailops.contract.inventory import (
    InventoryPushRequest,
    InventoryPushResponse,
    InventoryUpdate,
    QuantityDetail,
)
from retailops.contract.replies import Reply
from retailops.contract.strict_json import rfc3339
from retailops.hub.availability.queries import available_to_sell
from retailops.hub.availability.rules import Available, Source
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Errors, Result, find_errors, judge
from retailops.hub.channels.interactions.hear import Failure
from retailops.hub.channels.interactions.replies import ReplyInteraction, subject_of
from retailops.hub.channels.models import Channel
from retailops.hub.db import columns_of, execute, fetch
from retailops.hub.tasks.handlers import Built, Call
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.rules import OutcomeClass

MOST = 2**31 - 1
UNCHANGED = "unchanged: the channel has this quantity"


@dataclass(frozen=True, slots=True)
class Level:
    """What a call says of one listing. `published` is what the channel was last known to have."""

    listing_id: int
    sku: str
    published: int | None
    available: Available

    @property
    def quantity(self) -> int:
        """What the channel's and our own columns hold of it."""
        return min(self.available.quantity, MOST)

    @property
    def urgency(self) -> tuple[int, str]:
        """Zeros first, then what falls, then the rest: a call cut short should leave nothing oversold."""
        falls = self.published is None or self.quantity < self.published
        return (0 if self.quantity == 0 else 1 if falls else 2, self.sku)


#: Task id → what it told; tasks that had nothing to tell are left out.
Levels = Mapping[int, Level]


class InventoryPush(ReplyInteraction[InventoryPushResponse, Levels]):
    """Up to 500 listings of a channel in one call."""

    kind = "inventory_push"
    response = InventoryPushResponse
    batch = 500
    blocks_lane = False

    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """One call a lane, with the listings whose quantity isn't what the channel has."""
        levels = _levels(tasks)
        lanes: dict[str, list[ClaimedTask]] = defaultdict(list)
        for task in tasks:
            lanes[task.lane].append(task)
        calls, settled = [], []
        for of_lane in lanes.values():
            telling = {
                t.id: levels[subject_of(t)] for t in of_lane if _must_tell(t, levels.get(subject_of(t)))
            }
            if telling:
                calls.append(self._call(channels[of_lane[0].queue_id], of_lane, telling))
            else:
                settled += [self.nothing_to_tell(task, UNCHANGED) for task in of_lane]
        return Built(calls, settled)

    def take(self, told: Sequence[Told[Reply[InventoryPushResponse], Levels]]) -> Mapping[int, Result]:
        """Note what the channel now has, for those SKUs that no error names."""
        results: dict[int, Result] = {}
        published: list[tuple[int, int | None]] = []
        for each in told:
            errors = find_errors(
                each.page.events, {("sku_number", level.sku) for level in each.detail.values()}
            )
            for task in each.tasks:
                level = each.detail.get(task.id)
                results[task.id] = result = _judge(each, level, errors)
                if level and result.outcome is not OutcomeClass.REFUSED:
                    published.append(
                        (level.listing_id, level.quantity if result.outcome is OutcomeClass.OK else None)
                    )
        _note_published(published)
        return results

    def on_failure(self, failed: Told[Failure, Levels]) -> Failure:
        """What the channel may have taken in without our knowing doesn't count as unchanged next time."""
        if failed.page.outcome.ambiguous or failed.page.http_status is not None:
            _note_published([(level.listing_id, None) for level in failed.detail.values()])
        return failed.page

    def _call(self, channel: Channel, tasks: Sequence[ClaimedTask], telling: Levels) -> Call:
        updates = [_update(level) for level in sorted(telling.values(), key=lambda level: level.urgency)]
        request = InventoryPushRequest(**self.envelope(channel), inventory_updates=updates)
        return self.call(channel, tasks, request, telling)


def _levels(tasks: Sequence[ClaimedTask]) -> dict[int, Level]:
    """What the listings of tasks may show now."""
    ids = sorted({subject_of(task) for task in tasks})
    rows = fetch(
        """SELECT l.id, s.code, l.published_quantity FROM catalog_listing l JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.id = ANY(%s)""",
        [ids],
    )
    available = available_to_sell(listing_ids=ids)
    return {row[0]: Level(row[0], row[1], row[2], available[row[0]]) for row in rows if row[0] in available}


def _must_tell(task: ClaimedTask, level: Level | None) -> bool:
    """After a first attempt it isn't certain what the channel has, so the number is told again."""
    if level is None:
        return False
    return level.quantity != level.published or task.attempts > 1 or task.payload.get("force") is True


def _note_published(quantities: Sequence[tuple[int, int | None]]) -> None:
    """Store what the channel has of listings; `None`: that isn't certain."""
    execute(
        """UPDATE catalog_listing l SET published_quantity = p.quantity,
               published_at = CASE WHEN p.quantity IS NULL THEN l.published_at ELSE now() END
           FROM unnest(%s::bigint[], %s::int[]) AS p (id, quantity) WHERE l.id = p.id""",
        columns_of(list(quantities), 2),
    )


def _judge(told: Told[Reply[InventoryPushResponse], Levels], level: Level | None, errors: Errors) -> Result:
    if level is None:
        return Result(message=UNCHANGED)
    if len(told.detail) == 1:
        return judge(told.page.events)
    about = errors.about(("sku_number", level.sku))
    if about:
        return Result(OutcomeClass.REFUSED, about)
    # An error that names no SKU: the number may or may not have been taken in.
    return Result(OutcomeClass.OK_WITH_ERRORS, errors.rest) if errors.rest else Result()


def _update(level: Level) -> InventoryUpdate:
    # Details that don't add up to a capped quantity would break the contract.
    details = level.available.details if level.quantity == level.available.quantity else ()
    return InventoryUpdate(
        sku=level.sku,
        quantity_available=level.quantity,
        quantity_detail=[_detail(source) for source in details],
    )


def _detail(source: Source) -> QuantityDetail:
    date = source.estimated_availability_date
    return QuantityDetail.model_validate(
        {
            "quantity_type": source.quantity_type,
            "available_quantity": source.available,
            "total_quantity": source.total,
            "facility_name": source.facility_name or None,
            "vendor_name": source.vendor_name or None,
            "po": source.po or None,
            "estimated_availability_date": rfc3339(date) if date else None,
        }
    )
