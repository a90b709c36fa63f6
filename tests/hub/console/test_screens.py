"""The screens that are not a table's list or an order: through their forms, for each role."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from retailops.hub.accounts.models import ApiKey, User
from retailops.hub.audit.models import AuditEntry
from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.catalog.models import Sku
from retailops.hub.channels.models import Channel
from retailops.hub.console.causes import causes
from retailops.hub.orders.models import Order
from retailops.hub.routing.models import RoutingDecision
from retailops.hub.stock.models import Facility, StockLevel, StockMove
from retailops.hub.tasks.models import Schedule, Task
from tests.hub.console.demo import PASSWORD, Demo, LogIn
from tests.hub.factories import levels

SCREENS = {
    "index": {"victor", "olivia", "alma"},
    "queues": {"victor", "olivia", "alma"},
    "routing_dry_run": {"victor", "olivia", "alma"},
    "bulk_orders": {"olivia", "alma"},
    "stock_forms": {"olivia", "alma"},
    "import_stock": {"olivia", "alma"},
    "import_skus": {"olivia", "alma"},
    "new_api_key": {"alma"},
}


@pytest.mark.parametrize("screen", SCREENS)
def test_who_may_open_it(log_in: LogIn, screen: str) -> None:
    opened = {
        n
        for n in ("victor", "olivia", "alma")
        if log_in(n).get(reverse(f"admin:{screen}")).status_code == 200
    }
    assert opened == SCREENS[screen]
    if screen == "index":
        assert "Your user has no role yet" in log_in("nobody").get(reverse("admin:index")).content.decode()
    else:
        assert log_in("nobody").get(reverse(f"admin:{screen}")).status_code == 403


@pytest.mark.parametrize("screen", sorted(set(SCREENS) - {"index", "queues", "routing_dry_run"}))
def test_forms_refuse_viewers_and_empty_input(log_in: LogIn, screen: str) -> None:
    assert log_in("victor").post(reverse(f"admin:{screen}"), {"action": "receive"}).status_code == 403
    response = log_in("root").post(reverse(f"admin:{screen}"), {"action": "receive"})
    assert response.status_code == 200
    assert b"This field is required." in response.content


def test_dashboard_shows_the_day(log_in: LogIn, demo: Demo) -> None:
    client = log_in("victor")
    with CaptureQueriesContext(connection) as captured:
        response = client.get(reverse("admin:index"))
    assert len(captured) <= 14
    today = response.context["today"]
    assert (sum(today.by_hour), today.shipped_packages) == (Order.objects.count(), 16)
    assert today.imported == Order.objects.filter(imported_at__date=connection_today()).count()
    states = {state.name: state for state in response.context["channels"]}
    assert (states["Northpath web shop"].parked, states["Northpath web shop"].health) == (1, "parked")
    assert states["Outdoor Marketplace"].pull_lag_seconds == pytest.approx(40, abs=30)
    assert response.context["check"].violations == []
    assert response.context["workers"] == 1


def connection_today() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'utc')::date::text")
        row = cursor.fetchone()
    assert row is not None
    return str(row[0])


def test_dashboard_checks_the_books_on_demand(log_in: LogIn, demo: Demo) -> None:
    StockLevel.objects.filter(sku__code="BT9-SAND").update(on_hand=1000)
    client = log_in("olivia")
    assert client.post(reverse("admin:index"), {"action": "check"}, follow=True).status_code == 200
    text = html.unescape(client.get(reverse("admin:index")).content.decode())
    assert "stock level = sum of its ledger: 1 times" in text
    assert AuditEntry.objects.filter(action="invariants.check").latest("id").actor == "user:olivia"
    assert log_in("victor").post(reverse("admin:index"), {"action": "check"}).status_code == 403


def test_work_queues_count_each_order_under_its_cause(log_in: LogIn, demo: Demo) -> None:
    counts = {cause.slug: cause.count for _, of_group in causes() for cause in of_group}
    assert {slug: count for slug, count in counts.items() if count} == {
        "hold-unknown_sku": 1, "hold-address": 1, "hold-operator": 1, "route-no_source": 1, "route-out_of_stock": 2,
        "route-not_enough_stock": 1, "tasks-parked": 1, "tasks-refused": 1, "rejected": 1,
    }  # fmt: skip
    client = log_in("victor")
    for cause, count in counts.items():
        response = client.get(reverse("admin:queue", args=[cause]), follow=True)
        assert response.status_code == 200
        rows = (
            response.context["table"].rows
            if "table" in response.context
            else response.context["cl"].result_list
        )
        assert len(rows) == count
    assert client.get(reverse("admin:queue", args=["hold-nonsense"])).status_code == 404
    assert client.get(reverse("admin:queue", args=["hold-operator"]) + "?before=x").status_code == 404


def test_many_orders_each_with_its_own_result(log_in: LogIn, demo: Demo) -> None:
    held = Order.objects.get(pk=demo.held_order)
    data = {"numbers": f"NP-10484, {demo.held_order}\nNP-NONE", "what": "release", "reason": "checked"}
    response = log_in("olivia").post(reverse("admin:bulk_orders"), data)
    results = [
        (row[0], html.unescape(str(row[2])).split(">")[1].split("<")[0], row[3])
        for row in response.context["table"].rows
    ]
    assert results == [
        ("NP-10484", "done", "—"),
        (str(demo.held_order), "done", "—"),
        ("NP-NONE", "left alone", "no such order"),
    ]
    held.refresh_from_db()
    assert held.status != "on_hold"


def test_one_refused_order_stops_no_other(log_in: LogIn, demo: Demo) -> None:
    frozen = Order.objects.filter(purchase_orders__state="submitted")[0]
    data = {"numbers": f"{frozen.pk} {demo.open_order}", "what": "cancel", "reason": "recall"}
    response = log_in("olivia").post(reverse("admin:bulk_orders"), data)
    messages = {row[0]: str(row[3]) for row in response.context["table"].rows}
    assert "can't be changed any more: the vendor works on it" in messages[str(frozen.pk)]
    assert messages[str(demo.open_order)] == "—"
    frozen.refresh_from_db()
    assert (Order.objects.get(pk=demo.open_order).status, frozen.status != "cancelled") == ("cancelled", True)
    assert check_invariants() == []


def test_too_many_orders_are_refused(log_in: LogIn) -> None:
    data = {"numbers": " ".join(str(n) for n in range(2001)), "what": "hold", "reason": "x"}
    response = log_in("olivia").post(reverse("admin:bulk_orders"), data)
    assert b"2,001 numbers; give at most 2,000 at a time" in response.content


def test_stock_is_received_adjusted_and_counted(log_in: LogIn, demo: Demo) -> None:
    client, url = log_in("olivia"), reverse("admin:stock_forms")
    west = Facility.objects.get(code="WEST")
    form = {"facility": west.pk, "sku": "TN2", "key": "delivery-1"}
    client.post(url, {"action": "receive", "quantity": 5, **form})
    client.post(url, {"action": "receive", "quantity": 5, **form})
    assert levels()["WEST", "TN2"][0] == 5
    client.post(url, {"action": "adjust", "change": -2, "reason": "damaged", **form})
    assert levels()["WEST", "TN2"][0] == 3
    client.post(url, {"action": "count", "counted": 9, **form})
    assert levels()["WEST", "TN2"][0] == 9
    kinds = (
        StockMove.objects.filter(facility=west, sku__code="TN2")
        .order_by("id")
        .values_list("kind", "d_on_hand", "actor")
    )
    assert list(kinds) == [
        ("receive", 5, "user:olivia"),
        ("adjust", -2, "user:olivia"),
        ("count", 6, "user:olivia"),
    ]
    refused = client.post(url, {"action": "adjust", "change": -100, "reason": "x", **form, "key": "k2"})
    assert "would leave less than none" in html.unescape(refused.content.decode())
    assert 'value="-100"' in refused.content.decode()
    kit = client.post(url, {"action": "receive", "quantity": 1, **form, "sku": "CAMP-KIT"})
    assert "CAMP-KIT is a kit; post stock of its components" in html.unescape(kit.content.decode())
    assert check_invariants() == []


def upload(text: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.csv", text.encode() if isinstance(text, str) else text, "text/csv")


def test_stock_import_tells_each_row(log_in: LogIn, demo: Demo) -> None:
    text = (
        "facility,sku,quantity\r\nWEST,BT9-BLUE,70\r\nWEST,NO-SUCH,1\r\nMOON,BT9-BLUE,1\r\nWEST,RJ1-M,-4\r\n"
        'WEST,BT9-BLUE,9\r\n"WEST","TR2-42","15"\r\n'
    )
    data = {"file": upload(text), "mode": "count", "reason": "yearly count", "key": "file-1"}
    response = log_in("olivia").post(reverse("admin:import_stock"), data)
    messages = {row[0]: (str(row[2]), row[3]) for row in response.context["table"].rows}
    assert {line: message for line, (_, message) in messages.items()} == {
        2: "70 units",
        3: "there is no SKU 'NO-SUCH' in the catalog",
        4: "there is no facility 'MOON'; known are EAST, WEST",
        5: "quantity '-4' is not a whole number from 0 up",
        6: "the same SKU and facility stand in line 2 already",
        7: "15 units",
    }
    assert (levels()["WEST", "BT9-BLUE"][0], levels()["WEST", "TR2-42"][0]) == (70, 15)
    assert check_invariants() == []


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"facility,sku\nWEST,X\n", "column 'quantity' is missing"),
        (b"facility,sku,quantity,colour\n", "column 'colour' is not known"),
        (b"facility,sku,sku,quantity\n", "a column appears twice"),
        (b"\xff\xfe\x00f", "the file is not UTF-8 text"),
        (b"facility,sku,quantity\nWEST,\0,1\n", "NUL characters"),
        (b"", "The submitted file is empty."),
        (b"facility,sku,quantity\n" + b'"' + b"x" * 200_000 + b'",y,1\n', "field larger than field limit"),
    ],
    ids=["missing", "unknown", "twice", "encoding", "nul", "empty", "huge field"],
)
def test_a_file_that_cannot_be_used_says_why(log_in: LogIn, content: bytes, problem: str) -> None:
    data = {"file": upload(content), "mode": "count", "key": "k", "reason": "kept"}
    response = log_in("olivia").post(reverse("admin:import_stock"), data)
    text = html.unescape(response.content.decode())
    assert response.status_code == 200
    assert problem in text
    assert 'value="kept"' in text


def test_sku_import_adds_changes_and_refuses(log_in: LogIn, demo: Demo) -> None:
    text = (
        "\ufeffsku;name;price;currency;active\nGLOVES-XL;Gloves;19.00;USD;yes\nBT9-BLUE;;26,0;;\nBT9-SAND;;26.00;;\n"
        "TR2-41;;118.00;USD;\nRJ1-M;;1;usd;maybe\n;x;;;\n'=X1;Formula;1;USD;\n"
    )
    response = log_in("olivia").post(reverse("admin:import_skus"), {"file": upload(text)})
    rows = {
        row[0]: (row[1], html.unescape(str(row[2])).split(">")[1].split("<")[0], row[3])
        for row in response.context["table"].rows
    }
    assert rows == {
        2: ("GLOVES-XL", "added", "—"),
        3: ("BT9-BLUE", "refused", "price '26,0' is not a number such as 12.50"),
        4: ("BT9-SAND", "changed", "—"),
        5: ("TR2-41", "unchanged", "—"),
        6: ("RJ1-M", "refused", "active 'maybe' is neither yes nor no"),
        7: ("", "refused", "sku is empty"),
        8: ("=X1", "added", "—"),
    }
    sand = Sku.objects.get(code="BT9-SAND")
    assert (str(sand.price), sand.name, sand.product.code) == ("26.0000", "Bottle 0.7 l", "BT-9")
    # The order that waited for this SKU is released by itself.
    assert Order.objects.get(channel_refnum="NP-10481").holds.filter(released_at=None).count() == 0


def test_dry_run_decides_and_changes_nothing(log_in: LogIn, demo: Demo) -> None:
    before = (levels(), RoutingDecision.objects.count(), Task.objects.count())
    waiting = Order.objects.filter(status="backordered")[0]
    client, url = log_in("victor"), reverse("admin:routing_dry_run")
    response = client.post(url, {"numbers": waiting.channel_refnum})
    assert dict(response.context["counts"])["orders tried"] == 1
    assert "no facility or vendor that the rules allow carries the SKU" in response.content.decode()
    assert dict(client.post(url, {"numbers": ""}).context["counts"])["orders tried"] >= 1
    assert (levels(), RoutingDecision.objects.count(), Task.objects.count()) == before


def test_an_api_key_is_shown_once_and_revoked(log_in: LogIn, demo: Demo) -> None:
    client = log_in("alma")
    form = {"name": "Summit", "user": User.objects.get(username="alma").pk, "actions": "Vendor.PO"}
    response = client.post(reverse("admin:new_api_key"), form)
    secret = response.context["secret"]
    key = ApiKey.objects.get(name="Summit")
    page = reverse("admin:accounts_apikey_change", args=[key.pk])
    assert secret.encode() in response.content
    assert "no-store" in response.headers["Cache-Control"]
    assert secret.encode() not in client.get(page).content
    client.post(page, {"action": "revoke"})
    key.refresh_from_db()
    assert key.revoked_at is not None


class Handler(BaseHTTPRequestHandler):
    """Answers catalog_get_config as the path says: /200, /401, /404, /junk."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.split("/")[1]
        body = b"<html>" if kind == "junk" else b'{"sku_fanout": "no_fanout"}'
        self.send_response(200 if kind == "junk" else int(kind))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def storefront() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "path, told",
    [
        ("200", "and understood"),
        ("404", "it doesn't implement catalog_get_config (HTTP 404)"),
        ("401", "the channel refuses the auth key"),
        ("junk", "it answers, but not per contract"),
    ],
)
def test_connection_test(log_in: LogIn, demo: Demo, storefront: str, path: str, told: str) -> None:
    Channel.objects.filter(pk=demo.channel).update(base_url=f"{storefront}/{path}")
    url = reverse("admin:channel_health", args=[demo.channel])
    response = log_in("olivia").post(url, {"action": "test"}, follow=True)
    assert told in html.unescape(response.content.decode())


