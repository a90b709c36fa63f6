"""`retailops storefront` alone, over its socket."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

COMMAND = [sys.executable, "-m", "retailops.cli", "storefront"]
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


@contextmanager
def storefront(data_dir: Path, *options: str) -> Iterator[str]:
    """Yield the channel's base URL; a Ctrl-C ends the storefront, which must end well."""
    command = [*COMMAND, "--port", "0", "--data-dir", str(data_dir), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(3)]
            yield re.findall(r"^Channel: (http://127\.0\.0\.1:\d+/api/channel)$", lines[2], re.MULTILINE)[0]
            process.send_signal(signal.SIGINT)
            assert (process.wait(20), process.stdout.read()) == (0, "Stopped.\n")
        finally:
            process.kill()


def pull(base_url: str, key: str) -> httpx.Response:
    body = {
        "integration_auth_token": key, "action": "order_pull", "version": 1, "client_id": 1, "channel_info": {"id": 1},
        "page_token": "",
    }  # fmt: skip
    return httpx.post(f"{base_url}/order_pull_v1", json=body)


def refnums(response: httpx.Response) -> list[str]:
    return [order["channel_order_refnum"] for order in response.json()["orders"]]


def test_orders_wait_for_the_published_test_key(data_dir: Path) -> None:
    options = ("--orders", "20", "--test-key", "--page-size", "7")
    with storefront(data_dir, *options) as base_url:
        assert pull(base_url, "another").status_code == 401
        first = pull(base_url, "RETAILOPS_SDK")
        assert len(set(refnums(first))) == 7
        assert first.json()["next_page_token"]
        shop = httpx.get(base_url.replace("/api/channel", "/"))
        assert "Stoneware mug" in shop.text
    # Those that wait count at the next start, too.
    with storefront(data_dir, "--orders", "21", "--test-key") as base_url:
        assert refnums(pull(base_url, "RETAILOPS_SDK"))[:7] == refnums(first)
        assert len(refnums(pull(base_url, "RETAILOPS_SDK"))) == 21


def test_without_it_the_key_is_in_a_private_file(data_dir: Path) -> None:
    with storefront(data_dir) as base_url:
        file = data_dir / "channel-key"
        assert file.stat().st_mode & 0o777 == 0o600
        assert pull(base_url, "RETAILOPS_SDK").status_code == 401
        assert refnums(pull(base_url, file.read_text().strip())) == []


def test_errors_say_what_to_do(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, message in (
            (["--port", port], f"cannot listen on 127.0.0.1:{port}"),
            (["--faults", "sulk:1"], "--faults: "),
        ):
            command = [*COMMAND, "--data-dir", str(data_dir), *options]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, message in done.stderr) == (1, True), done.stderr
