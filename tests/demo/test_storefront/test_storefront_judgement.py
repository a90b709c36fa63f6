"""The judge notices each planted misbehaviour of its caller, and nothing in a faultless life."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest


def test_a_faultless_life_has_no_violations(caller: Any) -> None:
    caller.imported("R1")
    for _ in range(2):
        caller.ship("R1", 1, package=1)
        caller.settle("R1", 20)
    unshipped = [{"channel_item_refnum": "R1-1", "unshipped_quantity": 1}]
    packages = [{"retailops_package_id": 1}]
    shipments = [{"retailops_shipment_id": 1, "packages": packages}]
    caller.order_call("order_complete", "R1", unshipped_items=unshipped, shipments=shipments)
    caller.ship("R1", 1, package=1)  # a late duplicate
    caller.give_back("R1", 1, 10)
    assert caller.violations() == []


def _cancelled_then_shipped(caller: Any) -> None:
    caller.order_call("order_cancel", "R1")
    caller.ship("R1", 1)


def _completed_then_shipped(caller: Any) -> None:
    caller.ship("R1", 1, package=1)
    unshipped = [{"channel_item_refnum": "R1-1", "unshipped_quantity": 1}]
    caller.order_call("order_complete", "R1", unshipped_items=unshipped)
    caller.ship("R1", 1, package=2)


def _complete_names_a_package_never_submitted(caller: Any) -> None:
    caller.ship("R1", 2)
    packages = [{"retailops_package_id": 99}]
    shipments = [{"retailops_shipment_id": 1, "packages": packages}]
    caller.order_call("order_complete", "R1", shipments=shipments)


def _package_changed(caller: Any) -> None:
    caller.ship("R1", 1)
    caller.ship("R1", 2)


def _cancelled_after_shipment(caller: Any) -> None:
    caller.ship("R1", 1)
    caller.order_call("order_cancel", "R1")


def _refunded_too_much(caller: Any) -> None:
    caller.ship("R1", 2)
    caller.settle("R1", 10)
    caller.give_back("R1", 1, 10.01)


def _returned_too_much(caller: Any) -> None:
    caller.ship("R1", 1)
    caller.settle("R1", 10)
    caller.give_back("R1", 2, 5)


def _return_changed(caller: Any) -> None:
    caller.ship("R1", 1)
    caller.settle("R1", 10)
    caller.give_back("R1", 1, 5)
    caller.give_back("R1", 1, 6)


def _series_changed(caller: Any) -> None:
    caller.settle("R1", 5)
    caller.settle("R1", 6)


def _not_acknowledged(caller: Any) -> None:
    caller.backorder("R2")
    caller.ship("R2", 1)


def _not_pulled(caller: Any) -> None:
    caller.backorder("R2")
    caller.acknowledge("R2")


def _stale_revision(caller: Any) -> None:
    caller.list_sku("A")
    caller.stock("A", 5, revision=8)
    caller.stock("A", 9, revision=7)


@pytest.mark.parametrize(
    "code, misbehave",
    [
        ("ORDER_NOT_PULLED", _not_pulled),
        ("ORDER_NOT_ACKNOWLEDGED", _not_acknowledged),
        ("ORDER_ID_CHANGED", lambda caller: caller.acknowledge("R1", hub_id=8)),
        ("ORDER_CANCELLED", _cancelled_then_shipped),
        ("ORDER_COMPLETED", _completed_then_shipped),
        ("ORDER_SHIPPED", _cancelled_after_shipment),
        ("OVER_SHIPMENT", lambda caller: caller.ship("R1", 3)),
        ("PACKAGE_CHANGED", _package_changed),
        ("INCOMPLETE_ORDER", lambda caller: caller.order_call("order_complete", "R1")),
        ("INCOMPLETE_ORDER", _complete_names_a_package_never_submitted),
        ("OVER_CAPTURE", lambda caller: caller.settle("R1", 20.01)),
        ("SERIES_CHANGED", _series_changed),
        ("CURRENCY_MISMATCH", lambda caller: caller.settle("R1", 1, currency="EUR")),
        ("OVER_REFUND", _refunded_too_much),
        ("OVER_RETURN", _returned_too_much),
        ("RETURN_CHANGED", _return_changed),
        ("STALE_REVISION", _stale_revision),
    ],
)
def test_each_misbehaviour_is_named(caller: Any, code: str, misbehave: Callable[[Any], object]) -> None:
    caller.imported("R1")
    assert caller.violations() == []
    misbehave(caller)
    assert caller.violations() == [code]


def test_a_redelivered_old_revision_is_no_violation(caller: Any) -> None:
    caller.list_sku("A")
    rows = [{"sku": "A", "quantity_available": 5, "revision": 7}]
    caller.call("inventory_push", {"inventory_updates": rows}, webhook_id="m7")
    caller.stock("A", 4, revision=8)
    caller.call("inventory_push", {"inventory_updates": rows}, webhook_id="m7")
    assert caller.violations() == []
    assert caller.available("A") == 4


def test_two_calls_in_flight_for_one_order_are_noticed(caller: Any) -> None:
    caller.imported("R1")
    caller.imported("R2")
    caller.set_faults("slow:1:400")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: caller.ship(*n), [("R1", 1, 1), ("R1", 1, 2), ("R2", 1, 3)]))
    assert caller.violations() == ["OVERLAP"]
    assert sorted(call["overlap"] for call in caller.journal()[-3:]) == [False, False, True]


def test_calls_that_arrive_at_the_same_moment_overlap(caller: Any) -> None:
    caller.imported("R1")
    second = type(caller)(str(caller.http.base_url), caller.pid)
    # Both have a connection open; while the storefront is stopped, both calls reach its sockets.
    with ThreadPoolExecutor(2) as pool, second.http:
        assert second.violations() == []
        os.kill(caller.pid, signal.SIGSTOP)
        calls = [pool.submit(caller.ship, "R1", 1, 1), pool.submit(second.ship, "R1", 1, 2)]
        time.sleep(0.3)
        os.kill(caller.pid, signal.SIGCONT)
        assert [call.result() for call in calls] == [{"events": []}, {"events": []}]
    assert caller.violations() == ["OVERLAP"]


def test_a_caller_who_hung_up_is_no_longer_in_flight(caller: Any) -> None:
    caller.imported("R1")
    caller.set_faults("slow:1:10000")
    caller.http.timeout = 0.3
    with pytest.raises(httpx.ReadTimeout):
        caller.ship("R1", 1)
    caller.http.timeout = 20
    caller.set_faults("")
    assert caller.ship("R1", 1) == {"events": []}
    assert [call["effect"] for call in caller.journal()[-2:]] == ["applied", "duplicate"]
    assert caller.violations() == []
