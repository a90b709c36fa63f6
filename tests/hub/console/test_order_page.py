"""The order page: what it shows to whom, and each action through its form."""

from __future__ import annotations

import html

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.fulfilment.models import Package, Shipment
from retailops.hub.orders.models import Order, OrderLine
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.returns.models import Return
from retailops.hub.tasks.models import Task
from tests.hub.console.demo import Demo, LogIn
from tests.hub.factories import line_counts, queued


def url(order_id: int) -> str:
    return reverse("admin:orders_order_change", args=[order_id])


def panel_names(client: Client, order_id: int) -> list[str]:
    return [panel.action.name for panel in client.get(url(order_id)).context["panels"]]


def send(client: Client, order_id: int, action: str, **data: object) -> str:
    """Send an action's form; return the page it leads to, as text."""
    response = client.post(url(order_id), {"action": action, **data}, follow=True)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_shows_everything_that_belongs_to_the_order(log_in: LogIn, demo: Demo) -> None:
    text = html.unescape(log_in("olivia").get(url(demo.shipped_order)).content.decode())
    for part in (
        "NP-10484",
        "RJ1-L",
        "164.50 USD",
        "UPS Ground",
        "RMA-2041",
        "order_shipment_submit",
        "package shipped",
        "EAST",
        "auth-4",
    ):
        assert part in text
    # The attempt as it was kept: with the key masked.
    assert '"integration_auth_token": "***"' in text


@pytest.mark.parametrize("personal", ["leila@example.com", "7 Cedar Lane", "Haddad", "555 0134"])
def test_people_are_shown_to_operators_only(log_in: LogIn, demo: Demo, personal: str) -> None:
    def shown(name: str) -> bool:
        return personal in log_in(name).get(url(demo.shipped_order)).content.decode()

    assert (shown("victor"), shown("olivia"), shown("alma")) == (False, True, True)


