"""The requests that were answered, counted in plain numbers: every request passes here.

prometheus_client's own counters lock and check their labels at each step, for threads that we do not have; that cost
as much as finding the route. Only the event loop's thread counts, and asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

#: Upper bounds of the times that are told apart, in seconds.
BOUNDS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAMES = (*map(str, BOUNDS_S), "+Inf")


class _Route:
    """What one method of one route was answered, and how soon."""

    __slots__ = ("statuses", "taken_s", "times")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.times = [0] * len(_NAMES)
        self.taken_s = 0.0


class Requests(Collector):
    """Requests by method, route and status, and the times to answer them."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], _Route] = {}

    def count(self, method: str, route: str, status: int, took_s: float) -> None:
        """`route` is a template, of which there are few."""
        seen = self._routes.get((method, route))
        if seen is None:
            seen = self._routes[method, route] = _Route()
        seen.statuses[status] = seen.statuses.get(status, 0) + 1
        seen.times[bisect_left(BOUNDS_S, took_s)] += 1
        seen.taken_s += took_s

    def collect(self) -> Iterator[Metric]:
        answered = CounterMetricFamily("dispatch_http_requests", "HTTP requests", labels=["method", "route", "status"])
        seconds = HistogramMetricFamily("dispatch_http_request_seconds", "Time to answer", labels=["method", "route"])
        for (method, route), seen in self._routes.items():
            for status, number in seen.statuses.items():
                answered.add_metric([method, route, str(status)], number)
            buckets = list(zip(_NAMES, map(float, accumulate(seen.times)), strict=True))
            seconds.add_metric([method, route], buckets, seen.taken_s)
        yield answered
        yield seconds


REQUESTS = Requests()
REGISTRY.register(REQUESTS)
