"""Keeping the database, the web server and the workers of one data directory running."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from retailops.cli.children import Child, launch
from retailops.cli.errors import CommandError
from retailops.cli.ports import answers
from retailops.config import Settings
from retailops.embedded import EmbeddedPostgres, EmbeddedPostgresError, StillStartingError

TICK_SECONDS = 0.2
DATABASE_CHECK_SECONDS = 1.0
# All in all less than 25 s: what waits for us (a service manager, a container runtime) kills after 30.
CHILDREN_STOP_SECONDS = 17.0
DATABASE_STOP_SECONDS = 4.0
# Short, so that a stop is noticed while the database recovers; starting is taken up again on the next tick.
DATABASE_START_SECONDS = 3.0


class Supervisor:
    """Starts, watches, restarts and stops. Child processes get `DATABASE_URL` and the settings by the environment.

    `ready` is called once, when the web server answers (or at once without one).
    """

    def __init__(self, settings: Settings, *, port: int | None, ready: Callable[[], None]) -> None:
        self._settings = settings
        self._port = port
        self._ready = ready
        self._said_ready = False
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._postgres = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
        self._database_checked_at = 0.0
        web = (
            [Child("web", ["web", "--host", settings.web_host, "--port", str(port)])]
            if port is not None
            else []
        )
        self._children = [*web, *(Child(f"worker {n}", ["worker"]) for n in range(1, settings.workers + 1))]
        self._state: dict[str, object] = {}

    def run(self, preparations: Sequence[Sequence[str]]) -> None:
        """Start the database, run the commands of `preparations` to their end, keep all running until a signal.

        Raises CommandError when a preparation fails.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        with ExitStack() as cleanup:
            cleanup.callback(self._state_file.unlink, missing_ok=True)
            if self._postgres is not None:
                cleanup.callback(self._postgres.stop, timeout=DATABASE_STOP_SECONDS)
            cleanup.callback(self._stop_children)
            while not self._stop.is_set() and not self._keep_database():
                pass
            for arguments in preparations:
                self._run_to_end(arguments)
            while not self._stop.wait(TICK_SECONDS):
                self._tick()
            say("Stopping: letting what is in flight end, at most 17 s. Press Ctrl-C again to hurry.")
        say("Stopped.")

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def _tick(self) -> None:
        if time.monotonic() - self._database_checked_at > DATABASE_CHECK_SECONDS:
            self._keep_database()
        for child in self._children:
            line = child.keep_running()
            if line is not None:
                say(line)
        self._write_state()
        if not self._said_ready and (self._port is None or answers(self._settings.web_host, self._port)):
            self._said_ready = True
            self._ready()

    def _keep_database(self) -> bool:
        """Start the embedded database if it isn't there; True if it answers, or is not ours to start."""
        self._database_checked_at = time.monotonic()
        if self._postgres is None or self._postgres.is_alive():
            return True
        say(f"database: starting PostgreSQL in {self._settings.data_dir / 'postgres'}")
        try:
            os.environ["DATABASE_URL"] = self._postgres.start(timeout=DATABASE_START_SECONDS)
        except EmbeddedPostgresError as error:
            if not self._recoverable(error):
                raise
            say(f"database: {error}")
            return False
        say(f"database: running, pid {self._postgres.pid}")
        return True

    def _recoverable(self, error: EmbeddedPostgresError) -> bool:
        # At the first start an operator waits for the reason; later there are processes to keep.
        return isinstance(error, StillStartingError) or any(child.pid for child in self._children)

    def _run_to_end(self, arguments: Sequence[str]) -> None:
        if self._stop.is_set():
            return
        process = launch(arguments)
        while process.poll() is None:
            if self._stop.wait(TICK_SECONDS / 4):
                process.terminate()
                process.wait()
                return
        if process.returncode != 0:
            message = f"`retailops {' '.join(arguments)}` failed with status {process.returncode}; see above"
            raise CommandError(message)

    def _stop_children(self) -> None:
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + CHILDREN_STOP_SECONDS
        while not all(child.has_ended() for child in self._children):
            if time.monotonic() > deadline or self._hurry.is_set():
                break
            time.sleep(TICK_SECONDS / 4)
        for child in self._children:
            if not child.has_ended():
                say(f"{child.name}: did not stop in time, killed")
                child.kill()

    @property
    def _state_file(self) -> Path:
        return self._settings.data_dir / "run" / "up.json"

    def _write_state(self) -> None:
        """Write who runs where, for tools and tests: `{pid, port, database: {pid, url}, processes: {name: pid}}`."""
        database = {"pid": self._postgres.pid, "url": os.environ["DATABASE_URL"]} if self._postgres else None
        state: dict[str, object] = {
            "pid": os.getpid(),
            "port": self._port,
            "database": database,
            "processes": {child.name: child.pid for child in self._children},
        }
        if state != self._state:
            scratch = self._state_file.with_suffix(".new")
            scratch.write_text(json.dumps(state, indent=1))
            scratch.replace(self._state_file)
            self._state = state


def say(line: str) -> None:
    """Tell the operator, at once even into a pipe."""
    print(line, flush=True)
