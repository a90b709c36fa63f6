"""From answers to settled tasks: effects of the replies and the settlement in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import structlog
from django.db import InterfaceError, OperationalError

from retailops.hub.db import unit_of_work
from retailops.hub.tasks.handlers import Answer, CallHandler, Handler, JobHandler
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import FencedError, Settlement, settle_tasks
from retailops.hub.tasks.rules import OutcomeClass

log = structlog.get_logger(__name__)


def settle(answers: Sequence[Answer], handlers: Mapping[str, Handler], settled: Sequence[Settlement]) -> None:
    """Apply answers and settle their tasks, all together if possible; one that can't be applied stands alone.

    Raises `OperationalError` or `InterfaceError` when the database is away; then nothing was written for what was not
    settled yet, and the call may be repeated: what was settled is fenced.
    """
    try:
        _settle_together(answers, handlers, settled)
    except FencedError as error:
        log.warning("worker.lease_lost", lanes=sorted(error.lanes))
        rest = [a for a in answers if not error.lanes & {task.lane for task in a.call.tasks}]
        settle(rest, handlers, [s for s in settled if s.task.lane not in error.lanes])
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # a reply that trips our own code must not hold up the others
        if not answers:
            raise
        _settle_apart(answers, handlers, settled, error)


def _settle_apart(
    answers: Sequence[Answer],
    handlers: Mapping[str, Handler],
    settled: Sequence[Settlement],
    error: Exception,
) -> None:
    """Settle answers one by one; the one that fails alone, too, is settled as failed."""
    if len(answers) == 1 and not settled:
        tasks = answers[0].call.tasks
        handler = handlers[tasks[0].kind]
        log.error("task.apply_failed", kind=handler.kind, exc_info=error)
        settle((), handlers, [_failed(handler, task, error) for task in tasks])
        return
    unsettled: Exception | None = None
    parts: list[tuple[tuple[Answer, ...], tuple[Settlement, ...]]] = [
        ((answer,), ()) for answer in answers
    ] + ([((), tuple(settled))] if settled else [])
    for some_answers, some_settled in parts:
        try:
            settle(some_answers, handlers, some_settled)
        except (OperationalError, InterfaceError):
            raise
        except Exception as failure:  # noqa: BLE001 - raised below, after the others have been settled
            unsettled = failure
    if unsettled:
        raise unsettled


@unit_of_work
def _settle_together(
    answers: Sequence[Answer], handlers: Mapping[str, Handler], settled: Sequence[Settlement]
) -> None:
    by_kind: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_kind[answer.call.tasks[0].kind].append(answer)
    settlements = list(settled)
    for kind, of_kind in by_kind.items():
        handler = handlers[kind]
        assert isinstance(handler, CallHandler)  # noqa: S101 - only call handlers make calls
        settlements.extend(handler.apply(of_kind))
    if settlements:
        calls = {task.id: answer.call.tasks[0].id for answer in answers for task in answer.call.tasks}
        settle_tasks(settlements=settlements, calls=calls)


def run_job(handler: JobHandler, task: ClaimedTask) -> Settlement:
    """Run a job of the hub; what it raises becomes a retry."""
    try:
        return handler.run(task)
    except Exception as error:  # a job that fails is retried, then parked, and must not end the worker
        log.exception("task.job_failed", kind=task.kind, task=task.id)
        return Settlement(
            task, OutcomeClass.RETRYABLE, f"{type(error).__name__}: {error}", blocks_lane=handler.blocks_lane
        )


def _failed(handler: Handler, task: ClaimedTask, error: Exception) -> Settlement:
    return Settlement(
        task, OutcomeClass.VIOLATION, f"the reply could not be applied: {error!r}", moves_money=handler.moves_money,
        blocks_lane=handler.blocks_lane,
    )  # fmt: skip
