"""From claimed tasks to calls and jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from django.db import InterfaceError, OperationalError

from retailops.hub.tasks.handlers import Built, Call, CallHandler, Handler, JobHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.rules import OutcomeClass

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Work:
    """What a worker is to do with the tasks it claimed."""

    tasks: Sequence[ClaimedTask]
    calls: list[Call] = field(default_factory=list)
    jobs: list[ClaimedTask] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)


def build(tasks: Sequence[ClaimedTask], handlers: Mapping[str, Handler]) -> Work:
    """Build the calls of claimed tasks, those of one kind together; what can't be built is settled as failed."""
    work = Work(tasks)
    by_kind: dict[str, list[ClaimedTask]] = defaultdict(list)
    for task in tasks:
        by_kind[task.kind].append(task)
    for kind, of_kind in by_kind.items():
        handler = handlers.get(kind)
        if isinstance(handler, JobHandler):
            work.jobs.extend(of_kind)
        elif isinstance(handler, CallHandler):
            _take(_build_calls(handler, of_kind), work)
        else:
            work.settled.extend(
                Settlement(task, OutcomeClass.PERMANENT, f"this version doesn't know tasks of kind {kind!r}")
                for task in of_kind
            )
    return work


def _take(built: Built, work: Work) -> None:
    work.calls.extend(built.calls)
    work.settled.extend(built.settled)


def _build_calls(handler: CallHandler, tasks: Sequence[ClaimedTask]) -> Built:
    """Build tasks together if possible, else lane by lane."""
    try:
        return _complete(handler, tasks, handler.build(tasks))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # a task that can't be built must not stop the others
        log.warning("task.build_failed", kind=handler.kind, tasks=[task.id for task in tasks], exc_info=error)
        lanes: dict[str, list[ClaimedTask]] = defaultdict(list)
        for task in tasks:
            lanes[task.lane].append(task)
        if len(lanes) == 1:
            return Built(settled=_set_culprits_apart(handler, tasks, error))
        parts = [_build_calls(handler, part) for part in lanes.values()]
    return Built(
        calls=[call for part in parts for call in part.calls],
        settled=[settlement for part in parts for settlement in part.settled],
    )


def _complete(handler: CallHandler, tasks: Sequence[ClaimedTask], built: Built) -> Built:
    """Refuse a build that leaves tasks out: nobody would ever settle them. Raises ValueError."""
    seen = {task.id for call in built.calls for task in call.tasks} | {s.task.id for s in built.settled}
    missing = [task.id for task in tasks if task.id not in seen]
    if missing:
        message = f"{handler.kind} built neither a call nor a settlement for tasks {missing[:5]}"
        raise ValueError(message)
    return built


def _set_culprits_apart(
    handler: CallHandler, tasks: Sequence[ClaimedTask], error: Exception
) -> list[Settlement]:
    """Settle one lane's tasks without any call: park those that can't be built alone, put back the others.

    Calls for some of them would be in flight while the settlement of the others gives the lane away.
    """
    culprits = (
        {task.id: failure for task in tasks if (failure := _failure_alone(handler, task))}
        if len(tasks) > 1
        else {}
    )
    culprits = culprits or {task.id: error for task in tasks}
    return [
        Settlement(
            task,
            OutcomeClass.PERMANENT,
            f"could not be built: {culprits[task.id]!r}",
            blocks_lane=handler.blocks_lane,
        )
        if task.id in culprits
        else Settlement(
            task, OutcomeClass.RETRYABLE, "put back: a task beside it could not be built", retry_after=0.0
        )
        for task in tasks
    ]


def _failure_alone(handler: CallHandler, task: ClaimedTask) -> Exception | None:
    try:
        handler.build([task])
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes into the task's message
        return error
    return None
