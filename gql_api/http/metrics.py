"""What a worker has done, in the format of Prometheus.

Each process counts for itself: with several workers behind one port a scrape reaches one of them, so let each instance
have one worker where the figures matter, or sum them elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import accumulate
from time import perf_counter
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.responses import Response
from starlette.routing import Route

from gql_api.admission import Places

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one application; nothing is shared with others in the process.

    Args:
        read_fallbacks: how many operations went to graphql-core's executor so far, by reason.
        places: where operations execute, and wait for that.
    """

    def __init__(self, read_fallbacks: Callable[[], Mapping[Any, int]], places: Places) -> None:
        self._registry = CollectorRegistry()
        self._requests = _Requests()
        self._registry.register(self._requests)
        self._registry.register(_Fallbacks(read_fallbacks))
        self._registry.register(_Occupancy(places))
        self.routes = [Route("/metrics", self._show, methods=["GET"])]

    def measured(self, endpoint: ASGIApp) -> ASGIApp:
        """The endpoint, with its requests counted and timed; WebSockets and lifespans are not requests."""
        requests = self._requests

        async def measure(scope: Scope, receive: Receive, send: Send) -> None:
            status = 499  # nginx's word for a client that left without an answer

            def note_status(message: Message) -> Awaitable[None]:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                return send(message)

            began = perf_counter()
            try:
                await endpoint(scope, receive, note_status)
            finally:
                requests.note(status, perf_counter() - began)

        return measure

    async def _show(self, _request: Request) -> Response:
        return Response(
            generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        )


class _Requests(Collector):
    """Requests by status, and by the time that they took.

    The library's own counters take a lock for each number, 6 µs a request; here a single thread counts.
    """

    def __init__(self) -> None:
        self._by_status: dict[int, int] = {}
        self._by_bucket = [0] * (len(SECONDS_BUCKETS) + 1)
        self._seconds = 0.0

    def note(self, status: int, seconds: float) -> None:
        self._by_status[status] = self._by_status.get(status, 0) + 1
        self._by_bucket[bisect_left(SECONDS_BUCKETS, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "gql_api_graphql_requests", "GraphQL requests over HTTP, by status.", labels=["status"]
        )
        for status, count in sorted(self._by_status.items()):
            requests.add_metric([str(status)], count)
        yield requests
        limits = [*map(floatToGoString, SECONDS_BUCKETS), "+Inf"]
        yield HistogramMetricFamily(
            "gql_api_graphql_request_seconds",
            "From a request's head to the end of its response.",
            buckets=list(zip(limits, accumulate(self._by_bucket), strict=True)),
            sum_value=self._seconds,
        )


class _Fallbacks(Collector):
    def __init__(self, read_fallbacks: Callable[[], Mapping[Any, int]]) -> None:
        self._read_fallbacks = read_fallbacks

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "gql_api_executor_fallbacks", "Operations that went to graphql-core's own executor.", labels=["reason"]
        )
        for reason, count in self._read_fallbacks().items():
            family.add_metric([str(reason)], count)
        yield family


class _Occupancy(Collector):
    def __init__(self, places: Places) -> None:
        self._places = places

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "gql_api_operations_executing", "Operations that execute now.", value=self._places.executing
        )
        yield GaugeMetricFamily("gql_api_operations_waiting", "Operations that wait now.", value=self._places.waiting)
        yield CounterMetricFamily(
            "gql_api_operations_refused",
            "Operations that found no place. Most are refused before they count as requests.",
            value=self._places.refused,
        )
