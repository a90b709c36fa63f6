"""Which source ships which line, without a database."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailops.hub.routing.rules import (
    REASONS,
    Decision,
    FacilitySource,
    OpenLine,
    OpenOrder,
    Rule,
    StockPicture,
    VendorSource,
    route_order,
)

A, B, KIT, EMPTY_KIT = 1, 2, 3, 4
PARTS = {A: [(A, 1)], B: [(B, 1)], KIT: [(A, 2), (B, 1)]}
EAST, WEST, NORTH = 10, 20, 30
ACME, BOLT = 100, 200
RULE = Rule(1)


def _stock(
    free: Mapping[tuple[int, int], int] | None = None,
    offered: Mapping[tuple[int, int], int] | None = None,
    *,
    stale: bool = False,
) -> StockPicture:
    """`free` is (facility, SKU) → units, `offered` (vendor, SKU) → units; a vendor SKU's id is vendor + SKU."""
    free, offered = dict(free or {}), dict(offered or {})
    offers: dict[int, list[VendorSource]] = defaultdict(list)
    for vendor_id, sku_id in offered:
        offers[sku_id].append(
            VendorSource(vendor_id, vendor_id + sku_id, sku_id, vendor_id, Decimal(vendor_id), "USD", stale)
        )
    return StockPicture(
        facilities=[FacilitySource(f, f, Decimal(f), groups=frozenset({f})) for f in (EAST, WEST, NORTH)],
        offers=offers, parts=PARTS, free=free,
        offered={vendor_id + sku_id: units for (vendor_id, sku_id), units in offered.items()}, carried=set(free),
    )  # fmt: skip


def _order(*lines: tuple[int | None, int], **fields: object) -> OpenOrder:
    of_order = [OpenLine(number, sku_id, quantity) for number, (sku_id, quantity) in enumerate(lines, 1)]
    return OpenOrder(7, 1, "ground", "US", Decimal(50), of_order, **fields)  # type: ignore[arg-type]


def _route(order: OpenOrder, stock: StockPicture, *rules: Rule) -> list[tuple[int, int, int | str]]:
    """Return (line, units, facility or vendor or reason)."""
    return [
        (d.line_id, d.quantity, d.reason or d.facility_id or (d.offer.vendor_id if d.offer else 0))
        for d in route_order(order, rules or [RULE], stock)
    ]


def test_the_whole_order_goes_to_the_first_source_that_has_all_of_it():
    stock = _stock({(EAST, A): 1, (EAST, B): 9, (WEST, A): 2, (WEST, B): 2, (NORTH, A): 9, (NORTH, B): 9})
    assert _route(_order((A, 2), (B, 2)), stock) == [(1, 2, WEST), (2, 2, WEST)]


def test_else_whole_lines_part():
    stock = _stock({(EAST, A): 2, (WEST, B): 2})
    assert _route(_order((A, 2), (B, 2)), stock) == [(1, 2, EAST), (2, 2, WEST)]


def test_else_units_part_and_the_rest_stays_open():
    stock = _stock({(EAST, A): 2, (WEST, A): 1})
    assert _route(_order((A, 5)), stock) == [(1, 2, EAST), (1, 1, WEST), (1, 2, "not_enough_stock")]


@pytest.mark.parametrize(
    "split, decisions",
    [
        ("by_unit", [(1, 2, EAST), (2, 2, EAST), (2, 1, WEST)]),
        ("by_line", [(1, 2, EAST), (2, 3, "split_not_allowed")]),
        ("never", [(1, 2, "split_not_allowed"), (2, 3, "split_not_allowed")]),
    ],
)
def test_each_split_policy(split, decisions):
    stock = _stock({(EAST, A): 2, (EAST, B): 2, (WEST, B): 2})
    assert _route(_order((A, 2), (B, 3)), stock, replace(RULE, split=split)) == decisions


@pytest.mark.parametrize(
    "sources, where", [("own_first", EAST), ("own", EAST), ("vendors", ACME), ("cheapest", EAST)]
)
def test_each_source_policy(sources, where):
    stock = _stock({(EAST, A): 5}, {(ACME, A): 5, (BOLT, A): 5})
    assert _route(_order((A, 1)), stock, replace(RULE, sources=sources)) == [(1, 1, where)]


