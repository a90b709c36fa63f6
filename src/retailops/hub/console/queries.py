"""The numbers of the dashboard and of the work queues: few statements, each over an index or a small table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retailops.hub.audit.models import AuditEntry
from retailops.hub.db import fetch

HOURS = 24


@dataclass(frozen=True, slots=True)
class Today:
    """Since midnight UTC; `by_hour` is the last 24 hours, oldest first."""

    imported: int
    shipped_packages: int
    completed: int
    by_hour: Sequence[int]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How far behind a channel is. Seconds are lags; `None`: nothing waits, or it was never pulled."""

    id: int
    name: str
    paused: bool
    not_before: datetime | None
    failures: int
    queued: int
    parked: int
    oldest_queued_seconds: float | None
    pull_lag_seconds: float | None
    pull_every_seconds: int

    @property
    def health(self) -> str:
        """One word, the worst first."""
        late = self.pull_lag_seconds is not None and self.pull_lag_seconds > max(
            3 * self.pull_every_seconds, 120
        )
        checks = (
            ("paused", self.paused),
            ("unreachable", self.failures > 0),
            ("parked", self.parked > 0),
            ("late", late),
            ("healthy", True),
        )
        return next(word for word, applies in checks if applies)


@dataclass(frozen=True, slots=True)
class Cause:
    """A work queue: orders (or tasks) that wait for a person, by cause."""

    slug: str
    title: str
    count: int
    hint: str


@dataclass(frozen=True, slots=True)
class LastCheck:
    """When the invariants were last checked, and what did not hold."""

    at: datetime
    by: str
    violations: Sequence[dict[str, object]]


def today() -> Today:
    """Orders imported today were updated today, so the index on `updated_at` finds them."""
    hours = fetch(
        """SELECT extract(epoch FROM date_trunc('hour', now()) - date_trunc('hour', imported_at))::int / 3600, count(*),
             count(*) FILTER (WHERE imported_at >= date_trunc('day', now(), 'UTC'))
           FROM orders_order WHERE updated_at >= now() - interval '24 hours' AND imported_at >= now() - interval '24 hours'
           GROUP BY 1"""
    )
    by_hour = [0] * HOURS
    for ago, count, _ in hours:
        if ago < HOURS:
            by_hour[HOURS - 1 - ago] = count
    ended = fetch(
        """SELECT (SELECT count(*) FROM fulfilment_package WHERE shipped_at >= date_trunc('day', now(), 'UTC')),
             (SELECT count(*) FROM orders_order WHERE updated_at >= date_trunc('day', now(), 'UTC')
               AND completed_at >= date_trunc('day', now(), 'UTC'))"""
    )[0]
    return Today(sum(row[2] for row in hours), ended[0], ended[1], by_hour)


def channel_states() -> list[ChannelState]:
    """Every channel with the depth of its queue; unfinished tasks only, which partial indexes hold."""
    rows = fetch(
        """SELECT c.id, c.name, q.paused, q.not_before, q.failures_in_row, coalesce(t.queued, 0), coalesce(p.parked, 0),
             extract(epoch FROM now() - t.oldest)::float8,
             extract(epoch FROM now() - k.walk_finished_at)::float8, c.pull_every_seconds
           FROM channels_channel c JOIN tasks_queue q ON q.id = c.queue_id
           LEFT JOIN channels_channelcursor k ON k.channel_id = c.id
           LEFT JOIN (SELECT queue_id, count(*) AS queued, min(created_at) AS oldest FROM tasks_task
             WHERE state IN ('queued', 'running') GROUP BY 1) t ON t.queue_id = q.id
           LEFT JOIN (SELECT queue_id, count(*) AS parked FROM tasks_task WHERE state = 'parked' GROUP BY 1) p
             ON p.queue_id = q.id
           ORDER BY c.name"""
    )
    return [ChannelState(*row) for row in rows]


def hub_queue_depth() -> int:
    """Jobs of the hub itself that wait or run."""
    return int(
        fetch(
            """SELECT count(*) FROM tasks_task t JOIN tasks_queue q ON q.id = t.queue_id
               WHERE q.name = 'hub' AND t.state IN ('queued', 'running')"""
        )[0][0]
    )


def live_workers() -> int:
    """Worker processes seen within the last minute."""
    return int(fetch("SELECT count(*) FROM tasks_worker WHERE seen_at > now() - interval '1 minute'")[0][0])


def last_check() -> LastCheck | None:
    """The newest check of the invariants, from the audit log."""
    entry = AuditEntry.objects.filter(subject="invariants").order_by("-id").first()
    return LastCheck(entry.at, entry.actor, entry.data["violations"]) if entry else None
