"""A child process that is started again when it ends."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from retailops.cli.parent import SUPERVISOR_PID

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A child that ran this long was well; its next failure starts the pauses afresh.
WELL_SECONDS = 60.0


def launch(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start `retailops …` as a child that dies with us. Its own process group: Ctrl-C reaches us alone."""
    return subprocess.Popen(
        [sys.executable, "-m", "retailops.cli", *arguments],
        env={**os.environ, SUPERVISOR_PID: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        process_group=0,
    )


@dataclass
class Child:
    """One process to keep running. Not started until the first `keep_running`."""

    name: str
    arguments: Sequence[str]
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _start_after: float = 0.0
    _pause: float = field(default=FIRST_PAUSE_SECONDS)

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self._process.pid if self._process is not None else None

    def keep_running(self) -> str | None:
        """Start the process if it doesn't run and its pause is over. Returns a line to print when something happened."""
        now = time.monotonic()
        if self._process is not None:
            return self._note_end(self._process, now)
        if now < self._start_after:
            return None
        self._process = launch(self.arguments)
        self._started_at = now
        return f"{self.name}: started, pid {self._process.pid}"

    def _note_end(self, process: subprocess.Popen[bytes], now: float) -> str | None:
        status = process.poll()
        if status is None:
            return None
        self._process = None
        if now - self._started_at > WELL_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        pause = self._pause
        self._start_after = now + pause
        self._pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return f"{self.name}: ended with status {status}, starts again in {pause:.1f} s"

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process is not None:
            self._process.terminate()

    def has_ended(self) -> bool:
        """Whether no process is left."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """End the process now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