@pytest.mark.parametrize("sort, where", [("priority", EAST), ("most_stock", WEST), ("cost", EAST)])
def test_each_sort(sort, where):
    stock = _stock({(EAST, A): 5, (WEST, A): 9})
    assert _route(_order((A, 1)), stock, replace(RULE, sort=sort)) == [(1, 1, where)]


def test_lines_that_share_components_do_not_get_the_same_unit_twice():
    stock = _stock({(EAST, A): 4, (EAST, B): 2})
    decisions = _route(_order((KIT, 2), (A, 1)), stock)
    assert decisions == [(1, 2, EAST), (2, 1, "out_of_stock")]
    assert stock.free == {(EAST, A): 0, (EAST, B): 0}


def test_orders_in_a_row_share_the_picture():
    stock = _stock({(EAST, A): 3})
    assert _route(_order((A, 2)), stock) == [(1, 2, EAST)]
    assert _route(_order((A, 2)), stock) == [(1, 1, EAST), (1, 1, "not_enough_stock")]


def test_a_later_rule_plans_what_earlier_ones_left():
    rules = [
        replace(RULE, id=1, facility_groups=frozenset({WEST}), sources="own"),
        replace(RULE, id=2, sources="vendors"),
    ]
    stock = _stock({(EAST, A): 9, (WEST, A): 1}, {(ACME, A): 9})
    assert _route(_order((A, 3)), stock, *rules) == [(1, 1, WEST), (1, 2, ACME)]


