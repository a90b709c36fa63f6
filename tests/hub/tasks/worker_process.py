"""A worker in a process of its own: `python -m tests.hub.tasks.worker_process '{"urls": {"1": "http://…"}, …}'`.

DATABASE_URL and the other settings are in the environment. When its standard input closes, it lets what is in flight end,
and stops.
"""

from __future__ import annotations

import json
import sys
import threading

import django


def main() -> None:
    django.setup()
    from retailops.hub.tasks import rules, worker
    from retailops.outbound.addresses import AddressPolicy, parse_networks
    from tests.hub.tasks.peers import BatchPing, Ping

    options = json.loads(sys.argv[1])
    rules.FIRST_DELAY_SECONDS = 0.05
    urls = {int(queue_id): url for queue_id, url in options["urls"].items()}
    stop = threading.Event()
    threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    worker.run_worker(
        stop,
        name=options["name"],
        concurrency=options["concurrency"],
        handlers={handler.kind: handler for handler in (Ping(urls), BatchPing(urls))},
        policy=AddressPolicy(allow_networks=parse_networks(["127.0.0.0/8"])),
        lease_seconds=options["lease_seconds"],
    )


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
