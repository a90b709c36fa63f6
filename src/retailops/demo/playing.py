"""The day itself: every player in a thread, and somebody who watches the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retailops.client import RetailOpsError
from retailops.demo.api import Api
from retailops.demo.catalog import FACILITIES, sample_catalog
from retailops.demo.day import Day
from retailops.demo.players.file_shoppers import FileShoppers, ReturnsDesk
from retailops.demo.players.operator import Operator
from retailops.demo.players.shoppers import Shoppers
from retailops.demo.players.vendor import DropshipVendor
from retailops.demo.players.warehouse import Warehouse
from retailops.demo.report import LiveReport, progress
from retailops.demo.seed import OPERATOR_KEY
from retailops.demo.stage import Stage
from retailops.demo.watch import Watch

LOOK_SECONDS = 0.25
PAUSE_SECONDS = 0.5
#: A day on which nothing changes for so long has failed.
STALLED_SECONDS = 120.0


def play_day(stage: Stage, vendor: DropshipVendor) -> None:
    """Let all players play until every order is settled; what goes wrong is in the day's tally."""
    day = stage.day
    watch = Watch(day, stage.api(OPERATOR_KEY))
    kits = {sku.code: sku.kit for sku in sample_catalog() if sku.kit}
    operator = Operator(day, stage.api(OPERATOR_KEY), watch, kits=kits, run=stage.memory.days)
    steps: dict[str, Callable[[], bool]] = {"operator": operator.step, "vendor": vendor.step}
    for code in FACILITIES:
        steps[f"warehouse {code}"] = Warehouse(day, stage.api(code), code).step
    desk = None
    shoppers: FileShoppers | Shoppers = Shoppers(day, stage.shop())
    if stage.replay:
        shoppers = FileShoppers(day, stage.shop(), stage.replay)
        desk = ReturnsDesk(day, stage.api(OPERATOR_KEY), watch, stage.replay)
        steps["returns desk"] = desk.step
    players = {name: _repeated(day, step) for name, step in steps.items()} | {"shoppers": shoppers.play}
    with _playing(day, players):
        _watch_clock(stage, watch)
    if desk is not None and not day.tally.troubles():
        desk.finish()


def _repeated(day: Day, step: Callable[[], bool]) -> Callable[[], None]:
    """Repeat a step until the day is over, at once if there was something to do, else after a pause.

    The hub may be away for a moment; a call that failed is made again. If it never comes back, the clock notices.
    """

    def play() -> None:
        while not day.stop.is_set():
            try:
                acted = step()
            except RetailOpsError as error:
                day.tally.refused(str(error))
                acted = False
            if not acted:
                day.stop.wait(PAUSE_SECONDS)

    return play


@contextmanager
def _playing(day: Day, players: dict[str, Callable[[], None]]) -> Iterator[None]:
    def run(name: str, play: Callable[[], None]) -> None:
        try:
            play()
        except Exception as error:  # noqa: BLE001 - told at the end of the day
            day.tally.trouble(f"{name}: {error!r}")

    threads = [threading.Thread(target=run, args=player, name=player[0]) for player in players.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        day.stop.set()
        for thread in threads:
            thread.join()


def _watch_clock(stage: Stage, watch: Watch) -> None:
    """Show progress until the day is settled, a player has failed, or nothing changes any more."""
    day, status = stage.day, stage.api(OPERATOR_KEY)
    latest, changed_at = None, time.monotonic()
    with LiveReport(stage.console) as live:
        over = False
        while not over:
            over = day.settled.wait(LOOK_SECONDS) or bool(day.tally.troubles())
            now = progress(day, watch.orders(), expected=len(day.plan), tasks=_tasks(status))
            live.show(now)
            if now.came_to_pass != latest:
                latest, changed_at = now.came_to_pass, time.monotonic()
            elif time.monotonic() - changed_at > STALLED_SECONDS:
                day.tally.trouble(f"nothing has changed for {STALLED_SECONDS:.0f} s")


def _tasks(api: Api) -> dict[str, int]:
    try:
        tasks = api.call("System.Status")["tasks"]
    except RetailOpsError:
        return {}
    return {"tasks queued": tasks["queued"] + tasks["running"], "tasks parked": tasks["parked"]}
