"""Shoppers: nothing is sold twice; the pages escape what they show; the process ends when told to."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def test_sixty_four_buyers_of_twenty_units_get_exactly_twenty(caller: Any) -> None:
    caller.list_sku("A", quantity=20)
    body = {"items": [{"sku": "A", "quantity": 1}]}

    def buy(_: int) -> int:
        return int(caller.http.post("/shop/orders", json=body).status_code)

    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(buy, range(64)))
    assert sorted(set(statuses)) == [201, 409]
    assert statuses.count(201) == 20
    assert caller.available("A") == 0


def test_sold_units_stay_subtracted_until_a_push_after_the_acknowledgement(caller: Any) -> None:
    caller.list_sku("A", quantity=20)
    refnum = caller.buy("A", 5)
    assert caller.available("A") == 15
    caller.stock("A", 20)  # computed before the import
    assert caller.available("A") == 15
    caller.pull()
    caller.acknowledge(refnum)
    assert caller.available("A") == 15  # the number in hand may still be the old one
    caller.stock("A", 15)  # computed after the import
    assert caller.available("A") == 15
    caller.acknowledge(refnum)
    assert caller.available("A") == 15


def test_an_older_revision_is_ignored(caller: Any) -> None:
    caller.list_sku("A")
    caller.stock("A", 5, revision=8)
    caller.stock("A", 9, revision=7)
    assert caller.available("A") == 5


def test_sold_out_names_the_skus_and_sells_nothing(caller: Any) -> None:
    caller.list_sku("A", quantity=3)
    caller.list_sku("B", quantity=1)
    items = [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 2}, {"sku": "C", "quantity": 1}]
    response = caller.http.post("/shop/orders", json={"items": items})
    assert (response.status_code, response.json()) == (409, {"sold_out": ["B", "C"]})
    assert caller.available("A") == 3


def test_bulk_orders_stand_alone(caller: Any) -> None:
    caller.list_sku("A", quantity=1)
    good = {"items": [{"sku": "A", "quantity": 1}]}
    answer = caller.http.post("/shop/orders/bulk", json={"orders": [good, good, {"items": []}]}).json()
    assert answer["placed"] == ["S0000001"]
    assert answer["refused"][0] == {"index": 1, "sold_out": ["A"]}
    assert answer["refused"][1]["error"].startswith("items: empty")


def test_a_refnum_is_used_once(caller: Any) -> None:
    caller.backorder("R1")
    again = {"refnum": "R1", "backorder": True, "items": [{"sku": "A"}]}
    assert caller.http.post("/shop/orders", json=again).status_code == 409
    bad = {"currency": "SEK", "items": [{"sku": "A"}]}
    assert caller.http.post("/shop/orders", json=bad).status_code == 422


def test_what_does_not_ship_takes_nothing_from_the_shelf(caller: Any) -> None:
    caller.list_sku("A", quantity=2)
    items = [
        {"sku": "A", "quantity": 1},
        {"sku": "A", "quantity": 5, "item_type": "instore"},
        {"sku": "POST", "quantity": 1, "unit_price": 4.5, "item_type": "advisory"},
    ]
    assert caller.http.post("/shop/orders", json={"refnum": "R1", "items": items}).status_code == 201
    assert caller.available("A") == 1
    (order,) = caller.pull()["orders"]
    assert [item["item_type"] for item in order["order_items"]] == ["ship", "instore", "advisory"]
    assert [payment["amount"] for payment in order["payment_transactions"]] == [64.5]
    unheard_of = {"items": [{"sku": "A", "item_type": "gift"}]}
    assert caller.http.post("/shop/orders", json=unheard_of).json() == {
        "error": "items[0].item_type: not one of ship, advisory, instore; send it as the channel contract types it"
    }


def test_a_declined_payment_is_shown_and_captures_nothing(caller: Any) -> None:
    caller.list_sku("A", quantity=5)
    refnum = caller.buy("A", 2, payment={"status": "decline", "transaction_type": "capture"})
    (order,) = caller.pull()["orders"]
    (payment,) = order["payment_transactions"]
    assert (payment["transaction_type"], payment["amount"], payment["status"]) == ("capture", 20, "decline")
    caller.acknowledge(refnum)
    # Not even for an order that the hub made dearer.
    caller.order_call(
        "order_update", refnum, order_items=[{"channel_item_refnum": f"{refnum}-1", "quantity": 3}]
    )
    (event,) = caller.settle(refnum, 1)["events"]
    assert event["code"] == "OVER_CAPTURE"
    shown = caller.order(refnum)
    assert (shown["total"], shown["captured"]) == (30, 0)
    assert caller.violations() == ["OVER_CAPTURE"]
    lost = caller.http.post("/shop/orders", json={"items": [{"sku": "A"}], "payment": {"status": "lost"}})
    assert lost.json()["error"].startswith("payment.status: not one of success, decline")


def test_pages_escape_what_they_show_and_sell(caller: Any) -> None:
    caller.list_sku("<b>&\"'", quantity=1)
    page = caller.http.get("/")
    assert "&lt;b&gt;&amp;&quot;&#x27;" in page.text
    assert "<b>" not in page.text
    sold = caller.http.post("/buy", data={"sku": "<b>&\"'", "quantity": "1"})
    assert sold.status_code == 303
    order = caller.http.get(sold.headers["Location"]).text
    assert "Received" in order
    assert "<b>" not in order
    assert "sold out" in caller.http.post("/buy", data={"sku": "<b>&\"'", "quantity": "1"}).text
    assert caller.http.get("/orders/unknown").status_code == 404


def test_order_page_shows_tracking_and_refund(caller: Any) -> None:
    caller.imported("R1")
    caller.ship("R1", 2, tracking="1Z999")
    caller.settle("R1", 20)
    caller.give_back("R1", 1, 10)
    page = caller.http.get("/orders/R1").text
    assert "1Z999" in page
    assert "captured 20 · refunded 10" in page


def _start(database: Path, parent_pid: int) -> tuple[subprocess.Popen[bytes], int]:
    options = ["--database", str(database), "--key", "k", "--parent-pid", str(parent_pid)]
    process = subprocess.Popen(
        [sys.executable, "-m", "retailops.demo.storefront", *options], stdout=subprocess.PIPE
    )
    assert process.stdout
    return process, json.loads(process.stdout.readline())["port"]


def test_it_ends_on_sigterm_and_when_its_parent_ends(tmp_path: Path) -> None:
    process, _ = _start(tmp_path / "a.db", os.getpid())
    with process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process, _ = _start(tmp_path / "b.db", parent.pid)
    with process:
        parent.communicate(b"\n")
        assert process.wait(10) == 0
