"""`retailops demo`: a trading day on this machine."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from retailops.cli.errors import CommandError

DEFAULT_DATA_DIR = Path("data/demo")


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the day; exit code 1 if anything is wrong.")
    ] = False,
    orders: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many orders shoppers place.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed plans the same day.")] = 7,
    data_dir: Annotated[
        Path, typer.Option(help="Where everything is kept; a second day goes on where the first ended.")
    ] = DEFAULT_DATA_DIR,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Replay the orders of a sales file with the columns InvoiceNo, StockCode, Description, Quantity,"
            " InvoiceDate, UnitPrice, CustomerID, Country."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes of the hub.")] = 1,
) -> None:
    """Play a trading day: a storefront, shoppers, two warehouses, a vendor and an operator around a hub of its own."""
    from rich.console import Console

    from retailops.client import RetailOpsError
    from retailops.demo.csv_rules import HeaderError
    from retailops.demo.processes import DemoError
    from retailops.demo.stage import Options
    from retailops.demo.trading import run_demo

    # A service manager's stop is a Ctrl-C: what was started ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = Options(data_dir.absolute(), orders=orders, seed=seed, workers=workers, csv=csv, once=once)
    try:
        good = run_demo(options, Console())
    except (DemoError, HeaderError, RetailOpsError) as error:
        message = f"{csv}: {error}" if isinstance(error, HeaderError) else str(error)
        raise CommandError(message) from error
    except OSError as error:
        if csv is None or error.filename != str(csv):
            raise
        message = f"--csv {csv}: {error.strerror}"
        raise CommandError(message) from error
    except KeyboardInterrupt:
        print("Ended.")
        raise typer.Exit(130) from None
    raise typer.Exit(0 if good else 1)
