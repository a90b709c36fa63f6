"""Paths, methods, bodies, keys and envelopes: what holds for every action."""

from __future__ import annotations

import gzip
import json

import pytest
from django.test import Client

from tests.hub.api.world import Api, World

FETCH = "/Constant/Ship/CarrierClass/Fetch.json"
ADVICE = "/product/externalsku/update~2.json"


@pytest.mark.parametrize(
    "path",
    [
        "/Constant/Ship/CarrierClass/fetch.json",
        "/constant/ship/carrierclass/fetch.json",
        "/CONSTANT/SHIP/CARRIERCLASS/FETCH.JSON",
        "/Constant/Ship/CarrierClass/fetch~1.json",
        "/Constant/Ship/CarrierClass/fetch%7E1.json",
    ],
)
def test_paths_are_ascii_case_insensitive_and_no_suffix_means_version_1(operator: Api, path: str) -> None:
    answer = operator(path)
    assert (answer.status, answer.body["success"]) == (200, 1)


@pytest.mark.parametrize(
    "path, code",
    [
        ("/Vendor/PO/Fetch", "BAD_PATH"),
        ("/Vendor/PO/Fetch.json/", "BAD_PATH"),
        ("/Vendor//PO/Fetch.json", "BAD_PATH"),
        ("/Vendor/../PO/Fetch.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch~0.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch~01.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch~1.0.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch~.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch~10000.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch%00.json", "BAD_PATH"),
        ("/Vendor/PO/Fetch.json%0A", "BAD_PATH"),
        ("/\u212aonstant/Ship.json", "BAD_PATH"),
        ("/Vendor/PO/Fetc\u017f.json", "BAD_PATH"),
        ("/Vendor/PO/Nothing.json", "UNKNOWN_ACTION"),
        ("/Nothing/There.json", "UNKNOWN_ACTION"),
        ("/Vendor/PO/Fetch~2.json", "UNKNOWN_ACTION_VERSION"),
        ("/product/externalsku/update.json", "UNKNOWN_ACTION_VERSION"),
    ],
)
def test_every_other_path_is_404_with_a_code(operator: Api, path: str, code: str) -> None:
    answer = operator(path)
    assert (answer.status, answer.code, answer.body["success"]) == (404, code, 0)


def test_an_unknown_version_names_those_there_are(operator: Api) -> None:
    assert operator("/product/externalsku/update.json").body["ERROR"].endswith("has no version 1; it has ~2")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405_and_name_post(world: World, method: str) -> None:
    response = Client().generic(method, FETCH)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json()["ERRORCODE"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON; charset="UTF-8"'],
)
def test_json_in_utf_8_is_accepted(operator: Api, content_type: str) -> None:
    assert operator.send(FETCH, b"{}", content_type=content_type).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_other_content_types_are_415(operator: Api, content_type: str) -> None:
    answer = operator.send(FETCH, b"{}", content_type=content_type)
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "body, code",
    [
        (b"", "EMPTY_BODY"),
        (b"  \n", "EMPTY_BODY"),
        (b"\xef\xbb\xbf{}", "BAD_ENCODING"),
        (b'{"all": "\xff"}', "BAD_ENCODING"),
        (b'{"all": "\\ud800"}', "BAD_ENCODING"),
        (b'{"all": 1', "MALFORMED_JSON"),
        (b'{"all": 1,}', "MALFORMED_JSON"),
        (b"[" * 100_000, "JSON_TOO_DEEP"),
        (b'{"all": 1, "all": 0}', "JSON_DUPLICATE_KEY"),
        (b'{"all": NaN}', "JSON_BAD_NUMBER"),
        (b'{"all": 1e400}', "JSON_BAD_NUMBER"),
        (b'{"all": ' + b"1" * 5000 + b"}", "JSON_BAD_NUMBER"),
        (b"[]", "BODY_NOT_OBJECT"),
        (b'"text"', "BODY_NOT_OBJECT"),
    ],
)
def test_json_is_read_strictly(operator: Api, body: bytes, code: str) -> None:
    answer = operator.send(FETCH, body)
    assert (answer.status, answer.code) == (400, code)


def test_broken_json_is_told_with_line_and_column_and_not_repaired(operator: Api) -> None:
    # The published guide's own sample, whose comma is missing.
    body = b'{"records":[{"po":"D123","estimated_ship_date":"2015-04-29T20:00:00Z" "items":[]}]}'
    [error] = operator.send(FETCH, body).body["errors"]
    assert (error["code"], error["line"], error["column"]) == (
        "MALFORMED_JSON",
        1,
        body.index(b'"items"') + 1,
    )
    assert "comma" in error["message"]


