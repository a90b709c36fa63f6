"""Runs the storefront until it is told to stop."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from retailops.demo.storefront.app import App
from retailops.demo.storefront.server import Server


def serve(app: App, *, port: int, listening: Callable[[int], None], parent_pid: int = 0) -> None:
    """Serve on loopback until SIGTERM, SIGINT or the end of `parent_pid`; port 0 takes a free one.

    `listening` is called with the port once. Raises `OSError` if the port is taken.
    """
    asyncio.run(_serve(app, port, listening, parent_pid))


async def _serve(app: App, port: int, listening: Callable[[int], None], parent_pid: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(app)
    listener = await server.start(port)
    listening(listener.sockets[0].getsockname()[1])
    is_child = parent_pid == os.getppid()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
        if parent_pid and not _is_alive(parent_pid, is_child=is_child):
            break
    listener.close()
    await server.stop()


def _is_alive(pid: int, *, is_child: bool) -> bool:
    # A parent that died unreaped still has a pid, but its children have been handed on.
    if is_child:
        return os.getppid() == pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
