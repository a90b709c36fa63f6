"""What people see of the day: a live table while it runs, the accounts at its end."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from retailops.demo.checks import Check
from retailops.demo.csv_replay import Report
from retailops.demo.day import Day
from retailops.demo.watch import UNROUTED, HubOrder

LINE_EVERY_SECONDS = 3.0
BAR_WIDTH = 30
FACTS_IN_A_ROW = 4
NAMED = 3
MOST_REFUSALS = 5
#: The accounts of the day, in this sequence and these groups; what didn't happen is left out.
ACCOUNTS = (
    ("placed", "sold out", "completed", "cancelled", "not ended"),
    ("cancelled by the shopper", "shopper too late to cancel", "cancelled by the operator", "cancelled on hold",
     "holds released", "edited", "given up"),
    ("packages", "packages from EAST", "packages from WEST", "packages from the vendor", "short-shipped",
     "rejected by the vendor", "SKUs restocked", "returned"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the day is. `steps` is name → orders that have come so far; `facts` are single numbers."""

    expected: int
    steps: Mapping[str, int]
    facts: Mapping[str, int]
    tasks: Mapping[str, int]

    @property
    def came_to_pass(self) -> list[int]:
        """Everything that only happens when the day goes on; tasks come and go by themselves."""
        return [*self.steps.values(), *self.facts.values()]


def progress(
    day: Day, orders: Mapping[str, HubOrder], *, expected: int, tasks: Mapping[str, int]
) -> Progress:
    """Return how far the day is."""
    counts = day.tally.counts()
    ended = Counter(order.status for order in orders.values())
    return Progress(
        expected=max(expected, counts["placed"]),
        steps={
            "placed": counts["placed"],
            "pulled": len(orders),
            "acknowledged": sum(order.acknowledged for order in orders.values()),
            "routed": sum(order.status not in UNROUTED for order in orders.values()),
            "ended": ended["completed"] + ended["cancelled"],
        },
        facts={
            "packages": counts["packages"],
            "completed": ended["completed"],
            "cancelled": ended["cancelled"],
            "on hold": ended["on_hold"],
            "backordered": ended["backordered"],
            "returned": counts["returned"],
        },
        tasks=tasks,
    )


@dataclass(slots=True)
class LiveReport:
    """Shows progress: a table that is redrawn on a terminal, a line every few seconds elsewhere."""

    console: Console
    _started: float = field(default_factory=time.monotonic)
    _printed: float = 0.0
    _live: Live | None = None
    _latest: str = ""
    _reached: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._latest:  # the end of the day, which need not fall on a line's turn
            self.console.print(self._latest, soft_wrap=True, highlight=False)

    def show(self, now: Progress) -> None:
        """Show how far the day is now."""
        seconds = max(time.monotonic() - self._started, 0.001)
        for name, count in now.steps.items():
            if count > self._reached.get(name, (0, 0.0))[0]:
                self._reached[name] = count, seconds
        if self._live is not None:
            self._live.update(_table(now, seconds, self._reached))
            return
        self._latest = _line(now, seconds)
        if time.monotonic() - self._printed > LINE_EVERY_SECONDS:
            self._printed = time.monotonic()
            self.console.print(self._latest, soft_wrap=True, highlight=False)


def _table(now: Progress, seconds: float, reached: Mapping[str, tuple[int, float]]) -> RenderableType:
    """`reached` is step → its count and the second of the last one: a step that is through keeps its rate."""
    steps = Table(title=f"A trading day, {seconds:.0f} s", title_justify="left")
    for name, justify in (("orders", "left"), ("count", "right"), ("per second", "right"), ("", "left")):
        steps.add_column(name, justify=justify)  # type: ignore[arg-type] # rich's literals
    for name, count in now.steps.items():
        bar = ProgressBar(total=max(now.expected, 1), completed=count, width=BAR_WIDTH)
        done, at = reached.get(name, (0, seconds))
        steps.add_row(name, f"{count:,}", f"{done / at:,.1f}", bar)
    facts = Table.grid(padding=(0, 3, 0, 0))
    texts = [f"{name} [bold]{count:,}[/bold]" for name, count in {**now.facts, **now.tasks}.items()]
    for start in range(0, len(texts), FACTS_IN_A_ROW):
        facts.add_row(*texts[start : start + FACTS_IN_A_ROW])
    return Group(steps, facts)


def _line(now: Progress, seconds: float) -> str:
    steps = ", ".join(f"{name} {count}" for name, count in now.steps.items())
    facts = ", ".join(f"{name} {count}" for name, count in {**now.facts, **now.tasks}.items() if count)
    return f"{seconds:5.0f} s  of {now.expected} orders: {steps}; {facts or 'nothing else yet'}"


def print_day(console: Console, counts: Counter[str], refusals: Mapping[str, int], seconds: float) -> None:
    """Print what happened."""
    table = Table(title="What happened", title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for group in ACCOUNTS:
        for name in group:
            if counts[name]:
                table.add_row(name, f"{counts[name]:,}")
        table.add_section()
    table.add_row("seconds", f"{seconds:,.1f}")
    console.print(table)
    if refusals:
        console.print("Calls of the players that the hub refused, most of them too late:", highlight=False)
        for text, count in list(refusals.items())[:MOST_REFUSALS]:
            console.print(f"  {count} x {text}", highlight=False, markup=False, soft_wrap=True)


def print_unfinished(console: Console, orders: Sequence[HubOrder]) -> None:
    """Print the orders that have not ended, by reason."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for order in orders:
        by_reason[f"{order.status}, {order.reason or 'no reason stated'}"].append(order.refnum)
    if not by_reason:
        return
    table = Table(title="Not ended", title_justify="left")
    for name in ("why", "orders", "for example"):
        table.add_column(name, justify="right" if name == "orders" else "left")
    for reason, refnums in sorted(by_reason.items()):
        table.add_row(escape(reason), f"{len(refnums):,}", ", ".join(refnums[:NAMED]))
    console.print(table)


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print the comparison of hub and storefront."""
    table = Table(title="Hub and storefront", title_justify="left")
    for name in ("", "hub", "storefront", "differ"):
        table.add_column(name, justify="left" if not name else "right")
    for check in checks:
        named = ", ".join(check.wrong[:NAMED]) + (" …" if len(check.wrong) > NAMED else "")
        table.add_row(
            check.name, check.hub, check.storefront, f"{len(check.wrong)}: {named}" if check.wrong else "0"
        )
    console.print(table)


def print_file(console: Console, report: Report) -> None:
    """Print what became of the rows of a sales file."""
    table = Table(title="Rows of the file", title_justify="left")
    for name in ("became", "rows", "for example line"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    table.add_row("order lines", f"{report.order_lines:,}", "")
    table.add_row("return lines", f"{report.return_lines:,}", "")
    for reason, (count, examples) in sorted(report.rejected.items(), key=lambda item: -item[1][0]):
        table.add_row(escape(f"rejected: {reason}"), f"{count:,}", ", ".join(map(str, examples)))
    table.add_section()
    total = report.order_lines + report.return_lines + report.rejections
    table.add_row(f"together, of {report.rows:,} in the file", f"{total:,}", "")
    console.print(table)
