"""Write work down for everything that a query selects, without bringing it here first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext

from django.db import connection, transaction

from retailops.hub.db import execute, fetch
from retailops.hub.tasks.operations.enqueue_tasks import WAKE_UP

_LANES = """INSERT INTO tasks_lane (queue_id, name) SELECT DISTINCT queue_id, lane FROM ({query}) AS selected ORDER BY lane
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name"""
_TASKS = """INSERT INTO tasks_task (queue_id, lane, kind, key, subject_id, payload)
    SELECT queue_id, lane, kind, key, subject_id, %(payload)s::jsonb FROM ({query}) AS selected WHERE lane = ANY(%(lanes)s)
    ORDER BY subject_id
    ON CONFLICT (lane, kind, key) WHERE state = 'queued' DO UPDATE SET payload = tasks_task.payload || excluded.payload"""


def enqueue_selected(query: str, params: Mapping[str, object], *, payload: Mapping[str, object]) -> int:
    """Queue a task for each row of `query`, in three statements whatever their number; return how many rows there were.

    The query is SQL of ours with the columns queue_id, lane, kind, key and subject_id; it must not give two rows with the
    same lane, kind and key. What `enqueue_tasks` says of tasks that are queued already and of locks holds here too.

    The query is run again after the lanes are locked: who changed what it selects, and has queued that, has committed
    by then, or waits for us and sends what we leave behind.
    """
    # A task without its lane would never be claimed. Inside the caller's transaction this costs no savepoint.
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        lanes = [row[0] for row in fetch(_LANES.format(query=query), params)]
        if not lanes:
            return 0
        given = {**params, "lanes": lanes, "payload": json.dumps(payload)}
        count = execute(_TASKS.format(query=query), given)
        execute("SELECT pg_notify(%s, '')", [WAKE_UP])
    return count
