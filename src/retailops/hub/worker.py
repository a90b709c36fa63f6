"""The worker process of the hub: every kind of task that exists, and who runs it."""

from __future__ import annotations

import threading

from django.conf import settings

from retailops.hub.channels.handlers import HANDLERS as CHANNEL_HANDLERS
from retailops.hub.jobs import JOB_HANDLERS
from retailops.hub.tasks import worker
from retailops.outbound.addresses import AddressPolicy, parse_networks


def run_worker(stop: threading.Event, *, name: str, concurrency: int) -> None:
    """Work until `stop` is set, then let what is in flight end. `concurrency` bounds the lanes held at once."""
    worker.run_worker(
        stop,
        name=name,
        concurrency=concurrency,
        handlers={**CHANNEL_HANDLERS, **JOB_HANDLERS},
        policy=AddressPolicy(allow_networks=parse_networks(settings.RETAILOPS_ALLOW_NETWORKS)),
    )
