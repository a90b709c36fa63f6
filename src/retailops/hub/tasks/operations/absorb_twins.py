"""Two tasks of one lane, kind and key become one."""

from __future__ import annotations

from collections.abc import Collection

from retailops.hub.db import fetch


def absorb_twins(task_ids: Collection[int]) -> set[int]:
    """Put the queued twins of these tasks, which are about to be queued again, into them; return the ids closed by that.

    The older keeps its place in the lane: what was queued between the two must not overtake it (a change of an order its
    acknowledgement). It takes over what the twin was asked for; contents are read when they are sent anyway. As those
    may be newer than what was sent under its name before, it gets another name (`ClaimedTask.message_id`).
    """
    if not task_ids:
        return set()
    rows = fetch(
        """WITH eldest AS (
             SELECT DISTINCT ON (lane, kind, key) id, lane, kind, key FROM tasks_task
             WHERE id = ANY(%(ids)s) ORDER BY lane, kind, key, id
           ), twin AS (
             SELECT e.id AS eldest, t.id, t.payload FROM eldest e JOIN tasks_task t
               ON (t.lane, t.kind, t.key, t.state) = (e.lane, e.kind, e.key, 'queued')
             UNION
             SELECT e.id, t.id, t.payload FROM eldest e JOIN tasks_task t ON (t.lane, t.kind, t.key) = (e.lane, e.kind, e.key)
             WHERE t.id = ANY(%(ids)s) AND t.id <> e.id
           ), closed AS (
             UPDATE tasks_task t SET state = 'succeeded', finished_at = now(), message = 'told with task ' || twin.eldest
             FROM twin WHERE t.id = twin.id
           ), wish AS (
             SELECT eldest, max(id) AS newest,
               (SELECT jsonb_object_agg(p.key, p.value ORDER BY o.id) FROM twin o, jsonb_each(o.payload) p
                WHERE o.eldest = twin.eldest) AS payload
             FROM twin GROUP BY eldest
           ), kept AS (
             UPDATE tasks_task t SET payload = t.payload || coalesce(wish.payload, '{}')
               || jsonb_build_object('twin', wish.newest)
             FROM wish WHERE t.id = wish.eldest
           )
           SELECT id FROM twin""",
        {"ids": sorted(task_ids)},
    )
    return {row[0] for row in rows}
