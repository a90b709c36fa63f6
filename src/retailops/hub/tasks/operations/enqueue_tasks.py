"""Write work down, in the commit that makes it necessary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from django.db import connection, transaction

from retailops.hub.db import columns_of, execute

#: Workers listen here; the notification is sent when the transaction commits.
WAKE_UP = "retailops_tasks"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be queued. Tasks of one lane run in the order in which they are queued."""

    queue_id: int
    lane: str
    kind: str
    key: str
    subject_id: int | None = None
    order_id: int | None = None
    payload: Mapping[str, object] = field(default_factory=dict)


def enqueue_tasks(tasks: Sequence[NewTask]) -> None:
    """Queue tasks in the current transaction, in two statements whatever their number.

    A task that is still queued under the same lane, kind and key stands for the new one too (with both payloads),
    since what is sent is read when it is sent. The statements lock the lane and that queued task until the commit, so
    that no worker can take the task up in between and miss the change.
    """
    if not tasks:
        return
    # A task without its lane would never be claimed. Inside the caller's transaction this costs no savepoint.
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        _enqueue(tasks)


def _enqueue(tasks: Sequence[NewTask]) -> None:
    lanes = sorted({(task.lane, task.queue_id) for task in tasks})
    execute(
        """INSERT INTO tasks_lane (queue_id, name) SELECT * FROM unnest(%s::bigint[], %s::text[])
           ON CONFLICT (name) DO UPDATE SET name = excluded.name""",
        [[queue_id for _, queue_id in lanes], [name for name, _ in lanes]],
    )
    unique: dict[tuple[str, str, str], NewTask] = {}
    for task in tasks:
        twin = unique.get((task.lane, task.kind, task.key))
        payload = {**twin.payload, **task.payload} if twin else task.payload
        unique[task.lane, task.kind, task.key] = replace(task, payload=payload)
    rows = [
        (
            task.queue_id,
            task.lane,
            task.kind,
            task.key,
            task.subject_id,
            task.order_id,
            json.dumps(task.payload),
        )
        for task in unique.values()
    ]
    execute(
        """INSERT INTO tasks_task (queue_id, lane, kind, key, subject_id, order_id, payload)
           SELECT queue_id, lane, kind, key, subject_id, order_id, payload::jsonb
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[])
                WITH ORDINALITY AS t (queue_id, lane, kind, key, subject_id, order_id, payload, position)
           ORDER BY position
           ON CONFLICT (lane, kind, key) WHERE state = 'queued' DO UPDATE SET payload = tasks_task.payload || excluded.payload""",
        columns_of(rows, 7),
    )
    execute("SELECT pg_notify(%s, '')", [WAKE_UP])
