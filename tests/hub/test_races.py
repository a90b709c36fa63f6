"""Operations at the same time, each in a session of its own with real commits. The books are right at the end."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.utils import timezone

from retailops.hub import db
from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.channels.models import Channel
from retailops.hub.db import fetch
from retailops.hub.fulfilment.models import Package, ShipmentItem
from retailops.hub.fulfilment.operations import correct_stock
from retailops.hub.fulfilment.operations.cancel_orders import NotCancellableError, cancel_lines, cancel_orders
from retailops.hub.fulfilment.operations.correct_stock import count_stock
from retailops.hub.fulfilment.operations.edit_order import EditError, LineEdit, edit_order
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, PackageError, ship_packages
from retailops.hub.orders.models import Order, OrderLine
from retailops.hub.orders.operations.hold_orders import place_holds
from retailops.hub.payments.models import Payment, PaymentTransaction
from retailops.hub.payments.operations.record_transactions import TransactionResult, finish_transactions
from retailops.hub.purchasing.models import PoItem, PurchaseOrder, Vendor
from retailops.hub.purchasing.operations.advance_pos import submit_pos
from retailops.hub.purchasing.operations.advise_stock import StockAdvice, advise_stock
from retailops.hub.purchasing.operations.count_po_items import PoFrozenError
from retailops.hub.returns.operations.receive_return import ReturnedItem, receive_return
from retailops.hub.routing.operations.route_orders import route_due_orders, route_orders
from retailops.hub.stock.operations import post_moves
from retailops.hub.stock.operations.post_moves import NotEnoughStockError
from tests.hub.factories import (
    import_now,
    incoming,
    levels,
    line_counts,
    make_channel,
    make_facility,
    make_listing,
    make_sku,
    make_vendor,
    stock_up,
)
from tests.hub.tasks.support import run_together, sessions, wait_for_waiter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Iterator[Channel]:
    """A channel, SKUs A and B listed on it, and two facilities without stock."""
    channel = make_channel()
    for code in ("A", "B"):
        make_listing(channel, make_sku(code))
    make_facility("EAST")
    make_facility("WEST", priority=200)
    yield channel
    assert check_invariants() == []


@pytest.fixture
def second_tries(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before units of work that a deadlock had broken were run again."""
    pauses: list[float] = []
    monkeypatch.setattr(db, "time", SimpleNamespace(sleep=pauses.append))
    return pauses


def _stock(code: str, facility: str, quantity: int) -> None:
    from retailops.hub.catalog.models import Sku
    from retailops.hub.stock.models import Facility

    stock_up(Facility.objects.get(code=facility), {Sku.objects.get(code=code): quantity})


def _level(facility: str, code: str) -> tuple[int, int]:
    """Return the (facility, SKU) ids of a level."""
    row = fetch(
        "SELECT f.id, s.id FROM stock_facility f, catalog_sku s WHERE f.code = %s AND s.code = %s",
        [facility, code],
    )[0]
    return row[0], row[1]


def _tolerate(*errors: type[Exception]) -> Callable[[Callable[[], object]], bool]:
    """Return a function that runs an operation and tells whether it was done or refused with one of these errors."""

    def run(operation: Callable[[], object]) -> bool:
        try:
            operation()
        except errors:
            return False
        return True

    return run


def _acknowledged() -> None:
    Order.objects.update(acknowledged_at=timezone.now(), status="ready", routing_due_at=timezone.now())


def test_64_routings_at_once_allocate_500_units_exactly(shop):
    """512 orders of one to three units over 500 units in two facilities, in batches that overlap."""
    _stock("A", "EAST", 300)
    _stock("A", "WEST", 200)
    dice = random.Random(7)
    ids = list(
        import_now(
            shop, *(incoming(str(n), [("A", dice.randint(1, 3))]) for n in range(512))
        ).created.values()
    )
    batches = [dice.sample(ids, 16) for _ in range(32)] + [ids[n * 16 : n * 16 + 16] for n in range(32)]
    queue = list(batches)

    def work() -> None:
        while queue:
            route_orders(order_ids=queue.pop(), actor="test")

    run_together(*[work] * 8)
    # Orders that a rival held were left to it; ask once more for all.
    route_orders(order_ids=ids, actor="test")
    assert levels() == {("EAST", "A"): (300, 300), ("WEST", "A"): (200, 200)}
    assert sum(ShipmentItem.objects.values_list("quantity", flat=True)) == 500


