"""Load that does not wait: requests come at a rate, whether or not the last ones were answered, as people do.

A closed loop sends no faster than it is answered and cannot overload anything. Here each request has its time; what it
takes is counted from then on, also where the generator itself was late.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from dataclasses import dataclass, field
from typing import Final, cast

from benchmarks.load import Exchange, WrongAnswer

TICK_SECONDS: Final = 0.001
"""How often what is due is sent."""

PATIENCE_SECONDS: Final = 15.0
"""How long answers may take after the last request was sent."""

_HEAD: Final = re.compile(rb"HTTP/1\.1 (\d{3}) .*?\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE | re.DOTALL)
_OK: Final = b"200"
_REFUSED: Final = b"503"


@dataclass(slots=True)
class Flood:
    """What came of requests at a rate.

    Attributes:
        seconds: how long they were sent.
        accepted_seconds: how long each took that was answered with 200, and rightly.
        in_time: how many of these were answered before the last request was sent.
        refused_seconds: how long each took that was answered with 503.
        ends_at: when the last request is sent.
        unsent: requests that were due while all connections were waiting.
    """

    seconds: float
    accepted_seconds: list[float] = field(default_factory=list)
    refused_seconds: list[float] = field(default_factory=list)
    in_time: int = 0
    unsent: int = 0
    ends_at: float = 0.0

    @property
    def offered_per_second(self) -> float:
        """Requests, sent or not."""
        return (len(self.accepted_seconds) + len(self.refused_seconds) + self.unsent) / self.seconds

    @property
    def accepted_per_second(self) -> float:
        """Good throughput: what is still in the line at the end does not count."""
        return self.in_time / self.seconds


def percentile_milliseconds(seconds: list[float], percent: int) -> float:
    """The time within which so many of a hundred were answered; 0 if there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000 if ordered else 0.0


async def flood(port: int, exchange: Exchange, *, rate: float, seconds: float, connections: int) -> Flood:
    """Send the request so many times a second.

    Args:
        port: of the server.
        exchange: the request, and the body of the answer that is right.
        rate: requests per second.
        seconds: how long.
        connections: kept open; so many requests can be under way at once.

    Raises:
        WrongAnswer: an answer is neither 503 nor the right one, or the server closed a connection.
    """
    loop = asyncio.get_running_loop()
    run = Flood(seconds)
    idle: list[_Connection] = []
    everyone = [
        (await loop.create_connection(lambda: _Connection(run, exchange, idle), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    gc.collect()
    gc.disable()
    try:
        await _send(run, idle, rate)
        async with asyncio.timeout(PATIENCE_SECONDS):
            # ASYNC110: an event would have to be told by each of a thousand connections.
            while len(idle) < connections and not any(one.failure for one in everyone):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
        for one in everyone:
            one.close()
    for one in everyone:
        if one.failure:
            raise WrongAnswer(one.failure)
    return run


async def _send(run: Flood, idle: list[_Connection], rate: float) -> None:
    begun = time.perf_counter()
    run.ends_at = begun + run.seconds
    sent, total = 0, int(rate * run.seconds)
    while sent < total:
        due = min(total, int((time.perf_counter() - begun) * rate) + 1)
        for number in range(sent, due):
            if idle:
                idle.pop().ask(begun + number / rate)
            else:
                run.unsent += 1
        sent = due
        await asyncio.sleep(TICK_SECONDS)


class _Connection(asyncio.Protocol):
    def __init__(self, run: Flood, exchange: Exchange, idle: list[_Connection]) -> None:
        self.failure: str | None = None
        self._run, self._exchange, self._idle = run, exchange, idle
        self._received = bytearray()
        self._due_at = 0.0
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._idle.append(self)

    def ask(self, due_at: float) -> None:
        self._due_at = due_at
        self._transport.write(self._exchange.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        found = _HEAD.match(self._received)
        if not found:
            return
        body_begins = self._received.find(b"\r\n\r\n") + 4
        if body_begins < 4 or len(self._received) < body_begins + int(found[2]):  # noqa: PLR2004 - not found
            return
        now = time.perf_counter()
        taken = now - self._due_at
        if found[1] == _REFUSED:
            self._run.refused_seconds.append(taken)
        elif found[1] == _OK and self._received.endswith(self._exchange.right_body):
            self._run.accepted_seconds.append(taken)
            self._run.in_time += now <= self._run.ends_at
        else:
            self.failure = self._received[:2000].decode(errors="replace")
        self._received.clear()
        self._idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._closing:
            self.failure = f"The connection was closed: {error}"

    def close(self) -> None:
        self._closing = True
        self._transport.close()
