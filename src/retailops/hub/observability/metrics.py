"""Prometheus metrics: what this process did, and gauges that are read from the database.

`register_collector(function)` adds gauges: the function returns metric families, and is called at most every five
seconds however often and by however many `/metrics` is read.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client import REGISTRY, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CACHE_SECONDS = 5.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger(__name__)

_requests = Counter("retailops_http_requests", "Requests answered", ["method", "route", "status"])
_seconds = Histogram(
    "retailops_http_request_seconds",
    "Time from the request to its answer",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

GaugeReader = Callable[[], Iterable[Metric]]


class CachedCollector(Collector):
    """Metric families of registered functions, at most `cache_seconds` old. A failing function hides no other."""

    def __init__(self, cache_seconds: float = CACHE_SECONDS) -> None:
        self._cache_seconds = cache_seconds
        self._readers: list[GaugeReader] = []
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._read_at = float("-inf")

    def register(self, reader: GaugeReader) -> None:
        """Add a function that returns metric families."""
        self._readers.append(reader)

    def describe(self) -> list[Metric]:
        """Nothing: asked on registration, when the registry would otherwise call collect() and the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families, read again when they are too old."""
        with self._lock:
            if time.monotonic() - self._read_at >= self._cache_seconds:
                self._families = self._read()
                self._read_at = time.monotonic()
            families = list(self._families)
        yield from families

    def _read(self) -> list[Metric]:
        failed = 0
        families: list[Metric] = []
        for reader in self._readers:
            try:
                families.extend(reader())
            except Exception:
                failed += 1
                log.exception("metrics.collector_failed")
        families.append(
            GaugeMetricFamily("retailops_collectors_failing", "Gauge readers that raised", value=failed)
        )
        return families


_collector = CachedCollector()
REGISTRY.register(_collector)


def register_collector(reader: GaugeReader) -> None:
    """Add gauges to `/metrics`. Call it from an app's `ready()`."""
    _collector.register(reader)


def observe_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. `route` is a pattern, so that the number of series stays bounded."""
    known = method if method in METHODS else "other"
    _requests.labels(known, route, str(status)).inc()
    _seconds.labels(known, route).observe(seconds)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
