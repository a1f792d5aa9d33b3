"""Answers are counted as Prometheus' own counters would count them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.registry import Collector

from api.edge.counted import BOUNDS_S, Requests

SEEN = [
    ("GET", "/a", 200, 0.0), ("GET", "/a", 200, 0.002), ("GET", "/a", 304, 0.0021), ("GET", "/a", 500, 60.0),
    ("POST", "/a", 201, 0.3), ("GET", "/b/{id}", 404, 0.01),
]  # fmt: skip


def samples(collector: Collector) -> dict[tuple[str, ...], float]:
    return {
        (s.name, *map(str, sorted(s.labels.items()))): s.value
        for family in collector.collect()
        for s in family.samples
        if not s.name.endswith("_created")
    }


def test_the_figures_are_those_of_the_library() -> None:
    ours, theirs = Requests(), CollectorRegistry()
    number = Counter("dispatch_http_requests", "HTTP requests", ["method", "route", "status"], registry=theirs)
    seconds = Histogram(
        "dispatch_http_request_seconds", "Time", ["method", "route"], buckets=BOUNDS_S, registry=theirs
    )  # fmt: skip
    for method, route, status, took_s in SEEN:
        ours.count(method, route, status, took_s)
        number.labels(method, route, str(status)).inc()
        seconds.labels(method, route).observe(took_s)
    assert samples(ours) == samples(theirs)
    assert len(samples(ours)) == 5 + 3 * (len(BOUNDS_S) + 3)