def test_statements_do_not_grow_with_what_the_order_holds(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(url(demo.shipped_order))
        return len(captured)

    few = count()
    line = OrderLine.objects.filter(order_id=demo.shipped_order).order_by("id")[0]
    OrderLine.objects.bulk_create(
        [
            OrderLine(order_id=line.order_id, position=100 + n, sku_code=f"X{n}", ordered=1, cancelled=1)
            for n in range(30)
        ]
    )
    package = Package.objects.filter(shipment__order_id=line.order_id)[0]
    Package.objects.bulk_create([Package(shipment=package.shipment, key=f"more-{n}") for n in range(10)])
    task = Task.objects.filter(order_id=line.order_id)[0]
    Task.objects.bulk_create(
        [
            Task(
                queue=task.queue,
                lane=task.lane,
                kind="order_update",
                key=f"k{n}",
                order_id=line.order_id,
                state="succeeded",
            )
            for n in range(30)
        ]
    )
    assert count() == few


def test_actions_are_those_that_make_sense(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    assert panel_names(client, demo.shipped_order) == ["return", "repull", "replay", "refund"]
    assert panel_names(client, demo.held_order) == [
        "release",
        "hold",
        "edit",
        "route",
        "repull",
        "refund",
        "cancel",
    ]
    shipment = Shipment.objects.get(order_id=demo.open_order)
    assert panel_names(client, demo.open_order) == [
        "hold", "edit", "route", f"ship-{shipment.pk}", f"refuse-{shipment.pk}", "repull", "refund", "cancel",
    ]  # fmt: skip


def test_viewers_see_no_actions_and_may_run_none(log_in: LogIn, demo: Demo) -> None:
    viewer = log_in("victor")
    assert panel_names(viewer, demo.open_order) == []
    for action in ("hold", "edit", "route", "cancel", "repull", "refund"):
        response = viewer.post(url(demo.open_order), {"action": action, "reason": "x", "sure": "on"})
        assert response.status_code == 403
    assert Order.objects.get(pk=demo.open_order).status == "released"


def test_anonymous_and_forged_requests_change_nothing(demo: Demo, log_in: LogIn) -> None:
    response = Client().post(url(demo.open_order), {"action": "hold", "reason": "x"})
    assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/console/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = log_in("olivia").cookies
    assert strict.post(url(demo.open_order), {"action": "hold", "reason": "x"}).status_code == 403
    # Nor does a GET, whatever it says.
    log_in("olivia").get(url(demo.open_order), {"action": "hold", "reason": "x"})
    assert Order.objects.get(pk=demo.open_order).status == "released"


def test_hold_and_release(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    assert "put on hold" in send(client, demo.open_order, "hold", reason="call the buyer")
    order = Order.objects.get(pk=demo.open_order)
    hold = order.holds.get()
    assert (order.status, hold.kind, hold.reason, hold.placed_by) == (
        "on_hold",
        "operator",
        "call the buyer",
        "user:olivia",
    )
    assert "released" in send(client, demo.open_order, "release", kinds=["operator"])
    hold.refresh_from_db()
    assert (hold.released_by, Order.objects.get(pk=demo.open_order).status) == ("user:olivia", "released")


def test_a_refused_form_keeps_what_was_typed(log_in: LogIn, demo: Demo) -> None:
    text = send(log_in("olivia"), demo.open_order, "cancel", reason="the buyer called", sure="")
    assert 'value="the buyer called"' in text
    assert "This field is required." in text
    assert Order.objects.get(pk=demo.open_order).status == "released"


def test_edit_is_previewed_and_then_confirmed(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    first, second = OrderLine.objects.filter(order_id=demo.open_order).order_by("position")
    before = Order.objects.get(pk=demo.open_order).grand_total
    changes = {
        f"quantity_{first.pk}": 1, f"price_{first.pk}": "150.00", f"quantity_{second.pk}": 1, f"price_{second.pk}": "24.90",
        "add_sku": "", "add_quantity": "", "add_price": "",
    }  # fmt: skip
    response = client.post(url(demo.open_order), {"action": "edit", **changes})
    panel = next(panel for panel in response.context["panels"] if panel.action.name == "edit")
    assert [(line.sku_code, line.old_quantity, line.new_quantity) for line in panel.preview.lines] == [
        ("RJ1-L", 2, 1)
    ]
    assert panel.preview.new_total < before
    assert OrderLine.objects.get(pk=first.pk).cancelled == 0
    # What is confirmed must be what was previewed: with other numbers it is previewed again.
    other = client.post(
        url(demo.open_order),
        {"action": "edit", **changes, f"quantity_{first.pk}": 0, "confirm": panel.digest},
    )
    assert other.status_code == 200
    assert OrderLine.objects.get(pk=first.pk).cancelled == 0
    assert "changed; the channel is told" in send(
        client, demo.open_order, "edit", **changes, confirm=panel.digest
    )
    order = Order.objects.get(pk=demo.open_order)
    assert order.grand_total == panel.preview.new_total
    assert line_counts(order.channel_refnum) == [("RJ1-L", 2, 0, 1, 0, 1), ("BT9-BLUE", 1, 0, 1, 0, 0)]
    assert ("order_update", "update") in queued(demo.open_order)
    assert check_invariants() == []


def test_edit_refuses_in_plain_words(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    lines = OrderLine.objects.filter(order_id=demo.open_order)
    unchanged = {f"quantity_{line.pk}": line.ordered for line in lines} | {
        f"price_{line.pk}": line.unit_price for line in lines
    }
    assert "nothing is changed yet" in send(client, demo.open_order, "edit", **unchanged)
    text = send(client, demo.open_order, "edit", **unchanged, add_sku="NO-SUCH", add_quantity=1)
    assert "SKU 'NO-SUCH' is not in the catalog; add it there first" in text
    assert 'value="NO-SUCH"' in text


def test_cancel(log_in: LogIn, demo: Demo) -> None:
    text = send(log_in("olivia"), demo.open_order, "cancel", reason="the buyer called", sure="on")
    assert "3 units cancelled" in text
    order = Order.objects.get(pk=demo.open_order)
    assert order.status == "cancelled"
    assert "order_cancel" in [kind for kind, _ in queued(order.pk)]
    assert check_invariants() == []


def test_ship_by_hand_counts_a_double_click_once(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    shipment = Shipment.objects.get(order_id=demo.open_order)
    first, second = shipment.items.order_by("id")
    name = f"ship-{shipment.pk}"
    too_many = {"carrier_name": "UPS", "key": "k1", f"item_{first.pk}": 3, f"item_{second.pk}": 0}
    assert "Ensure this value is less than or equal to 2" in send(client, demo.open_order, name, **too_many)
    form = {
        "carrier_name": "UPS",
        "tracking_number": "1Z1",
        "key": "k1",
        f"item_{first.pk}": 1,
        f"item_{second.pk}": 1,
    }
    assert "package recorded" in send(client, demo.open_order, name, **form)
    assert "this package was recorded before" in send(client, demo.open_order, name, **form)
    order = Order.objects.get(pk=demo.open_order)
    assert order.status == "partially_shipped"
    assert line_counts(order.channel_refnum) == [("RJ1-L", 2, 0, 1, 1, 0), ("BT9-BLUE", 1, 0, 0, 1, 0)]
    assert Package.objects.filter(shipment=shipment, tracking_number="1Z1").count() == 1
    assert check_invariants() == []


def test_refused_units_are_open_again(log_in: LogIn, demo: Demo) -> None:
    shipment = Shipment.objects.get(order_id=demo.open_order)
    units = {f"item_{item.pk}": item.quantity for item in shipment.items.all()}
    text = send(log_in("olivia"), demo.open_order, f"refuse-{shipment.pk}", reason="damaged", **units)
    assert "the units are routed elsewhere" in text
    shipment.refresh_from_db()
    assert shipment.state == "cancelled"


def test_route(log_in: LogIn, demo: Demo) -> None:
    text = send(log_in("olivia"), demo.held_order, "route")
    assert "it can't be routed now: it is on hold" in text


def test_take_goods_back(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    line = OrderLine.objects.get(order_id=demo.shipped_order, sku_code="BT9-BLUE")
    form = {
        "rma": "RMA-9",
        "facility": Shipment.objects.filter(order_id=demo.shipped_order)[0].facility_id,
        "disposition": "restock",
        "refund_action": "refund",
    }
    assert "enter the units of at least one line" in send(
        client, demo.shipped_order, "return", **form, **{f"line_{line.pk}": 0}
    )
    assert "RMA RMA-9 recorded" in send(
        client, demo.shipped_order, "return", **form, **{f"line_{line.pk}": 2}
    )
    line.refresh_from_db()
    assert (line.returned, Return.objects.get(rma="RMA-9").items.get().quantity) == (2, 2)
    assert check_invariants() == []


def test_refund_is_refused_beyond_what_was_captured(log_in: LogIn, demo: Demo) -> None:
    text = send(log_in("olivia"), demo.shipped_order, "refund", amount="5.00", reason="late", key="r1")
    assert "5.00 can't be refunded: 0.0000 USD was captured and not given back" in text
    assert not PaymentTransaction.objects.filter(order_id=demo.shipped_order, kind="refund").exists()


def test_pull_again_and_replay(log_in: LogIn, demo: Demo) -> None:
    client = log_in("olivia")
    send(client, demo.shipped_order, "repull")
    pull = Task.objects.filter(kind="order_pull", state="queued").latest("id")
    assert pull.payload == {"specific_orders": ["NP-10484"]}
    assert "1 tasks queued again" in send(client, demo.shipped_order, "replay")
    assert Task.objects.get(pk=demo.parked_task).state == "queued"
