"""Several processes of the real program over one database, while parts of it are taken away."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import asyncpg
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from gql_api.database.address import parse_database_url
from gql_api.database.visibility import EVERYTHING
from gql_api.errors import DatabaseUnusable
from gql_api.schema.global_id import encode_event_id
from tests.events.outbox import Outbox, outbox
from tests.http.websocket_client import initialised
from tests.server import Server, serving

EVENTS = 1000
SUBSCRIBERS = 50
WRITERS = 4
COURSES = 20
TIMEOUT_SECONDS = 100

QUERY = (
    "subscription ($after: ID) { courseAssignments(after: $after) { id student { databaseId } course { databaseId } } }"
)

pytestmark = pytest.mark.timeout(180)


@contextmanager
def instances(url: str, number: int) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(url, "--workers", "2", may_fail=True)) for _ in range(number)]


def workers(server: Server) -> list[int]:
    """The ids of the processes that serve."""
    listed = subprocess.check_output(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(server.process.pid)], text=True)  # noqa: S603, S607
    return [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]


def connections(process_id: int) -> int:
    """How many a process has: who accepts which is up to the system, and one worker may have got them all."""
    return len(psutil.Process(process_id).net_connections("tcp"))


class Subscriber:
    """Connects again whenever the connection is lost, and resumes after the last event it heard."""

    def __init__(self, port: int, first: str) -> None:
        self.port = port
        self.last = first
        self.heard: list[tuple[int, int]] = []
        self.reconnected = -1

    async def listen(self) -> None:
        while len(self.heard) < EVENTS:
            try:
                self.reconnected += 1
                await self._listen()
            except (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError):
                await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311

    async def has_heard(self, number: int) -> None:
        while len(self.heard) < number:  # noqa: ASYNC110 - simpler than an Event for each number
            await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        async with initialised(self.port) as client:
            await client.subscribe(QUERY, after=self.last)
            while len(self.heard) < EVENTS:
                message = await client.receive()
                if message["type"] == "error":
                    assert message["payload"][0]["extensions"]["code"] == "OVERLOADED", message
                    return
                event = message["payload"]["data"]["courseAssignments"]
                self.last = event["id"]
                self.heard.append((event["student"]["databaseId"], event["course"]["databaseId"]))


async def write(process: Outbox, pairs: list[tuple[int, int]]) -> None:
    """Assign the pairs; what is cut off is done again, and changes nothing if it had been done."""
    for pair in pairs:
        while True:
            try:
                await process.assign(*pair)
                break
            except (DatabaseUnusable, asyncpg.InternalClientError):
                await asyncio.sleep(0.05)


async def cut_connections(url: str) -> int:
    connection = await asyncpg.connect(**parse_database_url(url).asyncpg_arguments())
    cut: int = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    return cut


async def test_each_subscriber_hears_each_event_once_and_in_order_whatever_is_taken_away(
    database_url: str, dialect: str
) -> None:
    servers_wanted = {"postgresql": 2, "sqlite": 1}[dialect]
    async with outbox(database_url) as process, asyncio.timeout(TIMEOUT_SECONDS):
        students, courses = await process.new_school(students=EVENTS // COURSES + 1, courses=COURSES)
        await process.assign(students.pop(), courses[0])
        async with process.log.watch() as watch:
            await watch.settle()
        [first] = await process.log.read_after(0, EVERYTHING)
        pairs = [(student_id, course_id) for student_id in students for course_id in courses]
        random.Random(7).shuffle(pairs)  # noqa: S311
        with instances(database_url, servers_wanted) as servers:
            subscribers = [
                Subscriber(servers[place % len(servers)].port, encode_event_id(first.position))
                for place in range(SUBSCRIBERS)
            ]
            listening = [asyncio.create_task(subscriber.listen()) for subscriber in subscribers]
            writing = [asyncio.create_task(write(process, pairs[place::WRITERS])) for place in range(WRITERS)]
            await subscribers[0].has_heard(EVENTS // 4)
            os.kill(max(workers(servers[0]), key=connections), signal.SIGKILL)
            await subscribers[0].has_heard(EVENTS // 2)
            if dialect == "postgresql":
                assert await cut_connections(database_url) >= 3
            await asyncio.gather(*writing)
            await asyncio.gather(*listening)
        log = await process.log.read_after(first.position, EVERYTHING)
        log += await process.log.read_after(log[-1].position, EVERYTHING)
    order = [(event.student.id, event.course.id) for event in log]
    assert sorted(order) == sorted(pairs)
    assert [subscriber.heard == order for subscriber in subscribers] == [True] * SUBSCRIBERS
    assert sum(subscriber.reconnected for subscriber in subscribers) > 0  # the kill was felt
