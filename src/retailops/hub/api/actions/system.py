"""System.Status and System.Invariants.Check: how the hub is doing, and whether its books add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retailops.hub.api.params import Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.queries.system import QueueDepth, orders_by_status, queue_depths
from retailops.hub.api.registry import Query
from retailops.hub.audit.operations.check_invariants import RULES, Violation, check_invariants


class NoParams(Params):
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of orders stop at 100,000 for each status. `records`: the queues."""

    orders: Mapping[str, int]
    tasks: Mapping[str, int]
    queue_depth: int
    records: Sequence[QueueDepth]


@dataclass(frozen=True, slots=True)
class Invariants:
    """`records`: the rules that don't hold; none is the good answer."""

    holds: int
    rules_checked: int
    records: Sequence[Violation]


def status(principal: Principal, params: NoParams) -> Status:  # noqa: ARG001 - the same for all
    """Return counts of orders and of unfinished work."""
    queues = queue_depths()
    tasks = {
        "queued": sum(queue.queued for queue in queues),
        "running": sum(queue.running for queue in queues),
        "parked": sum(queue.parked for queue in queues),
    }
    return Status(orders_by_status(), tasks, tasks["queued"] + tasks["running"], queues)


def check(principal: Principal, params: NoParams) -> Invariants:  # noqa: ARG001 - the same for all
    """Return which invariants don't hold. Reads every ledger: not for every minute."""
    violations = check_invariants()
    return Invariants(int(not violations), len(RULES), violations)


STATUS = Query(
    name="System.Status", scope=Scope.OPERATOR, request=NoParams, answer=Status, handler=status, example={}
)
CHECK = Query(
    name="System.Invariants.Check",
    scope=Scope.OPERATOR,
    request=NoParams,
    answer=Invariants,
    handler=check,
    example={},
)
