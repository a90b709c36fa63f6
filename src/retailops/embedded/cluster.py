"""Running the wheel's `initdb` and `postgres` on one cluster directory."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retailops.embedded.account import Account, give, may_enter
from retailops.embedded.binaries import find_bin
from retailops.embedded.errors import EmbeddedPostgresError
from retailops.embedded.processes import PROC

# Written into postgresql.conf of a new cluster, where operators may change them.
TUNING = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "200",
    "jit": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# The server gets no environment of ours: PG* variables and locales would change what it does.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Cluster:
    """A cluster directory and the user that owns it (None: ourselves)."""

    path: Path
    account: Account | None

    def create(self, superuser: str, log: Path) -> None:
        """Run initdb beside the final place and rename, so that an interrupted initdb leaves nothing behind."""
        prefix = f"{self.path.name}.new-"
        for left_over in self.path.parent.glob(f"{prefix}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        # A new name each time: an initdb whose parent was killed may still be writing under the old one.
        scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=self.path.parent))
        give(scratch, self.account)
        command = [
            *("initdb", "--username", superuser, "--auth", "trust", "--data-checksums", "--encoding", "UTF8"),
            *("--locale", "C", "--no-instructions"),
            *(f"--set={name}={value}" for name, value in TUNING.items()),
        ]
        status = self._start(command, scratch, log).wait()
        if status != 0:
            message = f"initdb failed with status {status}:\n{tail(log)}"
            raise EmbeddedPostgresError(message)
        scratch.rename(self.path)

    def launch(self, socket_dir: Path, settings: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start `postgres`, listening on a unix socket in `socket_dir` and nowhere else."""
        fixed = {"listen_addresses": "", "unix_socket_directories": str(socket_dir)}
        options = [
            part for name, value in {**settings, **fixed}.items() for part in ("-c", f"{name}={value}")
        ]
        return self._start(["postgres", *options], self.path, log)

    def _start(self, command: list[str], directory: Path, log: Path) -> subprocess.Popen[bytes]:
        program = find_bin(self.path, self.account) / command[0]
        with log.open("ab") as output:
            return subprocess.Popen(
                [program, "-D", self._name_for_server(directory), *command[1:]],
                cwd=directory,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Its own session: Ctrl-C at the terminal stops us, and we stop the server after its clients.
                start_new_session=True,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )

    def _name_for_server(self, directory: Path) -> str:
        """A path to `directory` that the server's user may use.

        Below a private directory (root's home, say) the full path is closed to it. Its working directory is not: we
        enter it as root, before the change of user, and PostgreSQL never leaves it.
        """
        if may_enter(directory, self.account):
            return str(directory)
        if PROC.joinpath("self", "cwd").exists():
            return str(PROC / "self" / "cwd")
        user = self.account.name if self.account else "the server's user"
        message = (
            f"{user} cannot enter {directory}; choose a data directory whose parents are passable (chmod o+x)"
        )
        raise EmbeddedPostgresError(message)


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log file, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def open_log(directory: Path) -> Path:
    """The server's log file in `directory`; one old generation is kept."""
    directory.mkdir(exist_ok=True)
    log = directory / "postgres.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    return log
