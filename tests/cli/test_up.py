"""`retailops up` end to end: it starts, answers, survives kill -9 of anything, and stops."""

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from .conftest import StartUp, Up, clean_environment, gone, wait_until

STOP_LIMIT_SECONDS = 25.0


def test_starts_answers_and_stops_on_sigterm(start_up: StartUp, data_dir: Path) -> None:
    up = start_up()
    up.wait_until_ready()
    with httpx.Client(base_url=up.url) as web:
        assert web.get("/livez").json() == {"status": "alive"}
        assert web.get("/readyz").json()["checks"] == {"database": "ok", "migrations": "ok", "clock": "ok"}
        login = web.get("/console/login/")
        assert login.status_code == 200
        assert "frame-ancestors 'none'" in login.headers["Content-Security-Policy"]
        assert re.fullmatch("[0-9a-f]{32}", login.headers["X-Request-ID"])
        [stylesheet] = set(re.findall(r"/static/unfold/css/styles\.css", login.text))
        assert web.get(stylesheet).headers["Content-Type"].startswith("text/css")
        assert (
            'retailops_http_requests_total{method="GET",route="/console/login/",status="200"} 1.0'
            in web.get("/metrics").text
        )
    assert f"Console: {up.url}/console/" in up.printed
    assert "Log in as" not in up.printed
    assert (data_dir / "secrets.toml").stat().st_mode & 0o777 == 0o600
    pids = [*up.pids, up.state["database"]["pid"]]
    assert up.stop() < STOP_LIMIT_SECONDS
    assert [pid for pid in pids if not gone(pid)] == []
    assert not (data_dir / "run" / "up.json").exists()


def test_stops_on_ctrl_c(start_up: StartUp) -> None:
    up = start_up("--workers", "0")
    up.wait_until_ready()
    database = up.state["database"]["pid"]
    assert up.stop(signal.SIGINT) < STOP_LIMIT_SECONDS
    assert gone(database)


def is_ready_without(up: Up, pid: int) -> bool:
    return up.is_ready() and pid not in {*up.pids, up.state["database"]["pid"]}


def test_brings_back_what_is_killed(start_up: StartUp) -> None:
    up = start_up()
    up.wait_until_ready()
    for name, pid in {**up.state["processes"], "database": up.state["database"]["pid"]}.items():
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(gone, pid), partial("{} is not gone".format, name))
        wait_until(partial(is_ready_without, up, pid), lambda: f"{up.state} {up.printed}")
    assert up.stop() < STOP_LIMIT_SECONDS


def test_starts_again_after_kill_9_of_itself_and_of_everything(start_up: StartUp) -> None:
    first = start_up()
    first.wait_until_ready()
    database, others = first.state["database"], first.pids
    with psycopg.connect(database["url"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 41 AS n")
    first.process.kill()
    first.process.wait()
    wait_until(lambda: all(map(gone, others)), lambda: f"left over: {others}", seconds=5)

    second = start_up()
    second.wait_until_ready()
    assert second.state["database"] == database  # adopted: it outlived its supervisor
    for pid in (*second.pids, database["pid"]):
        os.kill(pid, signal.SIGKILL)
    second.process.wait()

    third = start_up()
    third.wait_until_ready()
    with psycopg.connect(third.state["database"]["url"]) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(41,)]
    assert third.stop() < STOP_LIMIT_SECONDS


def test_dev_prints_a_login_that_works(start_up: StartUp, data_dir: Path) -> None:
    up = start_up("--dev", "--workers", "0")
    up.wait_until_ready()
    wait_until(lambda: "Log in as" in up.printed, lambda: up.printed)
    found = re.search(r"^Log in as (\S+) with the password (\S+)$", up.printed, re.MULTILINE)
    assert found is not None
    assert (data_dir / "admin-password").stat().st_mode & 0o777 == 0o600
    with httpx.Client(base_url=up.url) as web:
        form = web.get("/console/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token is not None
        answer = web.post(
            "/console/login/?next=/console/",
            data={"username": found[1], "password": found[2], "csrfmiddlewaretoken": token[1]},
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/console/")
        assert web.get("/console/").status_code == 200


def test_one_data_directory_runs_once(start_up: StartUp) -> None:
    up = start_up("--workers", "0")
    up.wait_until_ready()
    second = start_up("--workers", "0")
    assert second.process.wait(timeout=30) == 1
    assert "`retailops up` runs already in" in second.printed
    assert up.is_ready()


def test_a_machine_without_web_serves_nothing(start_up: StartUp) -> None:
    up = start_up("--no-web", "--workers", "0")
    wait_until(lambda: "Ready, without a web server." in up.printed, lambda: up.printed)
    assert (up.state["port"], up.state["processes"]) == (None, {})
    up.stop()


def test_a_taken_port_is_named(start_up: StartUp) -> None:
    up = start_up("--workers", "0")
    up.wait_until_ready()
    other = up.data_dir.parent / "other"
    command = [
        sys.executable,
        "-m",
        "retailops.cli",
        "up",
        "--data-dir",
        str(other),
        "--port",
        str(up.state["port"]),
    ]
    done = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Address already in use; choose another with --port" in done.stderr


@pytest.mark.parametrize(
    "environment, message",
    [
        ({"RETAILOPS_DEBUG": "true"}, "debug = true shows secrets to visitors"),
        ({"RETAILOPS_SECRET_KEY": "changeme" * 10}, "secret_key is a default"),
        ({"RETAILOPS_WORKERS": "many"}, "workers from RETAILOPS_WORKERS: Input should be a valid integer"),
    ],
)
def test_refuses_what_is_not_safe(start_up: StartUp, environment: dict[str, str], message: str) -> None:
    up = start_up(**environment)
    assert up.process.wait(timeout=30) == 1
    assert message in up.printed
    assert "Traceback" not in up.printed
