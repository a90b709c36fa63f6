"""Each fault does what it says, shows in the journal, and is drawn from the seed."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from retailops.demo.storefront.faults import Faults
from retailops.demo.storefront.process import running_storefront


def _acknowledge(caller: Any) -> httpx.Response:
    row = {"channel_order_refnum": "R1", "retailops_order_id": 7}
    return caller.post("order_acknowledge", {"orders": [row]})  # type: ignore[no-any-return]


def _is_acknowledged(caller: Any) -> bool:
    return caller.order("R1")["acknowledged_at"] is not None


@pytest.fixture
def ready(caller: Any) -> Any:
    caller.backorder("R1", gift_message="Hi")
    caller.pull()
    return caller


@pytest.mark.parametrize(
    "fault, effect", [("drop-before-effect", False), ("drop-after-effect", True), ("half-body", True)]
)
def test_broken_connections(ready: Any, fault: str, effect: bool) -> None:
    ready.set_faults(f"{fault}:1")
    with pytest.raises(httpx.TransportError):
        _acknowledge(ready)
    assert _is_acknowledged(ready) is effect
    last = ready.journal()[-1]
    assert (last["fault"], last["effect"]) == (fault, "applied" if effect else "none")


@pytest.mark.parametrize(
    "fault, status, header",
    [
        ("html-502", 502, ("Content-Type", "text/html")),
        ("status-500", 500, ("Content-Type", "application/json")),
        ("status-503:1:30", 503, ("Retry-After", "30")),
        ("status-429:1:7", 429, ("Retry-After", "7")),
        ("redirect", 302, ("Location", "/")),
    ],
)
def test_refusals_have_no_effect(ready: Any, fault: str, status: int, header: tuple[str, str]) -> None:
    ready.set_faults(fault if ":" in fault else f"{fault}:1")
    response = _acknowledge(ready)
    assert (response.status_code, response.headers[header[0]]) == (status, header[1])
    assert not _is_acknowledged(ready)


def test_a_burst_of_401_ends(ready: Any) -> None:
    ready.set_faults("unauthorized-burst@order_pull:1:3")
    assert ready.post("order_pull", {}).status_code == 401
    assert [_acknowledge(ready).status_code for _ in range(3)] == [401, 401, 200]


@pytest.mark.parametrize(
    "fault, found",
    [
        ("html-200", b"<!doctype html>"),
        ("invalid-json", b"}}"),
        ("nan-money", b"NaN"),
        ("wrong-types", b'"events":"none"'),
        ("duplicate-keys", b'"orders":[],"next_page_token":"","events":[],"orders":[]'),
        ("nul", b"a\\u0000b"),
        ("lone-surrogate", b"a\\ud800b"),
        ("deep-nesting", b"[" * 100_000),
        ("huge-body", b"x" * 32_000_000),
        ("wrong-length", b'{"even'),  # half of {"events":[]}
    ],
)
def test_spoilt_replies_come_after_the_effect(ready: Any, fault: str, found: bytes) -> None:
    ready.set_faults(f"{fault}:1")
    response = _acknowledge(ready)
    assert response.status_code == 200
    if fault == "wrong-length":
        assert response.content == found
    else:
        assert found in response.content
    ready.http = httpx.Client(base_url=ready.http.base_url)  # the old connection may be out of step
    assert _is_acknowledged(ready)
    assert ready.journal()[-1]["fault"] == fault


@pytest.mark.parametrize("fault, found", [("nan-money", b'"shipping_amt":NaN'), ("nul", b'"a\\u0000bHi"')])
def test_spoilt_pulls(ready: Any, fault: str, found: bytes) -> None:
    ready.set_faults(f"{fault}:1")
    assert found in ready.post("order_pull", {}).content


def test_slow_replies(ready: Any) -> None:
    ready.set_faults("slow:1:300")
    started = time.monotonic()
    assert _acknowledge(ready).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_page_faults(ready: Any) -> None:
    ready.set_faults("endless-pages:1")
    tokens, token = set(), ""
    for _ in range(5):
        page = ready.pull(token)
        token = page["next_page_token"]
        tokens.add(token)
        assert len(page["orders"]) == 1
    assert len(tokens) == 5
    ready.set_faults("repeated-token:1")
    first = ready.pull()["next_page_token"]
    assert ready.pull(first)["next_page_token"] == first
    ready.set_faults("duplicate-order:1")
    assert [order["channel_order_refnum"] for order in ready.pull()["orders"]] == ["R1", "R1"]
    ready.set_faults("mutated-order:1")
    assert ready.pull()["orders"] != ready.pull()["orders"]


def test_the_same_seed_gives_the_same_faults() -> None:
    def drawn(seed: int) -> list[str]:
        faults = Faults("status-500:0.3,slow@order_pull:0.5:5", seed)
        return [fault.name if (fault := faults.draw("order_pull")) else "" for _ in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert {"", "slow", "status-500"} == set(drawn(1))


@pytest.mark.parametrize("spec", ["nonsense:1", "slow", "slow:x", "slow:1:2:3"])
def test_an_unusable_spec_is_refused(caller: Any, spec: str) -> None:
    response = caller.http.post("/admin/faults", json={"faults": spec})
    assert response.status_code == 422
    assert response.json()["error"].startswith("faults: ")


def test_faults_can_be_given_at_the_start(tmp_path: Path) -> None:
    with running_storefront(tmp_path / "shop.db", key="k", faults="status-500:1", seed=3) as shop:
        url = shop.url
        answer = httpx.get(f"{url}/admin/faults").json()
        assert answer == {"faults": "status-500:1", "seed": 3}
        body = json.dumps({"integration_auth_token": "k"})
        headers = {"Content-Type": "application/json"}
        assert (
            httpx.post(f"{url}/api/channel/order_pull_v1", content=body, headers=headers).status_code == 500
        )
