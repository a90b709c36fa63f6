"""Opening the hub for a command: settings, database, Django."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from retailops.config import PREFIX, Settings, load_settings


def export(overrides: Mapping[str, object]) -> None:
    """Put command line options into the environment, where Django's settings and our child processes find them."""
    for key, value in overrides.items():
        if value is not None:
            os.environ[f"{PREFIX}{key.upper()}"] = str(value)


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The database's URL; the embedded PostgreSQL runs meanwhile if no other is set. Raises EmbeddedPostgresError."""
    if settings.database_url:
        yield settings.database_url
        return
    from retailops.embedded import EmbeddedPostgres

    server = EmbeddedPostgres(settings.data_dir)
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def hub(overrides: Mapping[str, object]) -> Iterator[Settings]:
    """Django, set up on the deployment's database. Raises ConfigError, EmbeddedPostgresError."""
    export(overrides)
    settings = load_settings()
    with database(settings) as url:
        os.environ["DATABASE_URL"] = url
        set_up_django()
        yield settings


def set_up_django() -> None:
    """Load the hub's Django project."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailops.hub.settings")
    import django

    django.setup()
