"""What vendors' advice is worth, and what may be published."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retailops.hub.availability.rules import Source, available_to_sell, kit_sources
from retailops.hub.purchasing.rules import Advice, external_available

quantities = st.integers(0, 10_000)
ages = st.floats(0, 200)
advices = st.builds(
    lambda advised, reserved, age, fresh, longer, buffer: Advice(advised, reserved, age, fresh, fresh + longer, buffer),
    quantities, quantities, st.none() | ages, st.integers(0, 48), st.integers(0, 72), st.integers(0, 20),
)  # fmt: skip
sources = st.lists(
    st.builds(
        Source, st.sampled_from(["internal", "external", "inflight"]), st.integers(-20, 100), st.integers(0, 100),
        facility_name=st.sampled_from(["East", "West"]),
    ),
    max_size=5,
)  # fmt: skip


@given(advice=advices)
def test_never_below_zero_never_above_the_advice_and_whole(advice):
    available = external_available(advice)
    assert isinstance(available, int)
    assert 0 <= available <= max(0, advice.advised - advice.reserved)


@given(advice=advices, more=st.integers(0, 100), older=st.floats(0, 100))
def test_more_advice_means_no_less_and_more_reserved_buffered_or_older_no_more(advice, more, older):
    available = external_available(advice)
    assert external_available(replace(advice, advised=advice.advised + more)) >= available
    assert external_available(replace(advice, reserved=advice.reserved + more)) <= available
    assert external_available(replace(advice, buffer=advice.buffer + more)) <= available
    if advice.age_hours is not None:
        assert external_available(replace(advice, age_hours=advice.age_hours + older)) <= available


@given(advice=advices)
def test_fresh_advice_counts_in_full_and_expired_or_no_advice_for_nothing(advice):
    net = max(0, max(0, advice.advised - advice.reserved) - advice.buffer)
    if advice.expiry_hours > advice.fresh_hours:
        assert external_available(replace(advice, age_hours=advice.fresh_hours)) == net
    assert external_available(replace(advice, age_hours=advice.expiry_hours)) == 0
    assert external_available(replace(advice, age_hours=None)) == 0


def test_between_fresh_and_expired_it_falls_in_a_straight_line():
    advice = Advice(100, 0, 48.0, 24, 72)
    assert [external_available(replace(advice, age_hours=float(age))) for age in (24, 36, 48, 60, 71.9, 72)] == [
        100, 75, 50, 25, 0, 0,
    ]  # fmt: skip


@given(
    parts=sources,
    demand=st.integers(0, 50),
    buffer=st.integers(0, 20),
    maximum=st.none() | st.integers(0, 50),
)
def test_what_is_published_is_bounded_and_is_the_sum_of_its_parts(parts, demand, buffer, maximum):
    found = available_to_sell(parts, open_demand=demand, buffer=buffer, maximum=maximum)
    offered = sum(max(0, part.available) for part in parts)
    expected = max(0, offered - demand - buffer)
    assert found.quantity == (expected if maximum is None else min(expected, maximum))
    assert sum(detail.available for detail in found.details) == found.quantity
    assert [replace(detail, available=0) for detail in found.details] == [
        replace(part, available=0) for part in parts
    ]
    for detail, part in zip(found.details, parts, strict=True):
        assert 0 <= detail.available <= max(0, part.available)


@given(parts=sources, demand=st.integers(0, 50), more=st.integers(0, 20))
def test_more_demand_or_buffer_never_publishes_more(parts, demand, more):
    before = available_to_sell(parts, open_demand=demand, buffer=0, maximum=None).quantity
    assert available_to_sell(parts, open_demand=demand + more, buffer=0, maximum=None).quantity <= before
    assert available_to_sell(parts, open_demand=demand, buffer=more, maximum=None).quantity <= before


PLACES = ("East", "West", "North")


def _at(place: str, available: int) -> Source:
    return Source("internal", available, available + 1, facility_name=place, facility_id=PLACES.index(place))


def test_kits_are_what_each_place_can_put_together():
    parts = [([_at("East", 9), _at("West", 1)], 2), ([_at("East", 3), _at("North", 9)], 1)]
    assert [(kit.facility_name, kit.available, kit.total) for kit in kit_sources(parts)] == [("East", 3, 4)]


@given(
    counts=st.lists(
        st.tuples(st.integers(-5, 50), st.integers(-5, 50), st.integers(1, 5)), min_size=1, max_size=4
    )
)
def test_kits_never_need_more_of_a_component_than_there_is(counts):
    parts = [([_at("East", east), _at("West", west)], per_kit) for east, west, per_kit in counts]
    for kit in kit_sources(parts):
        of_place = [
            (east if kit.facility_name == "East" else west, per_kit) for east, west, per_kit in counts
        ]
        assert kit.available == min(max(0, units) // per_kit for units, per_kit in of_place)
    assert kit_sources([]) == []
