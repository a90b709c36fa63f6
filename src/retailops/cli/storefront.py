"""`retailops storefront`: the sample channel alone, to look at or to try an integration against."""

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from retailops.cli.errors import CommandError

#: The key of the channel contract's own examples: for tests, never for a shop.
PUBLISHED_TEST_KEY = "RETAILOPS_SDK"
KEY_FILE = "channel-key"


def storefront(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1, 0 for a free one.")] = 5100,
    orders: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many orders wait to be pulled at the start.")
    ] = 0,
    test_key: Annotated[
        bool, typer.Option("--test-key", help=f"Accept the published test key {PUBLISHED_TEST_KEY}.")
    ] = False,
    data_dir: Annotated[Path, typer.Option(help="Where its database and its own key are kept.")] = Path(
        "data/storefront"
    ),
    page_size: Annotated[int, typer.Option(min=1, max=100, help="Orders in one pulled page.")] = 100,
    faults: Annotated[
        str, typer.Option(help="Misbehave: name[@interaction]:probability[:argument],… such as slow:0.1:500")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the orders and the faults.")] = 7,
) -> None:
    """Run the sample storefront until Ctrl-C: a shop page for people, the channel contract for a hub.

    The hub's base URL of the channel is the printed one. Without --test-key the storefront makes a key of its own.

    Example: retailops storefront --orders 20 --test-key
    """
    from retailops.demo.storefront.app import App
    from retailops.demo.storefront.channel import Channel
    from retailops.demo.storefront.faults import Faults
    from retailops.demo.storefront.serving import serve
    from retailops.demo.storefront.store import Store
    from retailops.demo.storefront.waiting import fill_shelves, place_waiting_orders

    try:
        switched_on = Faults(faults, seed)
    except ValueError as error:
        message = f"--faults: {error}"
        raise CommandError(message) from error
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = PUBLISHED_TEST_KEY if test_key else _own_key(data_dir / KEY_FILE)
    store = Store(data_dir / "storefront.sqlite")
    try:
        with store.transaction():
            fill_shelves(store)
            placed = place_waiting_orders(store, orders, seed=seed)
        print(f"{placed} orders placed; the key is {_where(data_dir, test_key=test_key)}.")
        channel = Channel(store, key=key, page_size=page_size, faults=switched_on)
        serve(App(store, channel), port=port, listening=_say_where)
    except OSError as error:
        message = f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another with --port, 0 for any free one"
        raise CommandError(message) from error
    finally:
        store.close()
    print("Stopped.")


def _say_where(port: int) -> None:
    print(f"Shop:    http://127.0.0.1:{port}/")
    print(f"Channel: http://127.0.0.1:{port}/api/channel", flush=True)


def _where(data_dir: Path, *, test_key: bool) -> str:
    return f"the published test key {PUBLISHED_TEST_KEY}" if test_key else f"in {data_dir / KEY_FILE}"


def _own_key(path: Path) -> str:
    """Return the storefront's key; made on first use, readable by us alone."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n")
    return path.read_text().strip()
