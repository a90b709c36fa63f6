"""Which errors are news for the operator, and which are defects that deserve a traceback."""

from retailops.config import ConfigError
from retailops.embedded.errors import EmbeddedPostgresError


class CommandError(Exception):
    """A command can't do what it was asked; the message says why and what to do."""


def explain(error: Exception) -> str | None:
    """One line, or a few, for an expected error; None for a defect."""
    if isinstance(error, CommandError | ConfigError | EmbeddedPostgresError):
        return str(error)
    if (
        type(error).__module__.startswith(("django.db", "psycopg"))
        and type(error).__name__ == "OperationalError"
    ):
        first_line = next(iter(str(error).splitlines()), "")
        return f"the database does not answer: {first_line}\nIs it running, and is DATABASE_URL right?"
    return None
