"""Starts workers at once: `python -m tests.faults.worker_nursery LEASE_SECONDS`.

A name on standard input starts a worker; its pid is the answer. Each is a process of its own, forked from this one, which
has everything imported: starting Python for each of hundreds of kills would take longer than the trade between them. They
run what `retailops worker` runs, with short leases and delays.
Workers die with this process, and this process ends with its standard input.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback

import django

#: A day's waiting in a minute: the growth stays, the longest waits are cut.
FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 3.0
CONCURRENCY = 32


def main() -> None:
    lease_seconds = float(sys.argv[1])
    django.setup()
    import retailops.hub.worker  # noqa: F401 - imported once, for all workers
    from retailops.cli.parent import die_with
    from retailops.hub.tasks import rules

    rules.FIRST_DELAY_SECONDS = FIRST_DELAY_SECONDS
    rules.LONGEST_DELAY_SECONDS = LONGEST_DELAY_SECONDS
    rules.BREAKER_LONGEST_SECONDS = LONGEST_DELAY_SECONDS
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed need no burial
    nursery = os.getpid()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            die_with(nursery)
            _work(line.strip(), lease_seconds)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _work(name: str, lease_seconds: float) -> None:
    from retailops.hub.channels.handlers import HANDLERS
    from retailops.hub.jobs import JOB_HANDLERS
    from retailops.hub.tasks import worker
    from retailops.outbound.addresses import AddressPolicy, parse_networks

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    try:
        worker.run_worker(
            stop,
            name=name,
            concurrency=CONCURRENCY,
            handlers={**HANDLERS, **JOB_HANDLERS},
            policy=AddressPolicy(allow_networks=parse_networks(["127.0.0.0/8"])),
            lease_seconds=lease_seconds,
        )
    except BaseException:  # noqa: BLE001 - a forked child must not fall through into its parent's code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
