"""What the benchmarks share: a PostgreSQL of their own with durable settings, the hub's schema, and the table of results."""

from __future__ import annotations

import base64
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@contextmanager
def hub_database() -> Iterator[str]:
    """Start an empty, migrated database (fsync on, as in production) and set Django up on it; yields its URL."""
    from retailops.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="ro-bench-") as directory:
        server = EmbeddedPostgres(Path(directory) / "data")
        os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or server.start()
        os.environ.setdefault("RETAILOPS_SECRET_KEY", "for benchmarks only, and long enough to be accepted")
        os.environ.setdefault("RETAILOPS_ENCRYPTION_KEYS", base64.b64encode(bytes(range(32))).decode())
        os.environ.setdefault("RETAILOPS_ALLOW_NETWORKS", "127.0.0.0/8")
        os.environ.setdefault("RETAILOPS_LOG_LEVEL", "WARNING")
        os.environ["DJANGO_SETTINGS_MODULE"] = "retailops.hub.settings"
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield os.environ["DATABASE_URL"]
        finally:
            connections.close_all()
            server.stop()


@dataclass(frozen=True)
class Rate:
    """Units per second over several rounds."""

    name: str
    rates: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rates)


def measure(name: str, rounds: int, units: int, work: Callable[[int], object]) -> Rate:
    """Run `work(round)` and return its rate in `units` per second."""
    rates = []
    for number in range(rounds):
        started = time.perf_counter()
        work(number)
        rates.append(units / (time.perf_counter() - started))
    return Rate(name, rates)


def show(title: str, rates: list[Rate], unit: str, *, base: Rate, goal: str) -> None:
    """Print rates side by side, each with its ratio to `base`."""
    table = Table("what", f"{unit}/s (median)", "min", "max", f"ratio to {base.name}", title=title)
    for rate in rates:
        table.add_row(
            rate.name, f"{rate.median:,.0f}", f"{min(rate.rates):,.0f}", f"{max(rate.rates):,.0f}",
            f"{rate.median / base.median:.2f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(f"goal: {goal}")
