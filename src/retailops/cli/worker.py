"""`retailops worker`: delivers and runs what is queued."""

import os
import signal
import socket
import threading
from typing import Annotated

import typer

from retailops.cli.hub import hub
from retailops.cli.options import DataDir, Dev
from retailops.cli.parent import die_with_supervisor
from retailops.config import require_safe


def worker(
    data_dir: DataDir = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Lanes held at once.  [default: 256]", show_default=False)
    ] = None,
    dev: Dev = None,
) -> None:
    """Work until SIGTERM or SIGINT, then let what is in flight end."""
    die_with_supervisor()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with hub({"data_dir": data_dir, "dev": dev, "worker_concurrency": concurrency}) as settings:
        require_safe(settings)
        from retailops.hub.worker import run_worker

        run_worker(
            stop, name=f"{socket.gethostname()}:{os.getpid()}", concurrency=settings.worker_concurrency
        )
