"""How long one outbound call may take and how much it may bring back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call, from looking the name up to the last byte of the reply.

    ``total_seconds`` holds against slow drips too. ``max_bytes`` bounds the body as sent *and* as
    decompressed. ``keepalive_seconds`` is how long an idle connection is kept: shorter than the 5 seconds
    after which common servers close theirs, because a request that crosses with that close has an unknown
    effect.
    """

    total_seconds: float = 15.0
    connect_seconds: float = 5.0
    max_bytes: int = 8 * 1024 * 1024
    keepalive_seconds: float = 4.0

    def __post_init__(self) -> None:
        for name in ("total_seconds", "connect_seconds", "max_bytes", "keepalive_seconds"):
            value = getattr(self, name)
            if not value > 0:
                msg = f"{name} must be greater than 0, not {value}"
                raise ValueError(msg)