def test_a_body_above_4_mib_is_413(operator: Api) -> None:
    fits = b'{"all":1}' + b" " * (4 * 1024 * 1024 - 9)
    assert operator.send(FETCH, fits).status == 200
    answer = operator.send(FETCH, fits + b" ")
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


def test_gzip_is_read_and_a_bomb_is_not_unpacked(operator: Api) -> None:
    assert operator.send(FETCH, gzip.compress(b'{"all":1}'), Content_Encoding="gzip").status == 200
    bomb = gzip.compress(b" " * (200 * 1024 * 1024), 9)
    assert len(bomb) < 1024 * 1024
    answer = operator.send(FETCH, bomb, Content_Encoding="gzip")
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "body", [b"{}", gzip.compress(b"{}", mtime=0)[:-3], gzip.compress(b"{}", mtime=0) + b"more"]
)
def test_what_is_not_gzip_is_told(operator: Api, body: bytes) -> None:
    answer = operator.send(FETCH, body, Content_Encoding="gzip")
    assert (answer.status, answer.code) == (400, "BAD_ENCODING")


def test_other_encodings_are_415(operator: Api) -> None:
    assert operator.send(FETCH, b"{}", Content_Encoding="br").status == 415


def test_success_envelope(operator: Api) -> None:
    answer = operator(FETCH, {"all": 1}, X_Request_ID="mine-12345678")
    assert answer.body["success"] == 1
    assert answer.body["request_id"] == answer.headers["X-Request-ID"] == "mine-12345678"
    assert answer.body["server_time"].endswith("Z")
    assert {"id": 7, "name": "FedEx Ground"}.items() <= answer.body["records"][4].items()


def test_partial_failure_envelope_is_no_success(vendor: Api) -> None:
    records = [{"vpc": "VB", "quantity": 1}, {"vpc": "nope", "quantity": 1}, {"vpc": "VB"}]
    answer = vendor(ADVICE, {"records": records})
    assert answer.status == 200
    assert {
        key: answer.body[key]
        for key in ("success", "partial", "ok_count", "error_count", "ERROR", "ERRORCODE")
    } == {
        "success": 0,
        "partial": 1,
        "ok_count": 1,
        "error_count": 2,
        "ERROR": "2 of 3 records failed",
        "ERRORCODE": "PARTIAL_FAILURE",
    }
    assert [record["index"] for record in answer.body["records"]] == [0, 1, 2]
    assert answer.record_codes == ["ok", "EXTERNAL_SKU_NOT_FOUND", "MISSING_FIELD"]


def test_a_single_failed_record_is_told_in_error_and_errorcode(vendor: Api) -> None:
    answer = vendor(ADVICE, {"records": [{"vpc": "nope", "quantity": 1}]})
    assert (answer.status, answer.body["success"], answer.code) == (200, 0, "EXTERNAL_SKU_NOT_FOUND")
    assert "partial" not in answer.body


def test_strict_status_mode_gives_business_failures_a_status_of_their_own(world: World) -> None:
    api = world.api(vendor_id=world.acme.pk, http_status_mode="strict")
    assert api(ADVICE, {"records": [{"vpc": "nope", "quantity": 1}]}).status == 422
    assert api("/vendor/po/marksubmitted.json", {"records": [{"po": "D0"}]}).status == 404
    records = [{"vpc": "VB", "quantity": 1}, {"vpc": "nope", "quantity": 1}]
    assert api(ADVICE, {"records": records}).status == 207


def test_records_may_be_a_single_object(vendor: Api) -> None:
    assert vendor(ADVICE, {"records": {"vpc": "VB", "quantity": 1}}).record["status"] == "ok"


def test_no_records_do_nothing_and_say_so(vendor: Api) -> None:
    answer = vendor(ADVICE, {"records": []})
    assert (answer.body["success"], answer.body["records"]) == (1, [])
    assert answer.body["warnings"][0]["code"] == "NO_CHANGE"


def test_a_record_that_is_no_object_fails_alone(vendor: Api) -> None:
    answer = vendor(ADVICE, {"records": [{"vpc": "VB", "quantity": 1}, 5, None]})
    assert answer.record_codes == ["ok", "BAD_TYPE", "BAD_TYPE"]


def test_more_than_1000_records_are_refused_before_any_effect(world: World, vendor: Api) -> None:
    answer = vendor(ADVICE, {"records": [{"vpc": "VB", "quantity": 7}] * 1001})
    assert (answer.status, answer.code) == (413, "TOO_MANY_RECORDS")
    assert world.acme.skus.get().advised_quantity == 1000


