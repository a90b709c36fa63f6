"""File locks that the kernel drops when their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retailops.embedded.errors import StillStartingError

POLL_SECONDS = 0.05


@contextmanager
def exclusive(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold `path` alone. Raises StillStartingError after `timeout` seconds of waiting for another holder."""
    lock = FileLock(path)
    deadline = time.monotonic() + timeout
    try:
        while not lock.try_exclusive():
            if time.monotonic() > deadline:
                message = f"another process has been starting or stopping the database for {timeout:.0f} s; see {path}"
                raise StillStartingError(message)
            time.sleep(POLL_SECONDS)
        yield
    finally:
        lock.close()


class FileLock:
    """One `flock` on one file. The descriptor is not inherited by programs we start."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def share(self) -> None:
        """Hold the lock beside other sharers; waits for an exclusive holder."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """True if nobody else holds the lock, which then is ours alone."""
        with suppress(BlockingIOError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def close(self) -> None:
        """Let go; the object is of no use afterwards."""
        # Unlock by name: a forked child may hold a copy of the descriptor, and closing ours would not unlock.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)
