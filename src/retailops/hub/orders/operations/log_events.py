"""The order's history, written with the change it tells of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from retailops.hub.db import copy_rows
from retailops.hub.orders.models import OrderEvent


def log_events(events: Sequence[tuple[int, str, Mapping[str, object]]], *, actor: str) -> None:
    """Add (order, kind, data) events in one statement."""
    if events:
        copy_rows(
            OrderEvent,
            ("order_id", "kind", "actor", "data"),
            ((order_id, kind, actor, json.dumps(data, default=str)) for order_id, kind, data in events),
        )
