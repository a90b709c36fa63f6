"""The twelve interactions, good and bad, on a real socket."""

import json
from typing import Any

import pytest

INTERACTIONS = [
    "catalog_get_config",
    "catalog_push",
    "inventory_push",
    "order_acknowledge",
    "order_cancel",
    "order_complete",
    "order_pull",
    "order_returned",
    "order_settle_payment",
    "order_shipment_submit",
    "order_update",
    "payment_credit",
]


def codes(answer: dict[str, Any]) -> list[str]:
    return [event["code"] for event in answer["events"]]


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_every_interaction_demands_the_key_before_anything_else(caller: Any, interaction: str) -> None:
    for key in ("wrong", "", None, 5, ["x"], {"a": 1}, "a key for tests onl", "A KEY FOR TESTS ONLY"):
        # The wrongly typed fields would be 422 if they were looked at.
        response = caller.post(interaction, {"orders": 5, "order": 5, "page_token": 5}, key=key)
        assert response.status_code == 401
    assert caller.post(interaction, {}).status_code == 200


def test_refused_key_has_no_effect(caller: Any) -> None:
    caller.backorder("R1")
    row = {"channel_order_refnum": "R1", "retailops_order_id": 7}
    assert caller.post("order_acknowledge", {"orders": [row]}, key="wrong").status_code == 401
    assert caller.order("R1")["acknowledged_at"] is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_unusable_json_is_400(caller: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = caller.http.post("/api/channel/order_pull_v1", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"].startswith("body: ")


def test_transport_errors(caller: Any) -> None:
    url = "/api/channel/order_pull_v1"
    assert caller.http.get(url).status_code == 405
    assert caller.http.put(url, json={}).headers["Allow"] == "POST"
    assert caller.http.post(url, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert caller.http.post("/api/channel/order_pull_v2", json={}).status_code == 404
    assert caller.http.post("/api/channel/unheard_of_v1", json={}).status_code == 404
    headers = {"Content-Type": "application/json"}
    assert caller.http.post(url, content=b" " * 9_000_000, headers=headers).status_code == 413
    assert caller.post("order_pull", {"page_token": 5}).json()["error"].startswith("page_token: not a string")
    assert caller.post("order_pull", {"page_token": "garbage"}).status_code == 422


def test_chunked_bodies_are_read(caller: Any) -> None:
    body = json.dumps({"integration_auth_token": "a key for tests only"}).encode()
    parts = iter([body[:10], body[10:]])
    headers = {"Content-Type": "application/json"}
    response = caller.http.post("/api/channel/order_pull_v1", content=parts, headers=headers)
    assert response.json() == {"orders": [], "next_page_token": ""}


def test_pulled_order_carries_what_was_placed(caller: Any) -> None:
    caller.backorder(
        "R1",
        quantity=3,
        price=2.55,
        currency="GBP",
        date="2010-12-01T08:26:00",
        shipping_amt=4,
        coupon="WELCOME10",
        gift_message="Hi",
    )
    (order,) = caller.pull()["orders"]
    assert order["channel_date_created"] == "2010-12-01T08:26:00+00:00"
    assert order["currency_code"] == "GBP"
    assert order["gift_message"] == "Hi"
    assert order["currency_values"] == {"shipping_amt": 4, "tax_amt": 0, "discount_amt": 0.76}
    assert order["order_items"] == [
        {
            "channel_item_refnum": "R1-1",
            "sku": "A",
            "sku_description": "A",
            "quantity": 3,
            "item_type": "ship",
            "currency_values": {"unit_price": 2.55},
        }
    ]
    assert [p["amount"] for p in order["payment_transactions"]] == [10.89]


def test_acknowledging_between_pages_hides_nothing(caller: Any) -> None:
    placed = [caller.backorder(f"R{number}") for number in range(8)]
    seen, token = [], ""
    while True:
        page = caller.pull(token)
        refnums = [order["channel_order_refnum"] for order in page["orders"]]
        assert len(refnums) <= 3
        seen += refnums
        caller.acknowledge(*refnums)
        token = page["next_page_token"]
        assert len(token) <= 35
        if not token:
            break
    assert seen == placed
    assert caller.pull() == {"orders": [], "next_page_token": ""}


def test_orders_stay_pullable_until_acknowledged_and_can_be_fetched_by_name(caller: Any) -> None:
    caller.backorder("R1")
    assert caller.pull() == caller.pull()
    caller.acknowledge("R1")
    assert caller.pull()["orders"] == []
    wanted = [{"channel_refnum": "R1"}, {"channel_refnum": "unknown"}]
    page = caller.call("order_pull", {"specific_orders": wanted, "page_token": "ignored"})
    assert [order["channel_order_refnum"] for order in page["orders"]] == ["R1"]
    assert page["next_page_token"] == ""
    nothings: list[list[str] | None] = [[], None]
    for nothing in nothings:
        assert caller.call("order_pull", {"specific_orders": nothing})["orders"] == []


def test_edits_and_cancellation_show_in_the_next_pull_until_acknowledged(caller: Any) -> None:
    caller.backorder("R1")
    assert caller.http.post("/shop/orders/R1/edit", json={"gift_message": "Bye"}).status_code == 200
    assert caller.http.post("/shop/orders/R1/cancel").status_code == 200
    (order,) = caller.pull()["orders"]
    assert (order["gift_message"], order["cancel"]) == ("Bye", True)
    caller.acknowledge("R1")
    assert caller.http.post("/shop/orders/R1/edit", json={}).status_code == 409
    assert caller.http.post("/shop/orders/R1/cancel").status_code == 409
    assert caller.http.post("/shop/orders/R2/cancel").status_code == 404


def test_acknowledge_is_idempotent_and_one_bad_row_blocks_nothing(caller: Any) -> None:
    caller.backorder("R1")
    caller.pull()
    answer = caller.acknowledge("unknown", "R1")
    assert codes(answer) == ["ORDER_NOT_FOUND"]
    assert answer["events"][0]["associations"] == [
        {"identifier_type": "order_refnum", "identifier": "unknown"}
    ]
    assert caller.order("R1")["hub_order_id"] == 7
    assert caller.acknowledge("R1") == {"events": []}
    assert codes(caller.acknowledge("R1", hub_id=8)) == ["ORDER_ID_CHANGED"]
    assert caller.order("R1")["hub_order_id"] == 7
    assert [call["effect"] for call in caller.journal()] == ["none", "applied", "duplicate", "refused"]


def test_shipments_count_once_and_never_too_much(caller: Any) -> None:
    caller.imported("R1", quantity=3)
    assert caller.ship("R1", 1, package=1) == {"events": []}
    assert caller.ship("R1", 1, package=1) == {"events": []}
    assert codes(caller.ship("R1", 3, package=2)) == ["OVER_SHIPMENT"]
    assert codes(caller.ship("R1", 0, package=2)) == ["INVALID_QUANTITY"]
    assert codes(caller.ship("R1", 2, package=1)) == ["PACKAGE_CHANGED"]
    assert caller.ship("R1", 1, package=1, tracking="1Z-corrected") == {"events": []}
    assert caller.ship("R1", 2, package=3) == {"events": []}
    order = caller.order("R1")
    assert order["items"][0]["shipped"] == 3
    assert [(p["package_id"], p["tracking_number"]) for p in order["packages"]] == [
        (1, "1Z-corrected"),
        (3, "1Z"),
    ]
    assert order["status"] == "shipping"


def test_cancel_and_complete(caller: Any) -> None:
    for refnum in ("R1", "R2"):
        caller.imported(refnum)
    assert caller.order_call("order_cancel", "unknown")["status"] == "fail"
    for _ in range(2):
        assert caller.order_call("order_cancel", "R1") == {"status": "success", "events": []}
    assert codes(caller.ship("R1", 1)) == ["ORDER_CANCELLED"]
    assert caller.order_call("order_complete", "R1")["status"] == "fail"
    caller.ship("R2", 1)
    assert codes(caller.order_call("order_cancel", "R2")) == ["ORDER_SHIPPED"]
    unshipped = [{"channel_item_refnum": "R2-1", "unshipped_quantity": 1}]
    for _ in range(2):
        answer = caller.order_call("order_complete", "R2", unshipped_items=unshipped)
        assert answer == {"status": "success", "events": []}
    item = caller.order("R2")["items"][0]
    assert (item["shipped"], item["cancelled"], caller.order("R2")["status"]) == (1, 1, "completed")


def test_an_order_of_charges_is_completed_without_a_shipment(caller: Any) -> None:
    items = [{"sku": "POST", "quantity": 2, "unit_price": 4, "item_type": "advisory"}]
    caller.http.post("/shop/orders", json={"refnum": "R1", "items": items})
    caller.pull()
    caller.acknowledge("R1")
    assert codes(caller.ship("R1", 1)) == ["OVER_SHIPMENT"]
    assert caller.order_call("order_complete", "R1") == {"status": "success", "events": []}
    assert caller.settle("R1", 8) == {"events": []}
    order = caller.order("R1")
    assert (order["status"], order["captured"], order["items"][0]["cancelled"]) == ("completed", 8, 0)
    assert caller.violations() == ["OVER_SHIPMENT"]


def test_update_changes_adds_and_removes_lines(caller: Any) -> None:
    caller.imported("R1")
    lines = [
        {"channel_item_refnum": "R1-1", "order_item_id": 1, "removed": True},
        {"channel_item_refnum": "", "order_item_id": 2, "sku": "B", "quantity": 4, "unit_price": 1.5},
    ]
    expected = [
        {"order_item_id": 1, "refnum": "R1-1", "quantity": 0},
        {"order_item_id": 2, "refnum": "R1-2", "quantity": 4},
    ]
    for _ in range(2):
        answer = caller.order_call("order_update", "R1", order_items=lines)
        assert answer == {"events": [], "line_items": expected}
    page = caller.call("order_pull", {"specific_orders": [{"channel_refnum": "R1"}]})
    assert [item["sku"] for item in page["orders"][0]["order_items"]] == ["B"]


def test_settlement_captures_once_per_series_and_never_too_much(caller: Any) -> None:
    caller.imported("R1")
    for _ in range(2):
        assert caller.settle("R1", 15) == {"events": []}
    assert codes(caller.settle("R1", 14)) == ["SERIES_CHANGED"]
    assert codes(caller.settle("R1", 5.01, series=2)) == ["OVER_CAPTURE"]
    assert codes(caller.settle("R1", 1, series=3, currency="EUR")) == ["CURRENCY_MISMATCH"]
    assert caller.order("R1")["captured"] == 15


def test_returns_refund_once_and_credits_give_back_no_more_than_was_captured(caller: Any) -> None:
    caller.imported("R1")
    caller.ship("R1", 2)
    caller.settle("R1", 20)
    first = caller.give_back("R1", 1, 10)
    assert first == caller.give_back("R1", 1, 10)
    assert [t["amount"] for t in first["payment_transactions"]] == [10]
    assert codes(caller.give_back("R1", 2, 5, return_id=2)) == ["OVER_RETURN"]
    assert codes(caller.give_back("R1", 1, 10.01, return_id=2)) == ["OVER_REFUND"]
    credited = caller.give_back("R1", 0, 2, return_id=3, action="storecredit")
    assert credited["return"] == {"channel_store_credit_amount": 2}
    credit = {"amount": 8, "parent_payment_transactions": [{"refnum": "checkout:R1"}]}
    for _ in range(2):
        assert caller.call("payment_credit", {"credit": credit}, webhook_id="m1")["status"] == "success"
    assert caller.call("payment_credit", {"credit": credit})["status"] == "decline"
    assert caller.order("R1")["refunded"] == 20
    unknown = caller.call("payment_credit", {"credit": {"amount": 1}})
    assert unknown["status"] == "decline"
    assert {"payment_type", "amount", "transaction_type"} <= unknown.keys()


def test_catalog_and_inventory(caller: Any) -> None:
    assert caller.call("catalog_get_config", {}) == {"sku_fanout": "no_fanout"}
    assert caller.call("catalog_push", {"template_output": {}}) == {"events": []}
    bad = {"feed_data": {"General": {"Name": "nameless"}}, "object_data": {"id": "77"}}
    good = {"feed_data": {"General": {"SKU": "A", "Name": "Lamp"}, "Prices": {"Price": "2.50"}}}
    answer = caller.call("catalog_push", {"template_output": {"data": {"Product": [bad, good]}}})
    assert codes(answer) == ["INVALID_FEED_OBJECT"]
    rows = [{"sku": sku, "quantity_available": n} for sku, n in [("A", 9), ("unknown", 1), ("A", 4)]]
    answer = caller.call("inventory_push", {"inventory_updates": rows})
    assert [(event["event_type"], event["code"]) for event in answer["events"]] == [
        ("warning", "UNKNOWN_SKU")
    ]
    (sku,) = caller.http.get("/shop/catalog").json()["skus"]
    assert (sku["title"], sku["price"], sku["available"]) == ("Lamp", 2.5, 4)
