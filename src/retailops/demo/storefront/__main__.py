"""Command line: ``python -m retailops.demo.storefront --database FILE --key KEY``."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from retailops.demo.storefront.app import App
from retailops.demo.storefront.channel import Channel
from retailops.demo.storefront.faults import Faults
from retailops.demo.storefront.pull import MAX_PAGE_SIZE
from retailops.demo.storefront.server import Server
from retailops.demo.storefront.store import Store


def main() -> None:
    """Run until SIGTERM, SIGINT or the end of ``--parent-pid``."""
    parser = argparse.ArgumentParser(prog="retailops.demo.storefront", description="The sample storefront.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file; created when absent")
    parser.add_argument("--key", required=True, help="the channel key the hub must send")
    parser.add_argument(
        "--page-size", type=int, default=MAX_PAGE_SIZE, help="orders per pulled page, 1 to 100"
    )
    parser.add_argument("--faults", default="", help="name[@interaction]:probability[:argument],...")
    parser.add_argument("--seed", type=int, default=0, help="seed of the faults")
    parser.add_argument("--parent-pid", type=int, default=0, help="exit when this process ends")
    options = parser.parse_args()
    if not 1 <= options.page_size <= MAX_PAGE_SIZE:
        parser.error(f"--page-size: {options.page_size} is not between 1 and {MAX_PAGE_SIZE}")
    if not options.key:
        parser.error("--key: empty; give the channel key")
    try:
        faults = Faults(options.faults, options.seed)
    except ValueError as error:
        parser.error(str(error))
    store = Store(options.database)
    channel = Channel(store, key=options.key, page_size=options.page_size, faults=faults)
    asyncio.run(_run(App(store, channel), options.port, options.parent_pid))
    store.close()


async def _run(app: App, port: int, parent_pid: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(app)
    listener = await server.start(port)
    bound = listener.sockets[0].getsockname()[1]
    sys.stdout.write(
        json.dumps({"port": bound, "url": f"http://127.0.0.1:{bound}", "pid": os.getpid()}) + "\n"
    )
    sys.stdout.flush()
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


if __name__ == "__main__":
    main()
