"""Which source ships which line. Pure functions over a picture of the stock; nothing here reads a clock or a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

#: Why units of a line stay open: one reason a line, for people and for the queues of the console.
REASONS = {
    "no_rule": "no active routing rule fits the order",
    "unknown_sku": "the SKU is not in the catalog",
    "empty_kit": "the kit has no components",
    "no_source": "no facility or vendor that the rules allow carries the SKU",
    "refused": "every source that carries the SKU has refused the line",
    "stale_advice": "only vendors carry the SKU, and their advice is too old",
    "out_of_stock": "no source has a unit left",
    "not_enough_stock": "the sources have fewer units than are open",
    "split_not_allowed": "the units are there, but not in one place, and the rules don't allow a split",
}


@dataclass(frozen=True, slots=True)
class FacilitySource:
    """A facility that may ship. Lower priority ships first."""

    id: int
    priority: int
    unit_cost: Decimal
    safety_stock: int = 0
    groups: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class VendorSource:
    """A vendor's offer of one SKU."""

    vendor_id: int
    vendor_sku_id: int
    sku_id: int
    priority: int
    cost: Decimal
    currency: str
    stale: bool = False


@dataclass(slots=True)
class StockPicture:
    """What is free now. `free` (facility, component SKU) and `offered` (vendor SKU) fall as units are planned."""

    facilities: Sequence[FacilitySource]
    offers: Mapping[int, Sequence[VendorSource]]
    parts: Mapping[int, Sequence[tuple[int, int]]]
    free: dict[tuple[int, int], int]
    offered: dict[int, int]
    carried: set[tuple[int, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line with open units, and who has refused it before."""

    line_id: int
    sku_id: int | None
    quantity: int
    refused_facilities: frozenset[int] = frozenset()
    refused_vendors: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order with what rules look at; `facilities` are those its channel sells from (`None`: all)."""

    order_id: int
    channel_id: int
    ship_service_code: str
    country: str
    total: Decimal
    lines: Sequence[OpenLine]
    facilities: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """An operator's rule. Empty sets fit everything."""

    id: int
    channels: frozenset[int] = frozenset()
    ship_service_codes: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    minimum_total: Decimal | None = None
    maximum_total: Decimal | None = None
    sources: str = "own_first"
    facility_groups: frozenset[int] = frozenset()
    vendors: frozenset[int] = frozenset()
    sort: str = "priority"
    split: str = "by_unit"

    def fits(self, order: OpenOrder) -> bool:
        """Tell whether the rule is meant for the order."""
        return (
            (not self.channels or order.channel_id in self.channels)
            and (not self.ship_service_codes or order.ship_service_code in self.ship_service_codes)
            and (not self.countries or order.country.casefold() in self.countries)
            and (self.minimum_total is None or order.total >= self.minimum_total)
            and (self.maximum_total is None or order.total <= self.maximum_total)
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """Units of a line to a source (`facility_id`, or `offer` of a vendor), or left open for `reason`."""

    order_id: int
    line_id: int
    quantity: int
    rule_id: int | None = None
    facility_id: int | None = None
    offer: VendorSource | None = None
    reason: str = ""


#: A place that ships: ("facility", id) or ("vendor", id).
Source = tuple[str, int]


def route_order(order: OpenOrder, rules: Sequence[Rule], stock: StockPicture) -> list[Decision]:
    """Decide about every open unit of an order, taking what is planned out of `stock`.

    Each fitting rule, by position, plans what the ones before it left open. Within a rule the fewest packages win: the
    whole order from one source if any has it; else whole lines; else, where the rule allows it, units from several.
    """
    open_units = {line.line_id: line.quantity for line in order.lines}
    fitting = [rule for rule in rules if rule.fits(order)]
    decisions: list[Decision] = []
    for rule in fitting:
        left = [line for line in order.lines if open_units[line.line_id] and line.sku_id is not None]
        for decision in _apply_rule(order, rule, left, open_units, stock):
            open_units[decision.line_id] -= decision.quantity
            decisions.append(decision)
    for line in order.lines:
        if open_units[line.line_id]:
            reason = _reason(order, line, open_units[line.line_id], fitting, stock)
            decisions.append(Decision(order.order_id, line.line_id, open_units[line.line_id], reason=reason))
    return decisions


def _apply_rule(
    order: OpenOrder,
    rule: Rule,
    lines: Sequence[OpenLine],
    open_units: Mapping[int, int],
    stock: StockPicture,
) -> list[Decision]:
    sources = _sort_sources(order, rule, lines, stock)
    for source in sources:
        if (
            lines
            and all(_available(source, line, stock) >= open_units[line.line_id] for line in lines)
            and not _clash(source, lines, open_units, stock)
        ):
            return [_take(order, rule, source, line, open_units[line.line_id], stock) for line in lines]
    if rule.split == "never":
        return []
    decisions = []
    for line in lines:
        needed = open_units[line.line_id]
        whole = next((source for source in sources if _available(source, line, stock) >= needed), None)
        if whole:
            decisions.append(_take(order, rule, whole, line, needed, stock))
        elif rule.split == "by_unit":
            for source in sources:
                units = min(needed, _available(source, line, stock))
                if units:
                    decisions.append(_take(order, rule, source, line, units, stock))
                    needed -= units
    return decisions


def _sort_sources(
    order: OpenOrder, rule: Rule, lines: Sequence[OpenLine], stock: StockPicture
) -> list[Source]:
    """Return the sources the rule allows that carry any of the lines, the best first."""
    facilities = {
        f.id: f
        for f in stock.facilities
        if (order.facilities is None or f.id in order.facilities)
        and (not rule.facility_groups or rule.facility_groups & f.groups)
    }
    vendors: dict[int, list[VendorSource]] = {}
    for line in lines:
        for offer in stock.offers.get(line.sku_id or 0, ()):
            if not rule.vendors or offer.vendor_id in rule.vendors:
                vendors.setdefault(offer.vendor_id, []).append(offer)

    def rank(source: Source) -> tuple[Decimal, int]:
        kind, source_id = source
        if rule.sort == "most_stock":
            return Decimal(-sum(_available(source, line, stock) for line in lines)), source_id
        if rule.sort == "cost" or rule.sources == "cheapest":
            cost = (
                facilities[source_id].unit_cost
                if kind == "facility"
                else min(o.cost for o in vendors[source_id])
            )
            return cost, source_id
        priority = facilities[source_id].priority if kind == "facility" else vendors[source_id][0].priority
        return Decimal(priority), source_id

    own = sorted((("facility", facility_id) for facility_id in facilities), key=rank)
    bought = sorted((("vendor", vendor_id) for vendor_id in vendors), key=rank)
    by_policy = {"own": own, "vendors": bought, "own_first": own + bought}
    return by_policy.get(rule.sources) or (
        sorted(own + bought, key=rank) if rule.sources == "cheapest" else []
    )


def _offer(source: Source, line: OpenLine, stock: StockPicture) -> VendorSource | None:
    return next(
        (offer for offer in stock.offers.get(line.sku_id or 0, ()) if offer.vendor_id == source[1]), None
    )


def _available(source: Source, line: OpenLine, stock: StockPicture) -> int:
    """Return how many units of the line the source could ship now."""
    kind, source_id = source
    if kind == "vendor":
        offer = _offer(source, line, stock)
        willing = offer is not None and source_id not in line.refused_vendors
        return stock.offered.get(offer.vendor_sku_id, 0) if offer and willing else 0
    parts = stock.parts.get(line.sku_id or 0, ())
    if not parts or source_id in line.refused_facilities:
        return 0
    return max(0, min(stock.free.get((source_id, sku_id), 0) // per_unit for sku_id, per_unit in parts))


def _clash(
    source: Source, lines: Sequence[OpenLine], open_units: Mapping[int, int], stock: StockPicture
) -> bool:
    """Tell whether lines that each fit alone need more of a shared SKU than the source has."""
    needed: dict[int, int] = {}
    if source[0] == "vendor":
        for line in lines:
            offer = _offer(source, line, stock)
            if offer:
                needed[offer.vendor_sku_id] = needed.get(offer.vendor_sku_id, 0) + open_units[line.line_id]
        return any(units > stock.offered.get(key, 0) for key, units in needed.items())
    for line in lines:
        for sku_id, per_unit in stock.parts.get(line.sku_id or 0, ()):
            needed[sku_id] = needed.get(sku_id, 0) + open_units[line.line_id] * per_unit
    return any(units > stock.free.get((source[1], sku_id), 0) for sku_id, units in needed.items())


def _take(
    order: OpenOrder, rule: Rule, source: Source, line: OpenLine, units: int, stock: StockPicture
) -> Decision:
    if source[0] == "vendor":
        offer = _offer(source, line, stock)
        assert offer is not None  # noqa: S101 - `_available` found it
        stock.offered[offer.vendor_sku_id] -= units
        return Decision(order.order_id, line.line_id, units, rule.id, offer=offer)
    for sku_id, per_unit in stock.parts[line.sku_id or 0]:
        stock.free[source[1], sku_id] -= units * per_unit
    return Decision(order.order_id, line.line_id, units, rule.id, facility_id=source[1])


def _reason(  # noqa: PLR0911 - one return for each reason
    order: OpenOrder, line: OpenLine, units: int, rules: Sequence[Rule], stock: StockPicture
) -> str:
    """Name the one reason why units of a line stay open (see `REASONS`)."""
    if line.sku_id is None:
        return "unknown_sku"
    if not rules:
        return "no_rule"
    parts = stock.parts.get(line.sku_id, ())
    offers = stock.offers.get(line.sku_id, ())
    if not parts and not offers:
        return "empty_kit"
    carriers = [
        source
        for source in dict.fromkeys(s for rule in rules for s in _sort_sources(order, rule, [line], stock))
        if source[0] == "vendor"
        or (parts and all((source[1], sku_id) in stock.carried for sku_id, _ in parts))
    ]
    if not carriers:
        return "no_source"
    willing = [
        s
        for s in carriers
        if s[1] not in (line.refused_vendors if s[0] == "vendor" else line.refused_facilities)
    ]
    if not willing:
        return "refused"
    available = [_available(source, line, stock) for source in willing]
    if sum(available) >= units:
        return "split_not_allowed"
    if sum(available) or units < line.quantity:
        return "not_enough_stock"
    if all(source[0] == "vendor" for source in willing) and all(offer.stale for offer in offers):
        return "stale_advice"
    return "out_of_stock"
