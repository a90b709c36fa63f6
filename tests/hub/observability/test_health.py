import socket
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from retailops.hub.observability import health


def test_livez_needs_no_database(client: Client) -> None:
    # Without the django_db mark, any query would fail the test; the host is one that ALLOWED_HOSTS refuses.
    answer = client.get("/livez", headers={"host": "10.1.2.3"})
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "clock": "ok"},
    }


@pytest.mark.django_db
def test_missing_migrations_are_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = health._newest_migrations() | {("orders", "9999_not_yet")}
    monkeypatch.setattr(health, "_newest_migrations", lambda: newest)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert (
        answer.json()["checks"]["migrations"] == "not applied: orders.9999_not_yet; run `retailops migrate`"
    )


@pytest.mark.parametrize("seconds, judged", [(-60, "-60.0 s"), (-1, "ok"), (1, "ok"), (60, "+60.0 s")])
def test_a_clock_that_is_off(seconds: int, judged: str) -> None:
    assert judged in health._judge_clock(datetime.now(UTC) + timedelta(seconds=seconds))


@pytest.mark.django_db
def test_a_refusing_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {**connection.get_connection_params(), "dbname": "no_such_database"}
    monkeypatch.setattr(connection, "get_connection_params", lambda: params)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "checks": {"database": "OperationalError"}}


@pytest.mark.django_db
def test_a_silent_database_costs_a_second(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        params = {**connection.get_connection_params(), "host": host, "port": port}
        monkeypatch.setattr(connection, "get_connection_params", lambda: params)
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "no answer within 1 s"}
