from collections.abc import Iterable

import pytest
from django.test import Client
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from retailops.hub.observability.metrics import CachedCollector, observe_request


def values(collector: CachedCollector) -> dict[str, float]:
    return {sample.name: sample.value for family in collector.collect() for sample in family.samples}


def test_readers_are_asked_again_only_after_the_cache_is_old() -> None:
    calls: list[int] = []

    def depth() -> Iterable[Metric]:
        calls.append(1)
        return [GaugeMetricFamily("queue_depth", "Waiting", value=len(calls))]

    cached, uncached = CachedCollector(cache_seconds=1000), CachedCollector(cache_seconds=0)
    cached.register(depth)
    assert [values(cached)["queue_depth"] for _ in range(3)] == [1, 1, 1]
    uncached.register(depth)
    assert [values(uncached)["queue_depth"] for _ in range(2)] == [2, 3]


def test_a_failing_reader_hides_no_other_and_is_counted() -> None:
    def broken() -> Iterable[Metric]:
        raise RuntimeError

    collector = CachedCollector()
    collector.register(broken)
    collector.register(lambda: [GaugeMetricFamily("queue_depth", "Waiting", value=7)])
    assert values(collector) == {"queue_depth": 7, "retailops_collectors_failing": 1}


@pytest.mark.django_db
def test_requests_are_counted_by_route_and_never_by_path(client: Client) -> None:
    client.get("/no/such/jane.doe@example.com")
    text = client.get("/metrics").content.decode()
    assert 'retailops_http_requests_total{method="GET",route="(none)",status="404"}' in text
    assert "jane.doe" not in text


def test_an_invented_method_makes_no_new_series(client: Client) -> None:
    observe_request(method="BREW", route="/tea/", status=405, seconds=0.1)
    text = client.get("/metrics").content.decode()
    assert 'retailops_http_requests_total{method="other",route="/tea/",status="405"} 1.0' in text
    assert "BREW" not in text
