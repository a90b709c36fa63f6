"""Which process serves a cluster directory. A pid alone proves nothing: pids are reused, above all in containers."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def pid_in(lock_file: Path) -> int | None:
    """The pid in a lock file of PostgreSQL's, whoever has it now; None without a readable file."""
    with suppress(OSError, ValueError, IndexError):
        return int(lock_file.read_text().splitlines()[0])
    return None


def live_postmaster(cluster: Path) -> int | None:
    """The pid of the server that serves `cluster` now, or None."""
    pid = pid_in(cluster / "postmaster.pid")
    return pid if pid is not None and _works_in(pid, cluster) else None


def has_orphans(cluster: Path) -> bool:
    """Whether backends of a killed server still work in `cluster`. They hold its shared memory until they end."""
    if not PROC.joinpath("self").exists():
        return False
    return any(_works_in(int(entry.name), cluster) for entry in PROC.iterdir() if entry.name.isdigit())


def is_running(pid: int) -> bool:
    """Whether any process has this pid, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _works_in(pid: int, cluster: Path) -> bool:
    # Every PostgreSQL process keeps the cluster as its working directory; a zombie has none.
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid), "cwd").samefile(cluster)
        except OSError:
            return False
    listed = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in listed.stdout
