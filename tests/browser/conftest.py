"""The console in a process of its own, on a database of its own, and a real browser to open it with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from psycopg import conninfo, sql

ROOT = Path(__file__).parents[2]
PASSWORD = "a long enough password"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Console:
    """Where the console is, and the ids of what it shows."""

    url: str
    ids: dict[str, int]


@pytest.fixture(scope="module")
def executable() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser on this machine; install one of {', '.join(BROWSERS)}")
    return found


@pytest.fixture(scope="module")
def console(executable: str) -> Iterator[Console]:
    name = f"browser_{uuid.uuid4().hex[:12]}"
    main = os.environ["DATABASE_URL"]
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield from served(conninfo.make_conninfo(main, dbname=name))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def served(database: str) -> Iterator[Console]:
    parameters = conninfo.conninfo_to_dict(database)
    options = "&".join(f"{key}={value}" for key, value in parameters.items())
    environment = {**os.environ, "DATABASE_URL": f"postgresql://?{options}", "RETAILOPS_LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.serve"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"the server ended with {process.wait()}; its log is above"
        ids = json.loads(line)
        yield Console(f"http://127.0.0.1:{ids.pop('port')}", ids)
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass(slots=True)
class Watched:
    """A page that remembers what went wrong on it."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        self.page.on(
            "response",
            lambda reply: (
                self.problems.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None
            ),
        )

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.problems.append(text)

    def open(self, path: str) -> None:
        """Open a page and wait until its scripts and fonts are there."""
        self.problems.clear()
        reply = self.page.goto(self.base + path)
        assert reply is not None
        assert (path, reply.status) == (path, 200)
        self.page.wait_for_function(
            "document.documentElement._x_dataStack && document.fonts.status === 'loaded'"
        )

    def overflow(self) -> int:
        """Pixels by which the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def log_in(context: BrowserContext, console: Console, name: str) -> Watched:
    watched = Watched(context.new_page(), console.url)
    watched.open("/console/login/")
    watched.page.fill("[name=username]", name)
    watched.page.fill("[name=password]", PASSWORD)
    watched.page.click("button[type=submit]")
    watched.page.wait_for_url("**/console/")
    assert watched.problems == []
    return watched
