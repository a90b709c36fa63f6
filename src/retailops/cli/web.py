"""`retailops web`: the console and the API on one port."""

import multiprocessing
import os
from collections.abc import Callable
from typing import Annotated

import typer

from retailops.cli.hub import database, export
from retailops.cli.options import DataDir, Dev
from retailops.cli.parent import die_with, die_with_supervisor
from retailops.config import load_settings, require_safe

STOP_SECONDS = 15


def web(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    dev: Dev = None,
) -> None:
    """Serve the console and the API until SIGTERM or SIGINT."""
    die_with_supervisor()
    export({"data_dir": data_dir, "dev": dev, "web_host": host, "web_port": port})
    settings = load_settings()
    require_safe(settings)
    with database(settings) as url:
        os.environ["DATABASE_URL"] = url
        _serve(settings.web_host, settings.web_port, settings.web_threads)


def _serve(host: str, port: int, threads: int) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    # One process with threads: metrics stay whole, and Django keeps one connection a thread. More machines, or more
    # of these processes behind a balancer, make it wider.
    server = Server(
        "retailops.hub.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=threads,
        blocking_threads_idle_timeout=600,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.warning,
    )
    server.serve(target_loader=_load)


def _load(_target: str) -> Callable[..., object]:
    """Load the application in granian's worker process, which must not outlive its parent."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        die_with(parent.pid)
    from retailops.hub.wsgi import application

    return application