def test_unknown_fields_are_ignored_and_reported(vendor: Api) -> None:
    answer = vendor(ADVICE, {"records": [{"vpc": "VB", "quantity": 1, "unit_cost": "4.00"}], "colour": "red"})
    assert answer.body["success"] == 1
    assert [warning["code"] for warning in answer.body["warnings"]] == ["UNKNOWN_FIELD"]
    assert "unit_cost" in answer.record["warnings"][0]["message"]


def test_a_strict_key_refuses_unknown_fields(world: World) -> None:
    api = world.api(vendor_id=world.acme.pk, refuse_unknown_fields=True)
    assert api(ADVICE, {"records": [{"vpc": "VB", "quantity": 1, "unit_cost": 4}]}).code == "UNKNOWN_FIELD"
    answer = api(FETCH, {"colour": "red"})
    assert (answer.status, answer.code) == (400, "UNKNOWN_FIELD")


def test_without_detailed_response_only_failures_are_listed(vendor: Api) -> None:
    records = [{"vpc": "VB", "quantity": 1}, {"vpc": "nope", "quantity": 1}]
    answer = vendor(ADVICE, {"records": records, "with_detailed_response": "0"})
    assert (answer.body["ok_count"], answer.body["error_count"], len(answer.body["records"])) == (1, 1, 1)
    assert answer.record["index"] == 1


@pytest.mark.parametrize("value", [True, False, 1, 0, "1", "0"])
def test_booleans_are_read_loosely(operator: Api, value: object) -> None:
    assert operator(FETCH, {"all": value}).status == 200


@pytest.mark.parametrize("value", ["true", "yes", "", 2, None, [], {}, 1.0])
def test_what_is_no_boolean_is_refused(operator: Api, value: object) -> None:
    answer = operator(FETCH, {"all": value})
    assert (answer.status, answer.code, answer.body["errors"][0]["path"]) == (400, "BAD_TYPE", "all")


@pytest.mark.parametrize("value", [1, "1", "001"])
def test_ids_are_numbers_or_digits(operator: Api, value: object) -> None:
    assert operator(FETCH, {"carrier_id": value}).body["records"][0]["carrier_id"] == 1


@pytest.mark.parametrize("value", [0, -1, "", " 1", "1e3", "0x1", "\u0661", True, 1.0, [1], 2**63])
def test_what_is_no_id_is_refused(operator: Api, value: object) -> None:
    answer = operator(FETCH, {"carrier_id": value})
    assert (answer.status, answer.code) == (400, "BAD_TYPE")


@pytest.mark.parametrize("value, stored", [(12, 12), ("12", 12), (12.0, 12), (0, 0), (2**31 - 1, 2**31 - 1)])
def test_quantities_are_read_loosely(world: World, vendor: Api, value: object, stored: int) -> None:
    assert vendor(ADVICE, {"records": [{"vpc": "VB", "quantity": value}]}).body["success"] == 1
    assert world.acme.skus.get().advised_quantity == stored


@pytest.mark.parametrize(
    "value, code",
    [
        (True, "BAD_TYPE"),
        (None, "BAD_TYPE"),
        ([1], "BAD_TYPE"),
        ("", "BAD_TYPE"),
        (" 12 ", "BAD_TYPE"),
        ("1e3", "BAD_TYPE"),
        ("0x10", "BAD_TYPE"),
        ("\u0661\u0662", "BAD_TYPE"),
        ("12.0", "BAD_TYPE"),
        (1.5, "QTY_NOT_INTEGER"),
        (-1, "QTY_NEGATIVE"),
        ("-1", "QTY_NEGATIVE"),
        (2**31, "QTY_TOO_LARGE"),
    ],
)
def test_what_is_no_quantity_is_refused(world: World, vendor: Api, value: object, code: str) -> None:
    answer = vendor(ADVICE, {"records": [{"vpc": "VB", "quantity": value}]})
    assert (answer.code, answer.record["errors"][0]["path"]) == (code, "quantity")
    assert world.acme.skus.get().advised_quantity == 1000


def test_an_unexpected_fault_is_told_as_internal_without_its_text(
    operator: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retailops.hub.api.actions import system

    def fail() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(system, "queue_depths", fail)
    answer = operator("/System/Status.json")
    assert (answer.status, answer.code) == (500, "INTERNAL")
    assert "secret" not in json.dumps(answer.body)
