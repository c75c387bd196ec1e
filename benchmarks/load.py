"""The load generator: so many connections, each sending its next request as soon as the answer to its last is there.

Raw sockets on uvloop, the requests made beforehand: about 15 µs of the client's core for a request, none of the
server's. It shares the machine with the server, and the clock with it, which is why the tables lead with the processor
time that the kernel has booked for the server's processes.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

ROUND_TRIPS_MIN: Final = 3
"""A run goes on until each connection has had so many answers, on average, or the longest permitted time is over."""

SECONDS_MAX: Final = 20.0

_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Exchange(NamedTuple):
    """A request, and the body of the answer that is right."""

    request: bytes
    right_body: bytes


class WrongAnswer(Exception):
    """A server gave another answer than the right one: whatever it was measured with is worth nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run: every request that was begun was answered, and rightly."""

    seconds: float
    latencies_seconds: list[float]

    @property
    def requests(self) -> int:
        """How many there were."""
        return len(self.latencies_seconds)

    def percentile_milliseconds(self, percent: int) -> float:
        """The time within which so many of a hundred requests were answered."""
        ordered = sorted(self.latencies_seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000


async def run_load(port: int, exchanges: Iterator[Exchange], *, concurrency: int, seconds: float) -> Run:
    """Load the server on this port for so long.

    Raises:
        WrongAnswer: an answer differs, or the server closed a connection.
    """
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    plan = _Plan(exchanges, time.perf_counter() + seconds, concurrency * ROUND_TRIPS_MIN, latencies)
    connections = [
        (await loop.create_connection(lambda: _Connection(plan), "127.0.0.1", port))[1] for _ in range(concurrency)
    ]
    gc.collect()
    gc.disable()
    try:
        begun = time.perf_counter()
        plan.end = begun + seconds
        for connection in connections:
            connection.begin()
        async with asyncio.timeout(seconds + 2 * SECONDS_MAX):
            await asyncio.gather(*(connection.done for connection in connections))
        ended = time.perf_counter()
    finally:
        gc.enable()
        for connection in connections:
            connection.close()
    return Run(ended - begun, latencies)


async def ask(port: int, request: bytes) -> bytes:
    """Send one request, and give the body of the answer.

    Raises:
        WrongAnswer: the status is not 200.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(SECONDS_MAX):
            head = await reader.readuntil(b"\r\n\r\n")
            found = _CONTENT_LENGTH.search(head)
            body = await reader.readexactly(int(found[1]) if found else 0)
    finally:
        writer.close()
    if not head.startswith(b"HTTP/1.1 200 "):
        raise WrongAnswer(f"{head.decode()}{body[:2000].decode(errors='replace')}")
    return body


@dataclass(slots=True)
class _Plan:
    """What the connections of a run share."""

    exchanges: Iterator[Exchange]
    end: float
    requests_min: int
    latencies: list[float]

    def is_over(self, now: float) -> bool:
        return now >= self.end and (len(self.latencies) >= self.requests_min or now >= self.end + SECONDS_MAX)


class _Connection(asyncio.Protocol):
    def __init__(self, plan: _Plan) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._plan = plan
        self._received = bytearray()
        self._size = 0  # of the whole answer, once its head is there
        self._right_body = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        request, self._right_body = next(self._plan.exchanges)
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if not self._size:
            head_end = received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            found = _CONTENT_LENGTH.search(received, 0, head_end + 2)
            self._size = head_end + 4 + (int(found[1]) if found else 0)
        if len(received) < self._size:
            return
        now = time.perf_counter()
        if not (received.startswith(b"HTTP/1.1 200 ") and received.endswith(b"\r\n\r\n" + self._right_body)):
            self._fail(received[:2000].decode(errors="replace"))
            return
        self._plan.latencies.append(now - self._sent_at)
        received.clear()
        self._size = 0
        if not self._plan.is_over(now):
            self.begin()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"The connection was closed: {error}")

    def close(self) -> None:
        self.done.cancel()
        self._transport.close()

    def _fail(self, what: str) -> None:
        if not self.done.done():
            self.done.set_exception(WrongAnswer(what))
