"""What a running trading day consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from retailops.demo.api import Api
from retailops.demo.csv_replay import Replay
from retailops.demo.day import Day
from retailops.demo.memory import Memory
from retailops.demo.processes import RunningHub
from retailops.demo.seed import SeedSku

SHOP_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What day to play, and where. With `csv`, `orders` and `seed` mean nothing."""

    data_dir: Path
    orders: int = 200
    seed: int = 7
    workers: int = 1
    csv: Path | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """The processes, the plan, and what is remembered of earlier days."""

    options: Options
    console: Console
    hub: RunningHub
    storefront: str
    memory: Memory
    skus: Sequence[SeedSku]
    day: Day
    replay: Replay | None

    def api(self, key: str) -> Api:
        """Return a client of the hub's API with one of the players' keys."""
        return Api(self.hub.url, self.memory.api_keys[key], self.day.tally)

    def shop(self) -> httpx.Client:
        """Return a client of the storefront."""
        return httpx.Client(base_url=self.storefront, timeout=SHOP_TIMEOUT_SECONDS)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
