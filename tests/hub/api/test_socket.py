"""Rules of the transport that only a real connection can show."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.hub.api.serving import serving
from tests.hub.api.world import World

FETCH = "/Constant/Ship/CarrierClass/fetch~1.json"


@pytest.fixture
def connection(world: World) -> Iterator[http.client.HTTPConnection]:
    with serving() as url:
        made = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        yield made
        made.close()


def answer(connection: http.client.HTTPConnection) -> tuple[int, dict[str, object]]:
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.parametrize("header", ["apikey", "APIKEY", "ApiKey"])
def test_header_names_are_case_insensitive(
    world: World, connection: http.client.HTTPConnection, header: str
) -> None:
    connection.request("POST", FETCH, b"{}", {header: world.key(), "content-type": "application/json"})
    assert answer(connection)[0] == 200


def test_the_path_is_percent_decoded_once(world: World, connection: http.client.HTTPConnection) -> None:
    headers = {"apikey": world.key(), "Content-Type": "application/json"}
    connection.request("POST", "/Constant/Ship/CarrierClass/fetch%7E1.json", b"{}", headers)
    assert answer(connection)[0] == 200
    connection.request("POST", "/Constant/Ship/CarrierClass/fetch%257E1.json", b"{}", headers)
    assert answer(connection)[1]["ERRORCODE"] == "BAD_PATH"


def test_a_large_body_is_refused_by_its_length(world: World, connection: http.client.HTTPConnection) -> None:
    headers = {"apikey": world.key(), "Content-Type": "application/json"}
    connection.request("POST", FETCH, b"{}" + b" " * (4 * 1024 * 1024 - 1), headers)
    assert answer(connection)[1]["ERRORCODE"] == "BODY_TOO_LARGE"


def test_a_chunked_body_is_not_taken_for_an_empty_one(
    world: World, connection: http.client.HTTPConnection
) -> None:
    # This server can't read chunks; granian can, and says so.
    headers = {"apikey": world.key(), "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", FETCH, iter([b'{"all":', b"1}"]), headers, encode_chunked=True)
    assert answer(connection)[0] == 411


def test_no_cache_keeps_an_answer(world: World, connection: http.client.HTTPConnection) -> None:
    connection.request("POST", FETCH, b"{}", {"apikey": world.key(), "Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    response.read()
