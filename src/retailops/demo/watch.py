"""Keeps an eye on the day's orders in the hub, by its API."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from retailops.client import Record
from retailops.demo.api import Api
from retailops.demo.day import Day

ENDED = frozenset({"completed", "cancelled"})
#: Statuses of orders of which nothing has been routed yet.
UNROUTED = frozenset({"received", "ready", "on_hold", "channel_incomplete", "backordered"})
PAGE = 200
#: A change may be committed this long after the moment it bears.
OVERLAP = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class HubLine:
    """A line's units; `reason` says why open ones are not routed."""

    id: int
    item_refnum: str
    item_type: str
    sku: str
    ordered: int
    open: int
    planned: int
    shipped: int
    cancelled: int
    returned: int
    reason: str


@dataclass(frozen=True, slots=True)
class HubOrder:
    """An order as the hub shows it. `holds` is kind → reason."""

    id: int
    refnum: str
    status: str
    acknowledged: bool
    holds: Mapping[str, str]
    captured: Decimal
    refunded: Decimal
    lines: Sequence[HubLine]

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it but returns."""
        return self.status in ENDED

    @property
    def shipped(self) -> int:
        """Units that left a warehouse or vendor; what never ships (carriage) doesn't count."""
        return sum(line.shipped for line in self.lines if line.item_type == "ship")

    @property
    def returned(self) -> int:
        """Units that came back."""
        return sum(line.returned for line in self.lines)

    @property
    def reason(self) -> str:
        """Why it goes no further; empty if nothing is stated."""
        holds = (f"{kind}: {reason}" for kind, reason in self.holds.items())
        return next(iter([*holds, *(line.reason for line in self.lines if line.open and line.reason)]), "")

    @property
    def waits(self) -> bool:
        """Whether what is left of it can't be routed, for a stated reason."""
        left = [line for line in self.lines if line.open or line.planned]
        return bool(left) and all(line.open and line.reason and not line.planned for line in left)


class Watch:
    """The hub's orders of one day. `look` is called by one thread; others may read `orders`."""

    def __init__(self, day: Day, api: Api) -> None:
        self._day = day
        self._api = api
        self._since: datetime | None = None
        self._lock = threading.Lock()
        self._orders: dict[str, HubOrder] = {}

    def look(self) -> list[HubOrder]:
        """Fetch what has changed since the last look; return those of today's orders that differ from before."""
        records = self._updated()
        seen = {
            record["refnum"]: read_order(record) for record in records if record["refnum"] in self._day.placed
        }
        with self._lock:
            changed = [order for refnum, order in seen.items() if self._orders.get(refnum) != order]
            self._orders.update(seen)
        return changed

    def orders(self) -> dict[str, HubOrder]:
        """Return today's orders as last seen, by refnum."""
        with self._lock:
            return dict(self._orders)

    def _updated(self) -> list[Record]:
        since = (self._since or self._day.started_at) - OVERLAP
        records = list(self._api.pages("Customer.Order.Fetch", updated_since=since.isoformat(), limit=PAGE))
        if records:
            self._since = datetime.fromisoformat(records[-1]["date_updated"])
        return records


def read_order(record: Record) -> HubOrder:
    """Read a record of Customer.Order.Fetch."""
    return HubOrder(
        id=record["id"],
        refnum=record["refnum"],
        status=record["status"],
        acknowledged=record["date_acknowledged"] is not None,
        holds={hold["kind"]: hold["reason"] for hold in record["holds"]},
        captured=Decimal(record["captured"] or 0),
        refunded=Decimal(record["refunded"] or 0),
        lines=tuple(
            HubLine(
                id=line["order_line_id"],
                item_refnum=line["refnum"],
                item_type=line["item_type"],
                sku=line["sku"],
                ordered=line["quantity"],
                open=line["quantity_open"],
                planned=line["quantity_planned"],
                shipped=line["quantity_shipped"],
                cancelled=line["quantity_cancelled"],
                returned=line["quantity_returned"],
                reason=line["routing_reason"],
            )
            for line in record["lines"]
        ),
    )
