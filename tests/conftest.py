"""One PostgreSQL for the whole test run, and data directories for tests that need processes of their own."""

import base64
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from retailops.embedded import EmbeddedPostgres

# Durability is tested on clusters of their own; here only speed counts.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "retailops.hub.settings",
    "RETAILOPS_SECRET_KEY": "for tests only, and long enough to be accepted",
    "RETAILOPS_ENCRYPTION_KEYS": base64.b64encode(bytes(range(32))).decode(),
    "RETAILOPS_ALLOW_NETWORKS": "127.0.0.0/8,::1/128",
}

_cluster = contextlib.ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the database in the controlling process; workers inherit its URL, and pytest-django makes one database each."""
    for name in [name for name in os.environ if name.startswith("RETAILOPS_")]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)
    if "DATABASE_URL" not in os.environ and not config.option.collectonly:
        directory = Path(tempfile.mkdtemp(prefix="retailops-tests-"))
        _cluster.callback(shutil.rmtree, directory)
        os.environ["DATABASE_URL"] = _cluster.enter_context(_started(directory))
    import django

    django.setup()


def pytest_unconfigure() -> None:
    """Stop the database and remove it (in workers: nothing to do)."""
    _cluster.close()


@contextlib.contextmanager
def _started(directory: Path) -> Iterator[str]:
    server = EmbeddedPostgres(directory, settings=FAST)
    try:
        yield server.start()
    finally:
        os.environ.pop("DATABASE_URL", None)
        server.stop()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data directory with a short path (socket addresses are short), removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="ro-") as directory:
        yield Path(directory) / "data"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let the rows that migrations made come back after each test with real transactions, which empties all tables.

    Django gives them only to tests that ask for them, and expects those with transactions to run last: they do not when
    several processes share the tests out.
    """
    from django.db import connection
    from django.test import TransactionTestCase

    # Private names, which the stubs don't know.
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    with django_db_blocker.unblock():
        contents = connection.creation.serialize_db_to_string()
    connection._test_serialized_contents = contents  # type: ignore[attr-defined]

    def empty_and_refill(self: TransactionTestCase) -> None:
        self.serialized_rollback = True
        empty(self)
        connection.creation.deserialize_db_from_string(contents)

    TransactionTestCase._fixture_teardown = empty_and_refill  # type: ignore[attr-defined]
