"""What the players of one day share: the plan, what has happened so far, and the sign to stop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from retailops.demo.scenario import OPERATOR_FIRST, Fate, PlannedOrder


@dataclass(slots=True)
class Tally:
    """Counts of what happened, and a list of what should not have. Safe to use from all players' threads."""

    _counts: Counter[str] = field(default_factory=Counter)
    _troubles: list[str] = field(default_factory=list)
    _refusals: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, units: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += units

    def trouble(self, text: str) -> None:
        """Note something that makes the day a bad one."""
        with self._lock:
            self._troubles.append(text)

    def refused(self, text: str) -> None:
        """Note what the hub refused a player; some of it is a matter of timing."""
        with self._lock:
            self._refusals[text] += 1

    def refusals(self) -> Counter[str]:
        """Return a copy of the refusals."""
        with self._lock:
            return Counter(self._refusals)

    def counts(self) -> Counter[str]:
        """Return a copy of the counts."""
        with self._lock:
            return Counter(self._counts)

    def troubles(self) -> list[str]:
        """Return a copy of the troubles."""
        with self._lock:
            return list(self._troubles)


@dataclass(slots=True)
class Day:
    """One trading day."""

    plan: Sequence[PlannedOrder]
    tally: Tally = field(default_factory=Tally)
    stop: threading.Event = field(default_factory=threading.Event)
    placed: set[str] = field(default_factory=set)
    shopping_over: threading.Event = field(default_factory=threading.Event)
    settled: threading.Event = field(default_factory=threading.Event)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _fates: dict[str, Fate] = field(default_factory=dict)
    _operator_first: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._fates = {order.refnum: order.fate for order in self.plan}
        self._operator_first = {order.refnum for order in self.plan if order.fate in OPERATOR_FIRST}

    def fate(self, refnum: str) -> Fate | None:
        """Return what is to become of an order; None for one of another day."""
        return self._fates.get(refnum)

    def may_ship(self, refnum: str) -> bool:
        """Whether nobody has to see to the order before it ships."""
        return refnum not in self._operator_first

    def seen_to(self, refnum: str) -> None:
        """The operator has done what the plan asks; the order may ship."""
        self._operator_first.discard(refnum)

    def with_fate(self, fates: Collection[Fate]) -> set[str]:
        """Return the refnums of placed orders with one of these fates."""
        return {refnum for refnum in list(self.placed) if self._fates[refnum] in fates}
