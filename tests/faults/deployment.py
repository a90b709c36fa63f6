"""A whole deployment that can be killed piece by piece: durable database, workers, web server, and a storefront beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psycopg

from retailops.cli.parent import SUPERVISOR_PID
from retailops.cli.ports import reserved
from retailops.demo.storefront.process import running_storefront
from retailops.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
CHANNEL_KEY = "the key of the fault tests"
LEASE_SECONDS = 3.0


class Deployment:
    """Use `running_deployment`. Methods that kill return when what was killed has been started again."""

    def __init__(self, directory: Path, *, port: int, storefront_url: str, workers: int) -> None:
        self.database = EmbeddedPostgres(directory / "data")
        self.database_url = self.database.start()
        self.url = f"http://127.0.0.1:{port}"
        self.storefront_url = storefront_url
        self.keys: dict[str, str] = {}
        self.workers: list[int] = []
        self._port = port
        self._log = (directory / "processes.log").open("ab")
        self._log_file = directory / "processes.log"
        self._environment = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "RETAILOPS_DATA_DIR": str(directory / "data"),
            "RETAILOPS_LOG_LEVEL": "WARNING",
            SUPERVISOR_PID: str(os.getpid()),
        }
        self._count = workers
        self._started = 0
        self._nursery: subprocess.Popen[bytes] | None = None
        self._web: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Migrate, seed, start the processes."""
        # Both only import until they are asked for something.
        self._nursery = self._launch("tests.faults.worker_nursery", str(LEASE_SECONDS), pipes=True)
        self._web = self._launch_web()
        command = [sys.executable, "-m", "tests.faults.seeding", self.storefront_url, CHANNEL_KEY]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, check=True)
        self.keys = json.loads(done.stdout.splitlines()[-1])
        self.workers = [self._new_worker() for _ in range(self._count)]
        wait_until("the web server answers", self.is_ready, seconds=60)

    def stop(self) -> None:
        """End everything that is left."""
        for process in (self._nursery, self._web):
            if process is not None:
                process.kill()
                process.communicate()
        self._log.close()
        self.database.stop()

    def log(self) -> str:
        """What the processes wrote."""
        return self._log_file.read_text(errors="replace")

    def is_ready(self) -> bool:
        """Whether the web server answers and finds its database."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK
        return False

    def rows(self, query: str, *params: object) -> list[tuple[object, ...]]:
        """Read the hub's database over a connection of its own. Raises `psycopg.Error`."""
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(query, params).fetchall()

    def number(self, query: str, *params: object) -> int:
        """The single number that a query yields."""
        return int(str(self.rows(query, *params)[0][0]))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `retailops …` to its end, whatever that is."""
        return subprocess.run(
            [sys.executable, "-m", "retailops.cli", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def kill_worker(self, index: int) -> None:
        """kill -9 a worker; another takes its place."""
        os.kill(self.workers[index], signal.SIGKILL)
        self.workers[index] = self._new_worker()

    def kill_web(self) -> None:
        """kill -9 the web server; what serves in its name dies with it."""
        assert self._web is not None
        assert self._web.poll() is None, f"the web server ended by itself\n{self.log()[-4000:]}"
        self._web.kill()
        self._web.wait()
        self._web = self._launch_web()

    def kill_database(self) -> None:
        """kill -9 the postmaster and all its backends."""
        postmaster = self.database.pid
        assert postmaster is not None
        for pid in [postmaster, *children_of(postmaster)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.database.start()

    def kill_backend(self, choice: float) -> None:
        """kill -9 one connection's backend (`choice` from 0 to 1): PostgreSQL ends all others and recovers."""
        postmaster = self.database.pid
        assert postmaster is not None
        backends = [pid for pid in children_of(postmaster) if b"postgres: retailops" in _command_line(pid)]
        if backends:
            with suppress(ProcessLookupError):
                os.kill(backends[int(choice * len(backends))], signal.SIGKILL)
        wait_until("the database has recovered", self.database.is_alive, seconds=30)

    def _new_worker(self) -> int:
        nursery = self._nursery
        assert nursery is not None
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        self._started += 1
        nursery.stdin.write(f"worker-{self._started}\n".encode())
        nursery.stdin.flush()
        return int(nursery.stdout.readline())

    def _launch_web(self) -> subprocess.Popen[bytes]:
        return self._launch("retailops.cli", "web", "--host", "127.0.0.1", "--port", str(self._port))

    def _launch(self, module: str, *arguments: str, pipes: bool = False) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE if pipes else subprocess.DEVNULL
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=pipe,
            stdout=pipe if pipes else self._log,
            stderr=self._log,
        )


@contextmanager
def running_deployment(directory: Path, *, workers: int = 2) -> Iterator[Deployment]:
    """A seeded deployment in `directory`, beside a storefront that is well."""
    with ExitStack() as cleanup:
        shop = cleanup.enter_context(
            running_storefront(directory / "shop.sqlite", key=CHANNEL_KEY, page_size=20)
        )
        port = cleanup.enter_context(reserved("127.0.0.1", 0))
        deployment = Deployment(directory, port=port, storefront_url=shop.url, workers=workers)
        cleanup.callback(deployment.stop)
        deployment.start()
        yield deployment


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_running(pid: int) -> bool:
    """Whether there is such a process, stopped ones included."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def resident_megabytes(pid: int) -> float:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def wait_until(
    what: str,
    true: Callable[[], bool],
    *,
    seconds: float,
    describe: Callable[[], str] = str,
    progress: Callable[[], object] = bool,
) -> None:
    """Wait; the time begins anew whenever `progress` has changed. `describe` tells at the end of it what there is instead."""
    deadline, seen = time.monotonic() + seconds, progress()
    while not true():
        if (now := progress()) != seen:
            deadline, seen = time.monotonic() + seconds, now
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s\n{describe()}"
        time.sleep(0.1)


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