def test_due_orders_are_shared_by_routers_and_each_is_routed_once(shop):
    _stock("A", "EAST", 1000)
    import_now(shop, *(incoming(str(n), [("A", 1)]) for n in range(120)))
    _acknowledged()

    def work() -> list[int]:
        routed: list[int] = []
        while result := route_due_orders(limit=7, actor="system").orders:
            routed += result
        return routed

    routed = [order_id for of_worker in run_together(*[work] * 4) for order_id in of_worker]
    assert len(routed) == len(set(routed))
    assert not Order.objects.filter(routing_due_at__isnull=False).exists()
    assert levels()["EAST", "A"] == (1000, 120)


def test_route_count_cancel_and_ship_on_one_order_and_one_sku(shop):
    """Whatever order they come in, no unit is in two places and the ledger adds up."""
    _stock("A", "EAST", 40)
    _stock("A", "WEST", 40)
    ids = list(import_now(shop, *(incoming(str(n), [("A", 6)]) for n in range(12))).created.values())
    tolerant = _tolerate(NotCancellableError, PackageError, NotEnoughStockError)
    numbers = iter(range(10**6))

    def route() -> None:
        route_orders(order_ids=ids, actor="test")

    def count(dice: random.Random) -> None:
        level = _level(dice.choice(["EAST", "WEST"]), "A")
        key = str(next(numbers))
        tolerant(
            lambda: count_stock(counted={level: dice.randint(10, 40)}, actor="a", reason="count", key=key)
        )

    def cancel(dice: random.Random) -> None:
        line = OrderLine.objects.order_by("?")[0]
        tolerant(lambda: cancel_lines(quantities={line.pk: dice.randint(1, 2)}, actor="a", reason="x"))

    def ship(dice: random.Random) -> None:
        item = ShipmentItem.objects.order_by("?").first()
        if item:
            package = NewPackage(f"p{next(numbers)}", item.shipment_id, [(item.pk, dice.randint(1, 2))])
            tolerant(lambda: ship_packages(packages=[package], actor="a"))

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(12):
            route()
            dice.choice([count, cancel, ship])(dice)

    run_together(*(lambda seed=seed: work(seed) for seed in range(6)))
    shipped = sum(OrderLine.objects.values_list("shipped", flat=True))
    assert shipped == sum(fetch("SELECT coalesce(sum(quantity), 0) FROM fulfilment_packageitem")[0])
    for line in OrderLine.objects.all():
        assert line.open + line.planned + line.shipped + line.cancelled == line.ordered == 6


@pytest.fixture
def routed(shop):
    """An order of four A, allocated at EAST; yields (channel, order id, the one shipment item)."""
    _stock("A", "EAST", 10)
    order_id = import_now(shop, incoming("1", [("A", 4)])).created["1"]
    route_orders(order_ids=[order_id], actor="test")
    return shop, order_id, ShipmentItem.objects.get()


def test_the_same_package_at_once_is_recorded_once(routed):
    _, _, item = routed
    package = NewPackage("p1", item.shipment_id, [(item.pk, 2)])
    results = run_together(*[lambda: ship_packages(packages=[package], actor="test")] * 6)
    assert sorted(len(result.repeated) for result in results) == [0, 1, 1, 1, 1, 1]
    assert len({result.packages["p1"] for result in results}) == 1
    assert (Package.objects.count(), levels()["EAST", "A"], line_counts("1")) == (
        1,
        (8, 2),
        [("A", 4, 0, 2, 2, 0)],
    )


def test_different_packages_at_once_never_ship_more_than_planned(routed):
    _, _, item = routed
    tolerant = _tolerate(PackageError)
    packages = [NewPackage(f"p{n}", item.shipment_id, [(item.pk, 1)]) for n in range(8)]
    done = run_together(
        *(
            lambda package=package: tolerant(lambda: ship_packages(packages=[package], actor="a"))
            for package in packages
        )
    )
    assert sorted(done) == [False] * 4 + [True] * 4
    assert line_counts("1") == [("A", 4, 0, 0, 4, 0)]


def test_the_same_orders_imported_at_once_are_stored_once(shop):
    orders = [incoming(str(number), [("A", 1), ("B", 2)]) for number in range(40)]
    backwards = list(reversed(orders))
    results = run_together(*[lambda: import_now(shop, *orders), lambda: import_now(shop, *backwards)] * 2)
    assert sum(len(result.created) for result in results) == 40
    assert (Order.objects.count(), OrderLine.objects.count(), Payment.objects.count()) == (40, 80, 40)


def test_edit_and_ship_at_once_agree(routed):
    _, order_id, item = routed
    line = OrderLine.objects.get()
    package = NewPackage("p1", item.shipment_id, [(item.pk, 3)])
    edited, shipped = run_together(
        lambda: _tolerate(EditError)(
            lambda: edit_order(order_id=order_id, changes=[LineEdit(line.pk, quantity=2)], actor="a")
        ),
        lambda: _tolerate(PackageError)(lambda: ship_packages(packages=[package], actor="a")),
    )
    assert edited != shipped
    assert line_counts("1") == ([("A", 4, 0, 2, 0, 2)] if edited else [("A", 4, 0, 1, 3, 0)])


