"""How long after a change subscribers hear of it: many WebSockets on one worker.

    python -m benchmarks.event_latency [--subscribers 1000] [--events 100] [--url postgresql+asyncpg://…]

Without a URL a new SQLite file is served. Events are committed by this process, one at a time, ten in a second. What is
measured is the time from the end of the commit, as this process sees it, to the arrival of the message at each
subscriber; its sockets are read by a few lines of its own, since a full client would take longer than the server.
"""

import argparse
import asyncio
import json
import os
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gql_api.database.migrate import upgrade_to_head
from tests.events.outbox import outbox
from tests.http.websocket_client import ASSIGNMENTS
from tests.server import serving

SETTLED_SECONDS = 3.0
PAUSE_SECONDS = 0.1
TIMEOUT_SECONDS = 120
SHORT_MAX, MEDIUM = 125, 126


class Subscriber(asyncio.Protocol):
    """Subscribes, and notes when each event arrives."""

    def __init__(self, on_event: Callable[[int], None]) -> None:
        self._on_event = on_event
        self._received = b""
        self._messages = -1  # the first one acknowledges
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = transport
        transport.write(  # type: ignore[attr-defined]
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        """Count messages."""
        self._received += data
        if not self._is_open:
            _, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            self._is_open, self._received = True, rest
            self._send({"type": "connection_init"})
            self._send({"id": "1", "type": "subscribe", "payload": {"query": ASSIGNMENTS}})
        while len(self._received) > 3:  # noqa: PLR2004 - a frame's head
            length, start = self._received[1], 2
            if length == MEDIUM:
                (length,), start = struct.unpack_from("!H", self._received, 2), 4
            if len(self._received) < start + length:
                return
            if self._received[0] & 0x0F == 1 and self._messages >= 0:
                self._on_event(self._messages)
            self._messages += self._received[0] & 0x0F == 1
            self._received = self._received[start + length :]

    def _send(self, message: object) -> None:
        payload = json.dumps(message).encode()
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size <= SHORT_MAX else b"\x81\xfe" + struct.pack("!H", size)
        self._transport.write(head + bytes(4) + payload)  # type: ignore[attr-defined]  # masked with zeros


async def measure(url: str, *, subscribers: int, events: int) -> None:
    """Print the percentiles."""
    await upgrade_to_head(url)
    arrived: list[list[float]] = [[] for _ in range(events)]
    committed: list[float] = []
    loop = asyncio.get_running_loop()
    async with outbox(url) as process:
        students, [course] = await process.new_school(students=events, courses=1)
        with serving(url) as server:
            for _ in range(subscribers):
                await loop.create_connection(
                    lambda: Subscriber(lambda number: arrived[number].append(time.perf_counter())),
                    "127.0.0.1",
                    server.port,
                )
            await asyncio.sleep(SETTLED_SECONDS)
            cpu_seconds = -_cpu_seconds(server.process.pid)
            for student in students:
                await process.assign(student, course)
                committed.append(time.perf_counter())
                await asyncio.sleep(PAUSE_SECONDS)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while len(arrived[-1]) < subscribers:  # noqa: ASYNC110 - what is waited for is counted elsewhere
                    await asyncio.sleep(PAUSE_SECONDS)
            cpu_seconds += _cpu_seconds(server.process.pid)
    latencies = [at - done for done, times in zip(committed, arrived, strict=True) for at in times]
    hundredths = statistics.quantiles(latencies, n=100)
    print(
        f"{url.partition('+')[0]}: {subscribers} subscribers, {events} events, {len(latencies)} messages, "
        f"p50 {1000 * hundredths[49]:.1f} ms, p95 {1000 * hundredths[94]:.1f} ms, p99 {1000 * hundredths[98]:.1f} ms, "
        f"{1e6 * cpu_seconds / len(latencies):.0f} us of the server's CPU a message, load {os.getloadavg()[0]:.1f}"
    )


def _cpu_seconds(process_id: int) -> float:
    user, system = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        url = arguments.url or f"sqlite+aiosqlite:///{directory}/events.sqlite3"
        asyncio.run(measure(url, subscribers=arguments.subscribers, events=arguments.events))


if __name__ == "__main__":
    main()
