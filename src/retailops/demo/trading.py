"""Runs a trading day from start to end: processes up, shop open, players at work, accounts."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from rich.console import Console

from retailops.demo.catalog import sample_catalog
from retailops.demo.closing import close_day
from retailops.demo.csv_replay import Replay, survey
from retailops.demo.day import Day
from retailops.demo.memory import load_memory, save_memory
from retailops.demo.opening import open_shop
from retailops.demo.playing import play_day
from retailops.demo.processes import running_hub
from retailops.demo.scenario import plan_day
from retailops.demo.seed import from_sample
from retailops.demo.stage import Options, Stage
from retailops.demo.storefront.process import running_storefront


def run_demo(options: Options, console: Console) -> bool:
    """Play a day; returns whether all checks are good.

    Raises:
        DemoError: something did not start.
        HeaderError: the file is not a sales file.
        OSError: the file can't be read.
        KeyboardInterrupt: Ctrl-C before the end of the day; everything that was started has ended.
    """
    skus = (
        survey(options.csv)
        if options.csv
        else [from_sample(sku, orders=options.orders) for sku in sample_catalog()]
    )
    directory = options.data_dir / "demo"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    memory = load_memory(directory)
    memory.days += 1
    save_memory(directory, memory)
    day, replay = _plan(options, memory.days)
    console.print(f"Starting the database, the hub and a storefront in {options.data_dir} …", highlight=False)
    with (
        running_hub(options.data_dir, workers=options.workers) as hub,
        running_storefront(directory / "storefront.sqlite", key=memory.channel_key) as storefront,
    ):
        stage = Stage(options, console, hub, storefront.url, memory, skus, day, replay)
        _say_where(stage)
        stage.say(f"Filling the shelves: {len(skus):,} SKUs …")
        vendor = open_shop(stage)
        started = time.monotonic()
        play_day(stage, vendor)
        good = close_day(stage, seconds=time.monotonic() - started)
        _say_where(stage)
        if not options.once:
            stage.say("Everything keeps running; press Ctrl-C to end.")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    return good


def _plan(options: Options, run: int) -> tuple[Day, Replay | None]:
    if options.csv:
        return Day(()), Replay(options.csv, run=run)
    return Day(plan_day(orders=options.orders, seed=options.seed, run=run, catalog=sample_catalog())), None


def _say_where(stage: Stage) -> None:
    stage.say(f"Console: {stage.hub.url}/console/")
    stage.say(f"Log in as {stage.hub.login}")
    stage.say(f"Storefront: {stage.storefront}/")