def test_routing_and_advice_at_once_never_promise_more_than_was_advised(shop):
    from retailops.hub.catalog.models import Sku

    vendor = make_vendor("acme", {"V-A": (Sku.objects.get(code="A"), 50)})
    ids = list(import_now(shop, *(incoming(str(n), [("A", 3)]) for n in range(60))).created.values())
    queue = [ids[n::6] for n in range(6)] * 3

    def route() -> None:
        while queue:
            route_orders(order_ids=queue.pop(), actor="test")

    def advise() -> None:
        for _ in range(15):
            # The vendor knows of no PO yet, so it still advises all it has.
            advise_stock(vendor_id=vendor.pk, advice=[StockAdvice("V-A", 50)], actor="vendor:acme")

    run_together(route, route, route, advise, advise)
    route_orders(order_ids=ids, actor="test")
    assert sum(PoItem.objects.values_list("quantity", flat=True)) == 50


def test_batches_in_opposite_orders_get_through(shop):
    """Two routers and two receivers meet on the same SKUs and orders from both ends."""
    _stock("A", "EAST", 5)
    _stock("B", "EAST", 5)
    ids = list(
        import_now(shop, *(incoming(str(n), [("A", 1), ("B", 1)]) for n in range(30))).created.values()
    )
    _acknowledged()

    def route(order_ids: list[int]) -> None:
        for _ in range(6):
            route_orders(order_ids=order_ids, actor="test")

    def receive(codes: str) -> None:
        for _ in range(6):
            for code in codes:
                _stock(code, "EAST", 1)

    run_together(
        lambda: route(ids),
        lambda: route(ids[::-1]),
        lambda: receive("AB"),
        lambda: receive("BA"),
        lambda: receive("BA"),
    )
    route_orders(order_ids=ids, actor="test")
    assert levels() == {("EAST", "A"): (23, 23), ("EAST", "B"): (23, 23)}


def test_receiving_stock_and_routing_do_not_lock_each_other_out(shop, second_tries):
    """The receiver wakes backordered orders; it must not hold the stock level while it waits for them."""
    _stock("A", "EAST", 1)
    order_id = import_now(shop, incoming("1", [("A", 5)])).created["1"]
    _acknowledged()
    route_orders(order_ids=[order_id], actor="test")
    with sessions(2) as (router, receiver):
        locked, go_on = threading.Event(), threading.Event()

        def route_slowly() -> None:
            with transaction.atomic():
                Order.objects.select_for_update(no_key=True).get(pk=order_id)
                locked.set()
                assert go_on.wait(30)
                route_orders(order_ids=[order_id], actor="test")

        routing = router.begin(route_slowly)
        assert locked.wait(30)
        receiving = receiver.begin(_stock, "A", "EAST", 4)
        wait_for_waiter()
        go_on.set()
        routing.result(timeout=30)
        receiving.result(timeout=30)
    assert second_tries == []
    # The router did not see the new units; the order has been woken again.
    assert Order.objects.get(pk=order_id).routing_due_at is not None


def test_an_order_allocated_while_a_count_waits_is_given_up_under_its_lock(shop, monkeypatch):
    """The count has found no allocations to lock; before it locks the level, an order takes the stock."""
    _stock("A", "EAST", 5)
    lock_levels = post_moves.lock_levels
    with sessions(2) as (router, holder):
        locked, go_on = threading.Event(), threading.Event()

        def import_and_route() -> int:
            order_id = import_now(shop, incoming("1", [("A", 5)])).created["1"]
            route_orders(order_ids=[order_id], actor="test")
            return order_id

        def hold_slowly() -> None:
            with transaction.atomic():
                place_holds(holds={ids[0]: ("manual", "fraud?")}, actor="user:ann")
                locked.set()
                assert go_on.wait(30)

        def interleave(keys):
            ids.append(router.run(import_and_route))
            holding.append(holder.begin(hold_slowly))
            assert locked.wait(30)
            threading.Timer(0.3, go_on.set).start()
            return lock_levels(keys)

        ids: list[int] = []
        holding: list[Future[None]] = []
        monkeypatch.setattr(correct_stock, "lock_levels", interleave)
        count_stock(counted={_level("EAST", "A"): 2}, actor="a", reason="count", key="k")
        holding[0].result(timeout=30)
    assert line_counts("1") == [("A", 5, 3, 2, 0, 0)]
    assert Order.objects.get(pk=ids[0]).status == "on_hold"