def test_connection_test_says_when_nobody_is_there(log_in: LogIn, demo: Demo) -> None:
    url = reverse("admin:channel_health", args=[demo.channel])
    response = log_in("olivia").post(url, {"action": "test"}, follow=True)
    assert "not reached: " in html.unescape(response.content.decode())


def test_a_channel_is_paused_resumed_and_pulled(log_in: LogIn, demo: Demo) -> None:
    client, url = log_in("olivia"), reverse("admin:channel_health", args=[demo.channel])
    client.post(url, {"action": "pause", "reason": "they move"})
    assert client.get(url).context["state"] == "paused"
    client.post(url, {"action": "resume"})
    client.post(url, {"action": "pull_some", "refnums": "A-1\nA-2\n"})
    assert Task.objects.filter(payload={"specific_orders": ["A-1", "A-2"]}).count() == 1
    assert client.get(url).context["state"] == "parked"
    assert log_in("victor").post(url, {"action": "pause", "reason": "x"}).status_code == 403


CHANNEL = {
    "code": "outlet", "name": "Outlet", "base_url": "https://outlet.example/api", "key": "a key of theirs",
    "capabilities": ["order_pull", "order_acknowledge"], "pull_every_seconds": 120, "settle_on": "ship", "use_vendor_stock": "on",
    "ship_codes-TOTAL_FORMS": 0, "ship_codes-INITIAL_FORMS": 0,
}  # fmt: skip


