"""Command line: ``python -m retailops.demo.storefront --database FILE --key KEY``."""

import argparse
import json
import os
import sys
from pathlib import Path

from retailops.demo.storefront.app import App
from retailops.demo.storefront.channel import Channel
from retailops.demo.storefront.faults import Faults
from retailops.demo.storefront.pull import MAX_PAGE_SIZE
from retailops.demo.storefront.serving import serve
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
    try:
        serve(App(store, channel), port=options.port, listening=_tell_parent, parent_pid=options.parent_pid)
    finally:
        store.close()


def _tell_parent(port: int) -> None:
    sys.stdout.write(json.dumps({"port": port, "url": f"http://127.0.0.1:{port}", "pid": os.getpid()}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