def test_the_vendor_ships_and_submits_at_once_without_a_deadlock(shop, second_tries):
    from retailops.hub.catalog.models import Sku

    make_vendor("acme", {"V-A": (Sku.objects.get(code="A"), 500)}, decrement_on=Vendor.DecrementOn.SUBMITTED)
    ids = import_now(shop, *(incoming(str(n), [("A", 2)]) for n in range(20))).created.values()
    route_orders(order_ids=list(ids), actor="test")
    shipments = list(ShipmentItem.objects.order_by("id").values_list("id", "shipment_id"))
    pos = list(PurchaseOrder.objects.order_by("id").values_list("id", flat=True))

    def ship() -> None:
        for item_id, shipment_id in shipments:
            ship_packages(
                packages=[NewPackage(f"p{item_id}", shipment_id, [(item_id, 1)])], actor="vendor:acme"
            )

    def submit() -> None:
        for po_id in pos:
            submit_pos(po_ids=[po_id], actor="vendor:acme")

    run_together(ship, submit)
    assert second_tries == []
    assert PoItem.objects.filter(decremented_at__isnull=True).count() == 0
    assert set(PurchaseOrder.objects.values_list("state", flat=True)) == {"submitted"}


def test_cancelling_while_the_vendor_takes_the_po_up_is_all_or_nothing(shop):
    from retailops.hub.catalog.models import Sku

    make_vendor("acme", {"V-A": (Sku.objects.get(code="A"), 500)})
    ids = list(import_now(shop, *(incoming(str(n), [("A", 2)]) for n in range(20))).created.values())
    route_orders(order_ids=ids, actor="test")

    frozen: set[int | None] = set()
    submitted: set[int | None] = set()

    def cancel() -> None:
        for order_id in ids:
            try:
                cancel_orders(order_ids=[order_id], actor="a", reason="x")
            except PoFrozenError:
                frozen.add(order_id)

    def submit() -> None:
        for po_id, order_id in PurchaseOrder.objects.order_by("-id").values_list("id", "order_id"):
            if submit_pos(po_ids=[po_id], actor="vendor:acme"):
                submitted.add(order_id)

    run_together(cancel, submit)
    assert frozen == submitted


def test_outcomes_of_two_captures_at_once_are_both_in_the_sums(routed):
    _, order_id, item = routed
    for number in range(2):
        ship_packages(packages=[NewPackage(f"p{number}", item.shipment_id, [(item.pk, 2)])], actor="a")
    first, second = PaymentTransaction.objects.filter(kind="capture").order_by("id")
    with sessions(2) as (one, two):
        opened, go_on = threading.Event(), threading.Event()

        def slowly() -> None:
            with transaction.atomic():
                finish_transactions(results={first.pk: TransactionResult("succeeded")}, actor="a")
                opened.set()
                assert go_on.wait(30)

        slow = one.begin(slowly)
        assert opened.wait(30)
        fast = two.begin(finish_transactions, results={second.pk: TransactionResult("succeeded")}, actor="a")
        wait_for_waiter()
        go_on.set()
        slow.result(timeout=30)
        fast.result(timeout=30)
    assert Payment.objects.get(order_id=order_id).captured == first.amount + second.amount == Decimal(45)


def test_the_same_return_at_once_is_taken_back_once(routed):
    _, order_id, item = routed
    ship_packages(packages=[NewPackage("p1", item.shipment_id, [(item.pk, 4)])], actor="a")
    line = OrderLine.objects.get()
    facility_id = _level("EAST", "A")[0]
    ids = run_together(
        *[
            lambda: receive_return(
                rma="R1",
                order_id=order_id,
                facility_id=facility_id,
                items=[ReturnedItem(line.pk, 1)],
                actor="a",
            )
        ]
        * 4
    )
    assert len(set(ids)) == 1
    assert OrderLine.objects.get().returned == 1
    assert levels()["EAST", "A"] == (7, 0)


def test_routers_and_receivers_under_load_need_no_second_try(shop, second_tries):
    """Lock orders are the same everywhere: the database never has to break a deadlock."""
    _stock("A", "EAST", 10)
    ids = list(import_now(shop, *(incoming(str(n), [("A", 2)]) for n in range(40))).created.values())
    _acknowledged()
    stop = threading.Event()

    def route() -> None:
        while not stop.is_set():
            route_orders(order_ids=ids, actor="test")

    def receive() -> None:
        try:
            for _ in range(25):
                _stock("A", "EAST", 1)
        finally:
            stop.set()

    run_together(route, route, receive)
    assert second_tries == []
