"""An acknowledgement waits for an inventory push that may have been computed without the order (decision 3)."""

import pytest
from tests.hub.factories import (
    import_now,
    incoming,
    make_channel,
    make_facility,
    make_listing,
    make_sku,
    stock_up,
)

from retailops.hub.channels.handlers import HANDLERS
from retailops.hub.db import fetch
from retailops.hub.tasks.build import build
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask, claim_tasks
from retailops.hub.tasks.settle import settle

pytestmark = pytest.mark.django_db(transaction=True)


def _claim() -> list[ClaimedTask]:
    return claim_tasks(worker="w", lease_seconds=30, limit=10, in_flight={}, batches={"inventory_push": 500})


def test_an_acknowledgement_waits_for_an_older_push_in_flight() -> None:
    channel, sku = make_channel(), make_sku("A")
    make_listing(channel, sku)
    stock_up(make_facility("EAST"), {sku: 5})
    (push,) = _claim()
    assert push.kind == "inventory_push"
    order_id = import_now(channel, incoming("1", [("A", 1)])).created["1"]
    acknowledgements = _claim()
    work = build(acknowledgements, HANDLERS)
    assert (work.calls, len(work.settled)) == ([], 1)
    settle((), HANDLERS, work.settled)
    assert fetch("SELECT state, attempts FROM tasks_task WHERE order_id = %s", [order_id]) == [("queued", 0)]
    # The push has landed: now it may be told.
    settle((), HANDLERS, build([push], HANDLERS).settled or [_done(push)])
    fetch("SELECT pg_sleep(0.1)")
    work = build(_claim(), HANDLERS)
    assert [call.url.rsplit("/", 1)[1] for call in work.calls] == ["order_acknowledge_v1"]


def _done(task: ClaimedTask):
    from retailops.hub.tasks.operations.settle_tasks import Settlement
    from retailops.hub.tasks.rules import OutcomeClass

    return Settlement(task, OutcomeClass.OK)
