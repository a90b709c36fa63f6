"""Options that several commands take, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Where this machine keeps database, secrets and logs.  [default: data]", show_default=False
    ),
]
Dev = Annotated[
    bool | None,
    typer.Option("--dev", help="Your own machine: an admin login is made, loopback channels may be called."),
]
