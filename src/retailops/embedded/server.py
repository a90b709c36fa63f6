"""The embedded server of one data directory.

Several processes may use one data directory (`retailops up`, beside it `retailops user add`): the first starts the
server, the others adopt it, the last one to leave stops it. Locks are the kernel's, so a killed user counts as gone.
"""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from retailops.embedded import processes
from retailops.embedded.account import account_for, give, may_enter
from retailops.embedded.cluster import Cluster, open_log, tail
from retailops.embedded.errors import EmbeddedPostgresError, StillStartingError
from retailops.embedded.locks import POLL_SECONDS, FileLock, exclusive

ROLE = "retailops"
DATABASE = "retailops"
SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
KILL_SECONDS = 2.0
# sockaddr_un holds 107 bytes on Linux, 103 on macOS; the server appends "/.s.PGSQL.5432".
SOCKET_DIR_BYTES = 88


class EmbeddedPostgres:
    """A PostgreSQL server for `data_dir`; the cluster lies in `data_dir/postgres`, its log in `data_dir/log`.

    `settings` are given on the server's command line when this object starts it; an adopted server keeps its own.
    Methods raise EmbeddedPostgresError.
    """

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self._settings = dict(settings or {})
        self._in_use: FileLock | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's pid, or None when no server runs."""
        return processes.live_postmaster(self._cluster_dir)

    def start(self, *, timeout: float = START_SECONDS) -> str:
        """Start or adopt the server and return its URL, `postgresql://retailops@/retailops?host=…`. Idempotent.

        Raises StillStartingError when it doesn't answer within `timeout` seconds. Call `stop()` after a failure, too.
        """
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._run_dir.mkdir(mode=0o711, exist_ok=True)
        with self._alone(timeout):
            if self._in_use is None:
                self._in_use = FileLock(self._run_dir / "postgres.users")
                self._in_use.share()
            return self._start(time.monotonic() + timeout)

    def stop(self, *, fast: bool = True, timeout: float = STOP_SECONDS) -> None:
        """Stop the server unless another process still uses it. `fast` ends its connections, otherwise it waits.

        After `timeout` seconds the server is stopped the hard way; its next start then recovers from the log.
        """
        if self._in_use is None:
            return
        with self._alone(timeout):
            last = self._in_use.try_exclusive()
            self._leave()
            if not last:
                return
            self._end(signal.SIGINT if fast else signal.SIGTERM, timeout)
            if self._socket_dir is not None:
                shutil.rmtree(self._socket_dir, ignore_errors=True)

    def is_alive(self) -> bool:
        """Whether this data directory's server answers a query now."""
        return self._socket_dir is not None and self._answers(self._socket_dir)

    @property
    def _cluster_dir(self) -> Path:
        return self._data_dir / "postgres"

    @property
    def _run_dir(self) -> Path:
        return self._data_dir / "run"

    def _alone(self, timeout: float) -> AbstractContextManager[None]:
        """Keep other processes from starting or stopping the server meanwhile."""
        return exclusive(self._run_dir / "postgres.lock", timeout=timeout)

    def _leave(self) -> None:
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None

    def _start(self, deadline: float) -> str:
        if self._child is not None and self._child.poll() is not None:
            self._child = None  # stopped or killed since; its status is no news
        cluster = Cluster(self._cluster_dir, account_for(self._cluster_dir))
        log = open_log(self._data_dir / "log")
        if not cluster.path.exists():
            cluster.create(SUPERUSER, log)
        socket_dir = self._wait_for_answer(cluster, log, deadline)
        _ensure_database(socket_dir)
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(socket_dir), safe='')}"

    def _wait_for_answer(self, cluster: Cluster, log: Path, deadline: float) -> Path:
        while self._socket_dir is None or not self._answers(self._socket_dir):
            self._adopt_or_launch(cluster, log)
            if time.monotonic() > deadline:
                message = f"PostgreSQL in {cluster.path} does not answer yet:\n{tail(log)}"
                raise StillStartingError(message)
            time.sleep(POLL_SECONDS)
        return self._socket_dir

    def _adopt_or_launch(self, cluster: Cluster, log: Path) -> None:
        """Adopt the running server, or launch one as soon as nothing of a killed one is left."""
        if processes.live_postmaster(cluster.path) is not None:
            self._socket_dir = _announced_socket_dir(cluster.path)
            return
        if self._child is not None:
            status = self._child.poll()
            if status is None:
                return
            self._child = None
            # Worth another try: it was killed, or orphans of a killed one held its shared memory for a moment.
            if status > 0 and "shared memory block" not in tail(log, 4):
                message = f"PostgreSQL ended with status {status}:\n{tail(log)}"
                raise EmbeddedPostgresError(message)
        if processes.has_orphans(cluster.path):
            return
        self._socket_dir = _make_socket_dir(self._run_dir, cluster)
        # The pid in a lock file may be a zombie's or another program's by now; PostgreSQL takes it for a server.
        for lock in (cluster.path / "postmaster.pid", self._socket_dir / ".s.PGSQL.5432.lock"):
            pid = processes.pid_in(lock)
            if pid is not None and processes.is_running(pid):
                lock.unlink()
        self._child = cluster.launch(self._socket_dir, self._settings, log)

    def _answers(self, socket_dir: Path) -> bool:
        try:
            with _connect(socket_dir) as connection:
                row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        except psycopg.Error:
            return False
        # The socket could be another cluster's: the server must read the same pid file as we do.
        expected = processes.pid_in(self._cluster_dir / "postmaster.pid")
        return row is not None and int(str(row[0]).split("\n", 1)[0]) == expected

    def _end(self, polite: signal.Signals, timeout: float) -> None:
        # A server of ours that is just starting has not written its pid file yet.
        pid = self.pid or (
            self._child.pid if self._child is not None and self._child.poll() is None else None
        )
        if pid is None:
            return
        for number, seconds in (
            (polite, timeout),
            (signal.SIGQUIT, KILL_SECONDS),
            (signal.SIGKILL, KILL_SECONDS),
        ):
            _send(pid, number)
            if self._has_ended(pid, seconds):
                return

    def _has_ended(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.pid != pid and (self._child is None or self._child.poll() is not None):
                return True
            time.sleep(POLL_SECONDS)
        return False


def _connect(socket_dir: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(socket_dir), port=5432, user=SUPERUSER, dbname="postgres", connect_timeout=5, autocommit=True
    )


def _ensure_database(socket_dir: Path) -> None:
    """Create the role and the database of the hub. The role is no superuser: SQL must not reach files."""
    with _connect(socket_dir) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            names = sql.Identifier(DATABASE), sql.Identifier(ROLE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))


def _announced_socket_dir(cluster: Path) -> Path | None:
    """Where the running server listens: the fifth line of its pid file, which it writes while starting."""
    with suppress(OSError, IndexError):
        line = (cluster / "postmaster.pid").read_text().splitlines()[4]
        return Path(line) if line else None
    return None


def _make_socket_dir(run_dir: Path, cluster: Cluster) -> Path:
    """A directory for the socket that its user can reach and whose path is short enough for a socket address."""
    own = run_dir / "postgres"
    if len(bytes(own)) <= SOCKET_DIR_BYTES and may_enter(run_dir, cluster.account):
        directory = own
    else:
        key = hashlib.sha256(bytes(cluster.path)).hexdigest()[:16]
        directory = Path(f"/tmp/retailops-{key}")  # noqa: S108 - checked below for a foreign owner
    directory.mkdir(mode=0o700, exist_ok=True)
    give(directory, cluster.account)
    state = directory.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != cluster.path.stat().st_uid or state.st_mode & 0o077:
        message = f"{directory} must be a directory of the database's user alone; remove it and start again"
        raise EmbeddedPostgresError(message)
    return directory


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
