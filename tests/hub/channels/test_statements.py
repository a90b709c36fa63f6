"""The number of SQL statements doesn't grow with tasks, orders or rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.hub.channels.pages import order, page
from tests.hub.channels.support import apply_all, build_all, make_task, replied, statements
from tests.hub.factories import (
    import_now,
    incoming,
    make_channel,
    make_facility,
    make_listing,
    make_sku,
    stock_up,
)

from retailops.hub.channels.models import Channel
from retailops.hub.fulfilment.models import Package, ShipmentItem
from retailops.hub.fulfilment.operations.cancel_orders import cancel_lines
from retailops.hub.fulfilment.operations.ship_packages import NewPackage, ship_packages
from retailops.hub.orders.models import Order, OrderLine
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask

pytestmark = pytest.mark.django_db

MANY = 50


@pytest.fixture
def channel() -> Channel:
    """A channel with 50 shipped orders, each with a cancelled unit and a pending capture."""
    channel = make_channel()
    stock_up(make_facility("EAST"), {make_sku("A"): 1000})
    ids = sorted(import_now(channel, *(incoming(f"r{n}", [("A", 3)]) for n in range(MANY))).created.values())
    cancel_lines(
        quantities=dict.fromkeys(OrderLine.objects.values_list("pk", flat=True), 1),
        actor="test",
        reason="test",
    )
    route_orders(order_ids=ids, actor="test")
    packages = [NewPackage(f"p{i.pk}", i.shipment_id, [(i.pk, 2)], "UPS") for i in ShipmentItem.objects.all()]
    ship_packages(packages=packages, actor="test")
    return channel


Subjects = Callable[[], list[tuple[int, int]]]


def _orders() -> list[tuple[int, int]]:
    return [(pk, pk) for pk in Order.objects.order_by("pk").values_list("pk", flat=True)]


def _packages() -> list[tuple[int, int]]:
    return list(Package.objects.order_by("pk").values_list("pk", "shipment__order_id"))


def _captures() -> list[tuple[int, int]]:
    return list(
        PaymentTransaction.objects.filter(kind="capture").order_by("pk").values_list("pk", "order_id")
    )


HOT: list[tuple[str, Subjects, object, int, int]] = [
    # kind, what it is about, reply, most statements to build, most statements to apply
    ("order_acknowledge", _orders, {}, 3, 25),
    ("order_shipment_submit", _packages, {}, 4, 0),
    ("order_settle_payment", _captures, {}, 7, 10),
    ("order_complete", _orders, {"status": "success"}, 6, 0),
    ("order_update", _orders, {}, 8, 0),
    ("order_cancel", _orders, {"status": "success"}, 2, 0),
]


@pytest.mark.parametrize("kind, subjects, reply, to_build, to_apply", HOT)
def test_orders_share_their_statements(
    channel: Channel, kind: str, subjects: Subjects, reply: object, to_build: int, to_apply: int
) -> None:
    def tasks(some: list[tuple[int, int]]) -> list[ClaimedTask]:
        return [make_task(kind, channel, subject, order_id=order_id) for subject, order_id in some]

    everything = subjects()
    assert len(everything) == MANY
    one, many = tasks(everything[:1]), tasks(everything[1:])
    build_one, build_many = statements(lambda: build_all(one)), statements(lambda: build_all(many))
    assert build_one == build_many <= to_build
    calls_of_one, calls_of_many = build_all(one).calls, build_all(many).calls
    apply_one = statements(lambda: apply_all([replied(call, reply) for call in calls_of_one]))
    apply_many = statements(lambda: apply_all([replied(call, reply) for call in calls_of_many]))
    assert apply_one == apply_many <= to_apply


def _pull(channel: Channel, *refnums: str) -> int:
    (call,) = build_all([make_task("order_pull", channel)]).calls
    return statements(lambda: apply_all([replied(call, page(*(order(refnum) for refnum in refnums)))]))


def test_a_page_is_stored_in_as_many_statements_as_an_order(channel: Channel) -> None:
    one = _pull(channel, "one")
    assert _pull(channel, *(f"n{n}" for n in range(100))) == one <= 35
    again = _pull(channel, "one")
    assert _pull(channel, *(f"n{n}" for n in range(100))) == again


def _build(tasks: list[ClaimedTask]) -> int:
    return statements(lambda: build_all(tasks))


def _apply(tasks: list[ClaimedTask]) -> int:
    (call,) = build_all(tasks).calls
    return statements(lambda: apply_all([replied(call)]))


def test_listings_and_products_share_their_statements(channel: Channel) -> None:
    skus = [make_sku(f"S{n}") for n in range(MANY)]
    listings = [make_listing(channel, sku) for sku in skus]
    for kind, ids in (
        ("inventory_push", [x.pk for x in listings]),
        ("catalog_push", [x.product_id for x in skus]),
    ):
        one = [make_task(kind, channel, ids[0], lane="lane")]
        many = [make_task(kind, channel, each, lane="lane") for each in ids]
        assert _build(one) == _build(many)
        assert _apply(one) == _apply(many)
