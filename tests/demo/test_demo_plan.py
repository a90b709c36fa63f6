"""The parts of the demonstration that need no processes."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retailops.demo.catalog import sample_catalog
from retailops.demo.checks import ShopOrder, compare
from retailops.demo.csv_replay import Replay, survey
from retailops.demo.csv_rules import COLUMNS
from retailops.demo.memory import load_memory, save_memory
from retailops.demo.players.warehouse import pack
from retailops.demo.scenario import WEIGHTS, Fate, plan_day
from retailops.demo.watch import HubLine, HubOrder, read_order


def test_the_same_seed_plans_the_same_day() -> None:
    catalog = sample_catalog()
    first = plan_day(orders=50, seed=7, run=1, catalog=catalog)
    assert plan_day(orders=50, seed=7, run=1, catalog=catalog) == first
    assert plan_day(orders=50, seed=8, run=1, catalog=catalog) != first
    assert plan_day(orders=3, seed=7, run=1, catalog=catalog) != first[:3]


def test_a_day_has_every_fate_and_its_own_refnums() -> None:
    catalog = sample_catalog()
    day = plan_day(orders=len(WEIGHTS), seed=1, run=1, catalog=catalog)
    assert Counter(order.fate for order in day) == Counter(Fate)
    next_day = plan_day(orders=len(WEIGHTS), seed=1, run=2, catalog=catalog)
    refnums = {order.refnum for order in (*day, *next_day)}
    assert len(refnums) == 2 * len(WEIGHTS)


@pytest.mark.parametrize(
    "items, fate, packages, short",
    [
        ({1: 2, 2: 1}, None, [{1: 2, 2: 1}], False),
        ({1: 2, 2: 1}, Fate.SHORT_SHIPPED, [{1: 1, 2: 1}], True),
        ({1: 1}, Fate.SHORT_SHIPPED, [{1: 1}], False),
        ({1: 3, 2: 1}, Fate.TWO_PACKAGES, [{1: 2, 2: 1}, {1: 1}], False),
        ({1: 1, 2: 1}, Fate.TWO_PACKAGES, [{1: 1}, {2: 1}], False),
        ({1: 1}, Fate.TWO_PACKAGES, [{1: 1}], False),
    ],
)
def test_how_a_warehouse_packs(
    items: dict[int, int], fate: Fate | None, packages: list[dict[int, int]], short: bool
) -> None:
    assert pack(items, fate) == (packages, short)


LINE = HubLine(
    id=5,
    item_refnum="A-1",
    item_type="ship",
    sku="X",
    ordered=4,
    open=0,
    planned=0,
    shipped=3,
    cancelled=1,
    returned=1,
    reason="",
)
CARRIAGE = replace(LINE, id=6, item_refnum="A-2", item_type="advisory", sku="POST", shipped=4, returned=0)
ORDER = HubOrder(
    id=1,
    refnum="A",
    status="completed",
    acknowledged=True,
    holds={},
    captured=Decimal(30),
    refunded=Decimal(10),
    lines=(LINE, CARRIAGE),
)
SHOP = ShopOrder("A", 1, "completed", 3, 1, Decimal("30.0"), Decimal(10), cancel_requested=False)


def differing(order: HubOrder, shop: ShopOrder, *more: HubOrder) -> list[str]:
    return [check.name for check in compare(["A"], [order, *more], {"A": shop}) if not check.is_good]


def test_hub_and_storefront_are_compared_order_by_order() -> None:
    assert differing(ORDER, SHOP) == []
    assert differing(ORDER, SHOP, ORDER) == ["orders, each once"]
    assert [check.name for check in compare(["A", "B"], [ORDER], {"A": SHOP}) if check.wrong] == [
        "orders, each once"
    ]
    changed: dict[str, dict[str, Any]] = {
        "orders, each once": {"hub_id": 2},
        "orders ended": {"status": "shipping"},
        "units shipped": {"shipped": 2},
        "units returned": {"returned": 0},
        "money captured": {"captured": Decimal("29.99")},
        "money refunded": {"refunded": Decimal(0)},
    }
    for name, fields in changed.items():
        assert differing(ORDER, replace(SHOP, **fields)) == [name]


def test_an_order_says_why_it_goes_no_further() -> None:
    waiting = replace(ORDER, lines=(LINE, replace(LINE, open=1, reason="no stock")))
    assert (ORDER.reason, waiting.reason) == ("", "no stock")
    assert replace(waiting, holds={"payment": "refused"}).reason == "payment: refused"


def test_an_order_without_payments_is_read() -> None:
    record = {"id": 1, "refnum": "A", "status": "ready", "date_acknowledged": None, "holds": [], "lines": []}
    order = read_order({**record, "captured": None, "refunded": None})
    assert (order.acknowledged, order.captured, order.refunded) == (False, Decimal(0), Decimal(0))


def test_memory_is_kept_to_oneself(tmp_path: Path) -> None:
    memory = load_memory(tmp_path)
    assert (memory.days, memory.api_keys) == (0, {})
    memory.days, memory.api_keys = 1, {"EAST": "k"}
    save_memory(tmp_path, memory)
    assert load_memory(tmp_path) == memory
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600


def file_of(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return path


def test_a_file_becomes_a_catalog_orders_and_returns(tmp_path: Path) -> None:
    when, tail = "2010-12-01 08:26:00", "7,France"
    file = file_of(
        tmp_path / "sales.csv",
        f"1,A,Apple,3,{when},1.5,{tail}",
        f"1,POST,POSTAGE,1,{when},18,{tail}",
        f"1,A,Apple,2,{when},1.5,{tail}",
        f"C2,A,Apple,-4,{when},1.5,{tail}",
        f"C2,Z,Pear,-1,{when},1.5,{tail}",
        f"3,M,Manual,1,{when},5,{tail}",
        f"1,A,Apple,1,{when},1.5,{tail}",
        f"4,A,?,-9,{when},0,,France",
    )
    catalog = {sku.code: sku for sku in survey(file)}
    assert {code: dict(sku.stock) for code, sku in catalog.items()} == {"A": {"EAST": 4, "WEST": 2}}
    replay = Replay(file, run=5)
    orders = list(replay.orders())
    assert [(order.refnum, order.rows) for order in orders] == [
        ("F5-1", (2, 3, 4)),
        ("F5-3", (7,)),  # charges alone are an order too
        ("F5-1-2", (8,)),
    ]
    assert [item["item_type"] for order in orders for item in order.body["items"]] == [  # type: ignore[union-attr, index, call-overload]
        "ship",
        "advisory",
        "ship",
        "advisory",
        "ship",
    ]
    assert [(each.rma, each.refnum, each.items) for each in replay.returns] == [
        ("R5-C2-1", "F5-1", {"F5-1-1": 3, "F5-1-3": 1})
    ]
    for order in orders:
        replay.placed(order)
    assert not replay.report.adds_up
    replay.received(replay.returns[0])
    assert replay.report.adds_up
    assert (replay.report.rows, replay.report.order_lines, replay.report.return_lines) == (8, 5, 1)
    assert replay.report.rejected == {
        "credit note: no matching sale in this file": (1, [6]),
        "negative quantity without a credit note: a stock write-off": (1, [9]),
    }
