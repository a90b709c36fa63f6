"""How values look in the console: money, quantities, moments and states. Everything returned is safe HTML or plain text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from retailops.hub.money import exponent

EMPTY = "—"
JUST_NOW_SECONDS = 5

#: Tone → the states that have it. One state has one colour on every page.
TONES = {
    "good": (
        "shipped", "completed", "complete", "succeeded", "ok", "accepted", "pushed", "active", "closed", "enabled",
        "imported", "healthy", "reached", "added", "changed", "counted", "posted",
    ),
    "busy": ("released", "ready", "submitted", "running", "authorized", "partially_shipped"),
    "wait": (
        "on_hold", "backordered", "partially_routed", "pending", "ok_with_errors", "channel_incomplete", "retryable",
        "throttled", "unknown", "paused", "waiting", "unchanged",
    ),
    "bad": ("parked", "refused", "failed", "error", "auth", "redirect", "permanent", "violation", "unreachable", "blocked"),
}  # fmt: skip
_TONE_OF = {state: tone for tone, states in TONES.items() for state in states}

_STEPS = (
    (60, "s", 1),
    (3600, "min", 60),
    (2 * 86400, "h", 3600),
    (60 * 86400, "d", 86400),
    (None, "months", 30 * 86400),
)


def money(amount: Decimal | None, currency: str) -> str:
    """`1,234.50 USD`; the currency decides the places, and more are shown where the amount has them."""
    if amount is None:
        return EMPTY
    places = exponent(currency) if currency else 2
    shown = amount if amount != round(amount, places) else round(amount, places)
    return f"{shown:,f}".rstrip() + (f" {currency}" if currency else "")


def quantity(value: int | None) -> str:
    """`12,345`."""
    return EMPTY if value is None else f"{value:,}"


def relative(moment: datetime, now: datetime | None = None) -> str:
    """`5 min ago`, `in 2 h`."""
    seconds = ((now or timezone.now()) - moment).total_seconds()
    size = abs(seconds)
    for limit, unit, divisor in _STEPS:
        if limit is None or size < limit:
            count = int(size // divisor)
            if unit == "s" and count < JUST_NOW_SECONDS:
                return "now"
            return f"{count} {unit} ago" if seconds >= 0 else f"in {count} {unit}"
    raise AssertionError  # pragma: no cover - the last step has no limit


def moment(value: datetime | None) -> SafeString | str:
    """A time in UTC with how long ago it was."""
    if value is None:
        return EMPTY
    utc = value.astimezone(UTC)
    return format_html(
        '<time class="c-time" datetime="{}" title="{}">{} <small>{}</small></time>',
        utc.isoformat(),
        utc.strftime("%Y-%m-%d %H:%M:%S UTC"),
        utc.strftime("%Y-%m-%d %H:%M"),
        relative(utc),
    )


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3 h`; for lags."""
    if seconds is None:
        return EMPTY
    for limit, unit, divisor in _STEPS:
        if limit is None or seconds < limit:
            return f"{int(max(seconds, 0) // divisor)} {unit}"
    raise AssertionError  # pragma: no cover - the last step has no limit


def chip(state: str, label: str = "") -> SafeString | str:
    """A state as a coloured chip."""
    if not state:
        return EMPTY
    tone = _TONE_OF.get(state, "calm")
    return format_html('<span class="c-chip c-chip-{}">{}</span>', tone, label or state.replace("_", " "))


def units(count: int, sku: str) -> str:
    """So many of a SKU, as in lists of contents."""
    return f"{quantity(count)} \u00d7 {sku}"


def pushes(*, catalog: int = 0, inventory: int = 0) -> str:
    """What was queued for the channels, in words: `Queued: 1 catalog push, 1,200 inventory pushes.` Nothing for nothing."""
    counts = (("catalog", catalog), ("inventory", inventory))
    parts = [f"{count:,} {kind} push{'' if count == 1 else 'es'}" for kind, count in counts if count]
    return f"Queued: {', '.join(parts)}." if parts else ""


def yes_no(value: bool) -> SafeString | str:
    """A switch as a chip."""
    return chip("enabled", "on") if value else chip("off", "off")


def link(url: str, text: object) -> SafeString:
    """A link inside the console."""
    return format_html('<a class="c-link" href="{}">{}</a>', url, text)


def code(value: object) -> SafeString | str:
    """Something a machine wrote, in full and foldable."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, default=str, ensure_ascii=False)
    return format_html('<pre class="c-code">{}</pre>', text) if text not in ("", "{}", "[]") else EMPTY


def fold(summary: str, value: object) -> SafeString | str:
    """A long text behind one word."""
    body = code(value)
    return (
        body
        if body == EMPTY
        else format_html('<details class="c-fold"><summary>{}</summary>{}</details>', summary, body)
    )
