"""Canaries: what must not be in a log is logged in every way we know, and must not come out."""

import json
import subprocess
import sys

import pytest
from django.test import Client

CANARY = "canary-4711"
SCRIPT = f"""
import logging, structlog
from retailops.hub.observability.logs import configure
configure({{"format": "FORMAT", "level": "INFO"}})
log = structlog.get_logger("test")
log.info("order.imported", channel="demo", attempt=2, took=0.5, body="{CANARY}", customer={{"name": "{CANARY}"}})
log.warning("delivery.failed", error="first line\\nDETAIL: {CANARY}")
log.debug("below the level")
secret = "{CANARY}"
try:
    raise ValueError("bad value\\nDETAIL: {CANARY}")
except ValueError:
    log.exception("broken")
    logging.getLogger("elsewhere").exception("broken too")
logging.getLogger("elsewhere").info("%s", "two\\nlines")
"""


def run(form: str) -> str:
    command = [sys.executable, "-c", SCRIPT.replace("FORMAT", form)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_json_lines_have_known_fields_and_no_canary() -> None:
    output = run("json")
    assert CANARY not in output
    first, second, third, fourth, fifth = map(json.loads, output.splitlines())
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "order.imported",
        "level": "info",
        "logger": "test",
        "channel": "demo",
        "attempt": 2,
        "took": 0.5,
        "body": "(withheld)",
        "customer": "(withheld)",
    }
    assert second["error"] == "first line"
    assert [third["error"], fourth["error"]] == ["ValueError: bad value"] * 2
    assert third["stack"] == "<string>:11 <module>"
    assert fourth["logger"] == "elsewhere"
    assert fifth["event"] == "two"


def test_the_console_format_has_no_canary_either() -> None:
    output = run("console")
    assert CANARY not in output
    assert "order.imported" in output


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given, kept",
    [
        ("0f8fad5b-d9cb-469f-a165-70867728950e", True),
        ("short", False),
        ("x" * 65, False),
        ("forged id\tINFO", False),
    ],
)
def test_a_request_id_is_kept_if_it_is_harmless(client: Client, given: str, kept: bool) -> None:
    answer = client.get("/no/such/page", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept
