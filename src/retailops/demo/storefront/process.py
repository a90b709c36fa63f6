"""Starts the storefront as a process of its own, for tests and demonstrations."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class RunningStorefront:
    """Where it listens (the hub's base URL is ``{url}/api/channel``), and its process id."""

    url: str
    pid: int


@contextmanager
def running_storefront(
    database: Path, *, key: str, page_size: int = 100, faults: str = "", seed: int = 0
) -> Iterator[RunningStorefront]:
    """Yield the running storefront; it stops at the end, or with this process.

    Raises:
        RuntimeError: it did not start.
    """
    options = {
        "--database": str(database),
        "--key": key,
        "--page-size": str(page_size),
        "--faults": faults,
        "--seed": str(seed),
        "--parent-pid": str(os.getpid()),
    }
    command = [sys.executable, "-m", __package__, *(f"{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                msg = f"the storefront did not start (exit code {process.wait()})"
                raise RuntimeError(msg)
            yield RunningStorefront(json.loads(line)["url"], process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
