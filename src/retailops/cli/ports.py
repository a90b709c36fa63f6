"""A port for the web server, held from before it starts until after it stops."""

import contextlib
import socket
import time
from collections.abc import Iterator

from retailops.cli.errors import CommandError

# Processes of a killed predecessor need a moment to die.
WAIT_SECONDS = 3.0
PROBE_SECONDS = 0.5


@contextlib.contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """Reserve `port` on `host`, or with 0 a free one, for a server that binds with SO_REUSEPORT (granian does).

    Raises CommandError when somebody else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    _wait_until_free(family, host, port)
    # Bound but not listening: it gets no connections, and keeps other users' programs off the port.
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, port))
        yield int(holder.getsockname()[1])


def answers(host: str, port: int) -> bool:
    """Whether a server accepts connections there."""
    # A server that listens on all addresses ("0.0.0.0", "::") is asked on loopback: connecting to those means that.
    try:
        with socket.create_connection((host, port), PROBE_SECONDS):
            return True
    except OSError:
        return False


def _wait_until_free(family: socket.AddressFamily, host: str, port: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
                return
        except OSError as error:
            if time.monotonic() > deadline:
                message = f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port, 0 for any free one"
                raise CommandError(message) from error
        time.sleep(0.1)
