"""What the runs of `test_kills` have found, each as the smallest case that shows it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import connection, connections
from psycopg.conninfo import make_conninfo

from retailops.hub.db import fetch
from retailops.hub.fulfilment.models import ShipmentItem
from retailops.hub.fulfilment.operations.cancel_orders import cancel_orders
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import OrderLine
from retailops.hub.payments.models import Payment, PaymentTransaction
from retailops.hub.payments.operations.record_transactions import TransactionResult, finish_transactions
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks import worker
from retailops.hub.tasks.models import Queue
from retailops.hub.tasks.operations.enqueue_tasks import enqueue_tasks
from retailops.hub.tasks.rules import OutcomeClass
from retailops.outbound.addresses import AddressPolicy, parse_networks
from tests.hub.channels.support import apply_one, build_one, make_task
from tests.hub.factories import import_now, incoming, make_channel, make_facility, make_sku, queued, stock_up
from tests.hub.tasks.peers import Ping, Response, channel
from tests.hub.tasks.support import claim, new_task, settle_as, wait_until


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", [OutcomeClass.RETRYABLE, OutcomeClass.UNKNOWN])
def test_a_cancellation_does_not_overtake_the_acknowledgement(outcome):
    """Pulled once more while the acknowledgement failed, the order got a second one, behind the cancellation."""
    shop = make_channel()
    make_sku("A")
    order = incoming("R-1", [("A", 1)])
    [order_id] = import_now(shop, order).created.values()
    [acknowledgement] = [task for task in claim() if task.kind == "order_acknowledge"]
    cancel_orders(order_ids=[order_id], actor="user:ann", reason="changed her mind")
    import_now(shop, order)
    settle_as(outcome, acknowledgement)
    assert [kind for kind, _ in queued(order_id)] == ["order_acknowledge", "order_cancel"]


@pytest.mark.django_db
def test_a_refund_in_a_reply_that_could_not_be_read_is_asked_for_again():
    """The rest of the reply passed for an answer without refunds: the money was gone, and the hub did not know."""
    shop, east = make_channel(), make_facility("EAST")
    stock_up(east, {make_sku("A"): 5})
    [order_id] = import_now(shop, incoming("R-1", [("A", 1)])).created.values()
    route_orders(order_ids=[order_id], actor="test")
    item = ShipmentItem.objects.get()
    ship_packages(packages=[NewPackage("p", item.shipment_id, [(item.pk, 1)])], actor="test")
    capture = PaymentTransaction.objects.get(kind="capture")
    finish_transactions(results={capture.pk: TransactionResult("succeeded")}, actor="test")
    return_id = receive_return(
        rma="RMA-1", order_id=order_id, facility_id=east.pk, items=[ReturnedItem(OrderLine.objects.get().pk, 1)], actor="test"
    )  # fmt: skip
    call = build_one(make_task("order_returned", shop, return_id, order_id=order_id))
    unreadable = {"events": "none", "payment_transactions": [], "status": 7}
    assert apply_one(call, unreadable).outcome is OutcomeClass.VIOLATION
    refund = {
        "transaction_type": "credit",
        "payment_processing_type": "channel_payment",
        "amount": 10,
        "status": "success",
    }
    assert apply_one(call, {"events": [], "payment_transactions": [refund]}).outcome is OutcomeClass.OK
    assert Payment.objects.get().refunded == Decimal(10)


def test_a_call_whose_lease_ran_out_while_it_waited_is_not_made(transactional_db, settings, monkeypatch):
    """Stopped with calls waiting for a connection, a worker made them when it went on, though others had long done so."""
    settings.RETAILOPS_DATABASE_URL = make_conninfo(
        os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]
    )
    monkeypatch.setattr(worker, "CONNECTIONS", 1)
    monkeypatch.setattr(worker, "renew_leases", lambda **_: set())
    queue = Queue.objects.create(name="channel:shop")
    enqueue_tasks([new_task(queue, "order:1", "first"), new_task(queue, "order:2", "waits")])
    untold = "SELECT 1 FROM tasks_task WHERE kind = 'ping' AND state <> 'succeeded'"
    with channel(lambda *_: Response(seconds=2.0 if len(peer.arrived) == 1 else 0.0)) as peer:
        with _working(queue, peer.url):
            wait_until(lambda: peer.in_flight == 1)
            [waiting] = {"order:1", "order:2"} - {lane for lane, _ in peer.arrived}
            with _working(queue, peer.url):
                wait_until(lambda: fetch(untold) == [])
        assert [lane for lane, _ in peer.arrived].count(waiting) == 1


@contextmanager
def _working(queue: Queue, url: str) -> Iterator[None]:
    """A worker in a thread, with leases of a second."""
    stop = threading.Event()
    handlers = {"ping": Ping({queue.pk: url})}
    policy = AddressPolicy(allow_networks=parse_networks(["127.0.0.0/8"]))

    def run() -> None:
        worker.run_worker(stop, name="w", concurrency=8, handlers=handlers, policy=policy, lease_seconds=1.0)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
