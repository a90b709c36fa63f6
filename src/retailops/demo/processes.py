"""The processes of the demonstration: the hub by `retailops up`, and the short-lived one that seeds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 120.0
#: `up` itself gives its children 17 s and the database 4 s.
STOP_SECONDS = 30.0
POLL_SECONDS = 0.2


class DemoError(Exception):
    """The demonstration can't go on; the message says why and where to look."""


@dataclass(frozen=True, slots=True)
class RunningHub:
    """Where the hub answers, and the database that the seeding process uses."""

    url: str
    database_url: str
    login: str


@contextmanager
def running_hub(data_dir: Path, *, workers: int) -> Iterator[RunningHub]:
    """Run `retailops up` until the end of the block. Raises `DemoError` if it does not become ready."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = data_dir / "demo" / "up.log"
    command = ["up", "--dev", "--data-dir", str(data_dir), "--port", "0", "--workers", str(workers)]
    # A process group of its own: Ctrl-C reaches us alone, and we stop it in order.
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "retailops.cli", *command],
            # `up` stops when we end, even by kill -9.
            env={**os.environ, "RETAILOPS_SUPERVISOR_PID": str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        ) as process,
    ):
        try:
            yield _wait_until_ready(process, data_dir, log)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while process.poll() is None:
        try:
            process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
        except KeyboardInterrupt:
            process.terminate()  # a second signal makes it hurry


def _wait_until_ready(process: subprocess.Popen[bytes], data_dir: Path, log: Path) -> RunningHub:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            message = (
                f"`retailops up` ended with status {process.returncode}:\n{last}\nAll of its output: {log}"
            )
            raise DemoError(message)
        state = _state(data_dir, process.pid)
        if state is not None and _is_ready(f"http://127.0.0.1:{state[0]}"):
            password = (data_dir / "admin-password").read_text().strip()
            return RunningHub(f"http://127.0.0.1:{state[0]}", state[1], f"admin with the password {password}")
        time.sleep(POLL_SECONDS)
    message = f"the hub was not ready after {START_SECONDS:.0f} s; see {log}"
    raise DemoError(message)


def _state(data_dir: Path, pid: int) -> tuple[int, str] | None:
    """Port and database URL, once `up` has written them."""
    try:
        state = json.loads((data_dir / "run" / "up.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    if state["pid"] != pid:
        return None
    database = state["database"]
    return state["port"], database["url"] if database else os.environ["DATABASE_URL"]


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def run_module(name: str, given: object, *, data_dir: Path, database_url: str) -> bytes:
    """Run a short-lived module of ours on the hub's database, JSON in, last line of its output out. Raises `DemoError`."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "RETAILOPS_DATA_DIR": str(data_dir),
        "RETAILOPS_DEV": "true",
        "RETAILOPS_LOG_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, "-m", name],
        input=json.dumps(given).encode(),
        capture_output=True,
        env=environment,
        # Ctrl-C is for us to handle; this ends by itself.
        process_group=0,
        check=False,
    )
    if done.returncode:
        message = f"{name} failed:\n{done.stderr.decode(errors='replace').strip()[-2000:]}"
        raise DemoError(message)
    return done.stdout.splitlines()[-1]
