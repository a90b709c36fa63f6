"""`retailops manage`: Django's own commands, for those who know them."""

import typer

from retailops.cli.hub import hub


def manage(context: typer.Context) -> None:
    """Pass everything on to Django: `retailops manage showmigrations`."""
    with hub({}):
        from django.core.management import execute_from_command_line

        execute_from_command_line(["retailops manage", *context.args])
