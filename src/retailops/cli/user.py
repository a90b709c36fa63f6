"""`retailops user`: people who use the console."""

from pathlib import Path
from typing import Annotated

import typer

from retailops.cli.errors import CommandError
from retailops.cli.hub import hub
from retailops.cli.options import DataDir
from retailops.cli.parent import die_with_supervisor

app = typer.Typer(no_args_is_help=True)


@app.callback()
def users() -> None:
    """People who use the console."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Login name.")],
    *,
    email: str = "",
    admin: Annotated[
        bool, typer.Option("--admin", help="May do everything, and manage other users.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="Read the password from here instead of asking.")
    ] = None,
    unless_exists: Annotated[
        bool, typer.Option("--unless-exists", help="Do nothing if there is such a user.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Add a user who may log in to the console."""
    die_with_supervisor()
    with hub({"data_dir": data_dir}):
        from retailops.hub.accounts.models import User

        if User.objects.filter(username=name).exists():
            if unless_exists:
                return
            message = f"there is a user {name} already; choose another name"
            raise CommandError(message)
        password = _password(password_file, name)
        User.objects.create_user(name, email, password, is_staff=True, is_superuser=admin)
    print(f"Added {name}.")


def _password(file: Path | None, name: str) -> str:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    try:
        password = (
            file.read_text().strip()
            if file
            else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        )
        validate_password(password)
    except OSError as error:
        message = f"--password-file {file}: {error.strerror}"
        raise CommandError(message) from error
    except ValidationError as error:
        message = f"the password of {name} is refused: {' '.join(error.messages)}"
        raise CommandError(message) from error
    return str(password)