@pytest.mark.parametrize(
    "misfit",
    [
        {"channels": frozenset({2})}, {"ship_service_codes": frozenset({"air"})}, {"countries": frozenset({"ca"})},
        {"minimum_total": Decimal(51)}, {"maximum_total": Decimal(49)},
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_is_left_out(misfit):
    stock = _stock({(EAST, A): 9})
    assert _route(_order((A, 1)), copy.deepcopy(stock), replace(RULE, **misfit)) == [(1, 1, "no_rule")]
    assert _route(_order((A, 1)), stock, replace(RULE, **misfit), replace(RULE, id=2)) == [(1, 1, EAST)]


def test_a_channels_own_facilities_are_the_only_ones():
    stock = _stock({(EAST, A): 9, (WEST, A): 9})
    assert _route(_order((A, 1), facilities=frozenset({WEST})), stock) == [(1, 1, WEST)]


REFUSED = OpenLine(1, A, 1, frozenset({EAST}), frozenset({ACME}))


@pytest.mark.parametrize(
    "reason, order, stock, rules",
    [
        ("no_rule", _order((A, 1)), _stock({(EAST, A): 9}), []),
        ("unknown_sku", _order((None, 1)), _stock(), [RULE]),
        ("empty_kit", _order((EMPTY_KIT, 1)), _stock(), [RULE]),
        ("no_source", _order((A, 1)), _stock({(EAST, B): 9}), [RULE]),
        ("refused", replace(_order(), lines=[REFUSED]), _stock({(EAST, A): 9}, {(ACME, A): 9}), [RULE]),
        ("stale_advice", _order((A, 1)), _stock({}, {(ACME, A): 0}, stale=True), [RULE]),
        ("out_of_stock", _order((A, 1)), _stock({(EAST, A): 0}, {(ACME, A): 0}), [RULE]),
        ("not_enough_stock", _order((A, 2)), _stock({(EAST, A): 1}), [replace(RULE, split="never")]),
        (
            "split_not_allowed",
            _order((A, 2)),
            _stock({(EAST, A): 1, (WEST, A): 1}),
            [replace(RULE, split="by_line")],
        ),
    ],
)
def test_every_reason_can_be_reached(reason, order, stock, rules):
    decisions = route_order(order, rules, stock)
    assert [decision.reason for decision in decisions] == [reason]
    assert reason in REASONS


def test_every_reason_is_covered_above():
    (mark,) = test_every_reason_can_be_reached.pytestmark
    assert {case[0] for case in mark.args[1]} == set(REASONS)


units = st.integers(0, 6)
stocks = st.builds(
    _stock,
    st.dictionaries(st.tuples(st.sampled_from([EAST, WEST, NORTH]), st.sampled_from([A, B])), units),
    st.dictionaries(st.tuples(st.sampled_from([ACME, BOLT]), st.sampled_from([A, B, KIT])), units),
)
orders = st.lists(
    st.tuples(st.sampled_from([A, B, KIT, EMPTY_KIT, None]), st.integers(1, 6)), min_size=1, max_size=4
)
rules_of = st.lists(
    st.builds(
        Rule, id=st.integers(1, 3), sources=st.sampled_from(["own_first", "cheapest", "own", "vendors"]),
        sort=st.sampled_from(["priority", "most_stock", "cost"]), split=st.sampled_from(["never", "by_line", "by_unit"]),
        facility_groups=st.sets(st.sampled_from([EAST, WEST])).map(frozenset),
        vendors=st.sets(st.sampled_from([ACME])).map(frozenset),
    ),
    max_size=3,
)  # fmt: skip


def _spent(
    decisions: Sequence[Decision], skus: Mapping[int, int | None]
) -> tuple[Counter[tuple[int, int]], Counter[int]]:
    levels: Counter[tuple[int, int]] = Counter()
    offers: Counter[int] = Counter()
    for decision in decisions:
        if decision.facility_id:
            for sku_id, per_unit in PARTS[skus[decision.line_id] or 0]:
                levels[decision.facility_id, sku_id] += per_unit * decision.quantity
        elif decision.offer:
            offers[decision.offer.vendor_sku_id] += decision.quantity
    return levels, offers


@given(lines=orders, stock=stocks, rules=rules_of)
def test_no_decision_takes_more_than_is_free_offered_or_open(lines, stock, rules):
    order = _order(*lines)
    before = copy.deepcopy(stock)
    decisions = route_order(order, rules, stock)
    decided: Counter[int] = Counter()
    for decision in decisions:
        assert decision.quantity > 0
        decided[decision.line_id] += decision.quantity
    assert decided == {line.line_id: line.quantity for line in order.lines}
    assert max(Counter(d.line_id for d in decisions if d.reason).values(), default=1) == 1
    levels, offers = _spent(decisions, {line.line_id: line.sku_id for line in order.lines})
    assert stock.free == {key: units - levels[key] for key, units in before.free.items()}
    assert stock.offered == {key: units - offers[key] for key, units in before.offered.items()}
    assert min([*stock.free.values(), *stock.offered.values()], default=0) >= 0
    assert set(levels) <= set(before.free)
    assert {d.reason for d in decisions if d.reason} <= set(REASONS)


@given(lines=orders, stock=stocks, rule=rules_of.filter(bool).map(lambda rules: rules[0]))
def test_one_package_if_one_source_has_it_all_and_whole_lines_unless_units_may_part(lines, stock, rule):
    order = _order(*[(sku_id, quantity) for sku_id, quantity in lines if sku_id not in (None, EMPTY_KIT)])
    before = copy.deepcopy(stock)
    planned = [d for d in route_order(order, [rule], stock) if not d.reason]
    sources = {d.facility_id or (d.offer.vendor_id if d.offer else 0) for d in planned}
    needed: Counter[int] = Counter()
    for line in order.lines:
        for sku_id, per_unit in PARTS[line.sku_id or 0]:
            needed[sku_id] += per_unit * line.quantity
    groups = rule.facility_groups or {EAST, WEST, NORTH}
    allowed = groups if rule.sources != "vendors" else set()
    if order.lines and any(
        all(before.free.get((f, sku), 0) >= n for sku, n in needed.items()) for f in allowed
    ):
        assert len(sources) == 1
        assert sum(d.quantity for d in planned) == sum(line.quantity for line in order.lines)
    if rule.split == "never":
        assert len(sources) <= 1
    if rule.split != "by_unit":
        quantities = {line.line_id: line.quantity for line in order.lines}
        assert all(d.quantity == quantities[d.line_id] for d in planned)