def test_a_channel_is_connected_and_changed(log_in: LogIn, demo: Demo) -> None:
    client = log_in("alma")
    bad = client.post(reverse("admin:channels_channel_add"), CHANNEL | {"base_url": "nonsense"})
    assert "is no web address" in html.unescape(bad.content.decode())
    assert 'value="outlet"' in bad.content.decode()
    assert client.post(reverse("admin:channels_channel_add"), CHANNEL).status_code == 302
    channel = Channel.objects.get(code="outlet")
    assert (channel.auth_key, channel.queue.name) == ("a key of theirs", "channel:outlet")
    page = reverse("admin:channels_channel_change", args=[channel.pk])
    assert b"a key of theirs" not in client.get(page).content
    west = Facility.objects.get(code="WEST")
    changed = CHANNEL | {"key": "", "pull_every_seconds": 300, "facilities": [west.pk]}
    assert client.post(page, changed).status_code == 302
    channel.refresh_from_db()
    assert (channel.auth_key, channel.pull_every_seconds, list(channel.facilities.all())) == (
        "a key of theirs",
        300,
        [west],
    )
    assert Schedule.objects.get(kind="order_pull", queue=channel.queue).every_seconds == 300
    assert log_in("olivia").post(page, changed).status_code == 403


def test_administrators_cannot_make_or_become_superusers(log_in: LogIn, demo: Demo) -> None:
    client = log_in("alma")
    alma, root = User.objects.get(username="alma"), User.objects.get(username="root")
    form = {
        "username": "alma",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [g.pk for g in alma.groups.all()],
    }
    assert client.post(reverse("admin:accounts_user_change", args=[alma.pk]), form).status_code == 302
    alma.refresh_from_db()
    assert not alma.is_superuser
    page = reverse("admin:accounts_user_change", args=[root.pk])
    assert client.post(page, form | {"username": "root", "is_active": ""}).status_code == 403
    password = {"password1": "another long password", "password2": "another long password"}
    assert (
        client.post(reverse("admin:auth_user_password_change", args=[root.pk]), password).status_code == 403
    )
    root.refresh_from_db()
    assert root.is_active
    assert root.check_password(PASSWORD)


def test_changes_of_settings_are_in_the_audit_log(log_in: LogIn, demo: Demo) -> None:
    west = Facility.objects.get(code="WEST")
    form = {
        "code": "WEST",
        "name": "Reno",
        "enabled": "on",
        "priority": 5,
        "safety_stock": 1,
        "unit_cost": "0",
        "country": "US",
        "time_zone": "UTC",
    }
    assert (
        log_in("alma").post(reverse("admin:stock_facility_change", args=[west.pk]), form).status_code == 302
    )
    entry = AuditEntry.objects.latest("id")
    assert (entry.actor, entry.action, entry.subject) == (
        "user:alma",
        "facility.change",
        f"facility:{west.pk}",
    )
