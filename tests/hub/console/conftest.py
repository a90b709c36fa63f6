"""One demo day for each module; each test's own changes are rolled back.

Imports stand in the fixtures: this file is loaded before the settings are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.hub.console.demo import Demo, LogIn


@pytest.fixture(scope="module")
def demo_day(django_db_setup: None, django_db_blocker: Any) -> Iterator[Demo]:
    from django.db import transaction

    from tests.hub.console.demo import fill

    with django_db_blocker.unblock(), transaction.atomic():
        yield fill()
        transaction.set_rollback(True)


@pytest.fixture
def demo(demo_day: Demo, db: None) -> Demo:
    return demo_day


@pytest.fixture
def log_in(demo: Demo) -> LogIn:
    """Log in as victor (Viewer), olivia (Operator), alma (Administrator), nobody (no role) or root."""
    from django.test import Client

    from retailops.hub.accounts.models import User

    def log_in_as(name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=name))
        return client

    return log_in_as


@pytest.fixture
def client(log_in: LogIn) -> Client:
    """An administrator; no push is queued yet, everything on the shop was published, and no order is to be routed."""
    from retailops.hub.db import execute

    execute("DELETE FROM tasks_task WHERE kind IN ('inventory_push', 'catalog_push')")
    execute("UPDATE catalog_listing SET published_at = now()")
    execute("UPDATE orders_order SET routing_due_at = NULL")
    return log_in("alma")
