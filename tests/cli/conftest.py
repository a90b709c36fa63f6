"""Running `retailops up` as its operator does: as a process, with nothing of the test run in its environment."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from retailops.embedded import EmbeddedPostgres


def clean_environment(**extra: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RETAILOPS_", "DATABASE_URL", "DJANGO_"))
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def wait_until(true: Callable[[], bool], describe: Callable[[], str], seconds: float = 60.0) -> None:
    """Wait; `describe` tells at the end of it what there is instead."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {describe()}"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether no process has this pid, or only a zombie that nobody waits for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def children_of(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@dataclass
class Up:
    """One run of `retailops up` in a data directory."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def state(self) -> dict[str, Any]:
        """What it says of itself in run/up.json; empty before it has said anything."""
        try:
            state: dict[str, Any] = json.loads((self.data_dir / "run" / "up.json").read_text())
        except FileNotFoundError:
            return {}
        return state if state["pid"] == self.process.pid else {}

    @property
    def printed(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.state['port']}"

    @property
    def pids(self) -> list[int]:
        """The processes that `up` keeps running, itself included; without the database."""
        named = [pid for pid in self.state["processes"].values() if pid is not None]
        return [self.process.pid, *named, *(child for pid in named for child in children_of(pid))]

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.printed
        state = self.state
        if not state or None in state["processes"].values():
            return False
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, lambda: f"{self.state} {self.printed}", seconds=90)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it and return how many seconds that took."""
        started = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(timeout=40) == 0, self.printed
        return time.monotonic() - started


StartUp = Callable[..., Up]


@pytest.fixture
def start_up(data_dir: Path) -> Iterator[StartUp]:
    """Start `retailops up` in the test's data directory; whatever is left of it at the end is ended."""
    started: list[Up] = []

    def start(*options: str, **environment: str) -> Up:
        output = data_dir.parent / f"up-{len(started)}.txt"
        command = [
            sys.executable,
            "-m",
            "retailops.cli",
            "up",
            "--data-dir",
            str(data_dir),
            "--port",
            "0",
            *options,
        ]
        with output.open("wb") as file:
            process = subprocess.Popen(
                command, cwd=data_dir.parent, env=clean_environment(**environment), stdout=file, stderr=file
            )
        started.append(Up(data_dir, process, output))
        return started[-1]

    yield start
    for up in started:
        up.process.kill()  # its children die with it
        up.process.wait()
    if (data_dir / "postgres").exists():
        with EmbeddedPostgres(data_dir):  # adopt what it left, and stop it
            pass
