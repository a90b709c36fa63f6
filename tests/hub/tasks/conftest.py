"""Queues to put tasks into. Models are imported late: pytest reads this file before Django is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retailops.hub.tasks.models import Queue


@pytest.fixture
def queue(db: None) -> Queue:
    from retailops.hub.tasks.models import Queue

    return Queue.objects.create(name="channel:shop")


@pytest.fixture
def live_queue(transactional_db: None) -> Queue:
    """A queue in a database where everything is committed, for tests with several connections.

    The hub's own schedules are taken out: their tasks would run among the test's.
    """
    from retailops.hub.tasks.models import Queue, Schedule

    Schedule.objects.all().delete()
    return Queue.objects.create(name="channel:shop")


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    from retailops.hub.tasks import rules

    monkeypatch.setattr(rules, "FIRST_DELAY_SECONDS", 0.05)


@pytest.fixture
def database_of_the_test(live_queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker listens on the database named in the settings, which is not the test's."""
    from tests.hub.tasks.running import url_of_the_test

    monkeypatch.setattr("django.conf.settings.RETAILOPS_DATABASE_URL", url_of_the_test())
