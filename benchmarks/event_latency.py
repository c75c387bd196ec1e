"""How long after the commit subscribers hear of an event: many WebSockets on one worker.

    python -m benchmarks.event_latency [--subscribers 1000] [--events 100] [--url postgresql+asyncpg://…]

Without a URL a new SQLite file is served. Events are committed by this process, one at a time, ten in a second. What is
measured is the time from before the writing transaction to the arrival of the message at each subscriber; this process
reads them all, so both its writing and its reading are in the figure.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack

from gql_api.database.migrate import upgrade_to_head
from tests.events.outbox import outbox
from tests.http.websocket_client import ASSIGNMENTS, initialised
from tests.server import serving

SETTLED_SECONDS = 3.0
PAUSE_SECONDS = 0.1


async def measure(url: str, *, subscribers: int, events: int) -> None:
    await upgrade_to_head(url)
    begun: dict[int, float] = {}
    latencies: list[float] = []

    async with outbox(url) as process, AsyncExitStack() as stack:
        students, [course] = await process.new_school(students=events, courses=1)
        server = stack.enter_context(serving(url))
        clients = [await stack.enter_async_context(initialised(server.port)) for _ in range(subscribers)]
        for client in clients:
            await client.subscribe(ASSIGNMENTS)
        await asyncio.sleep(SETTLED_SECONDS)

        async def listen(place: int) -> None:
            for number in range(events):
                await clients[place].connection.recv()
                latencies.append(time.perf_counter() - begun[number])

        listening = [asyncio.create_task(listen(place)) for place in range(subscribers)]
        for number, student in enumerate(students):
            begun[number] = time.perf_counter()
            await process.assign(student, course)
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.gather(*listening)
    hundredths = statistics.quantiles(latencies, n=100)
    print(
        f"{url.partition('+')[0]}: {subscribers} subscribers, {events} events, {len(latencies)} messages: "
        f"p50 {1000 * hundredths[49]:.1f} ms, p95 {1000 * hundredths[94]:.1f} ms, p99 {1000 * hundredths[98]:.1f} ms"
    )


def main() -> None:
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
