"""A form that is saved while workers are at the same rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from psycopg import errors

from retailops.hub import db
from retailops.hub.accounts.models import User
from retailops.hub.audit.models import AuditEntry
from retailops.hub.stock import admin
from retailops.hub.stock.operations.publish_facility import publish_facility
from retailops.hub.tasks.models import Task
from tests.hub.factories import make_channel, make_facility, make_listing, make_sku, stock_up

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_save_that_a_deadlock_broke_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    east, sku = make_facility("EAST"), make_sku("A")
    make_listing(make_channel(), sku)
    stock_up(east, {sku: 5})
    Task.objects.all().delete()
    pauses: list[float] = []
    tries: list[int] = []

    def deadlock_once(**given: Any) -> int:
        tries.append(publish_facility(**given))
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from errors.DeadlockDetected()
        return tries[-1]

    monkeypatch.setattr(admin, "publish_facility", deadlock_once)
    monkeypatch.setattr(db, "time", SimpleNamespace(sleep=pauses.append))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    form = {
        "code": "EAST", "name": "East", "enabled": "on", "priority": 100, "safety_stock": 2, "unit_cost": "0", "country": "",
        "time_zone": "UTC",
    }  # fmt: skip
    response = client.post(reverse("admin:stock_facility_change", args=[east.pk]), form, follow=True)
    assert next(str(message) for message in response.context["messages"]) == "Queued: 1 inventory push."
    assert (tries, len(pauses)) == ([1, 1], 1)
    east.refresh_from_db()
    assert east.safety_stock == 2
    assert Task.objects.filter(kind="inventory_push").count() == 1
    assert AuditEntry.objects.filter(action="facility.change").count() == 1
