"""Statements per request, counted on the wire: a proxy stands between a server and PostgreSQL and reads along.

So nothing has to be configured in either of them, and all drivers are counted alike: an Execute or a simple Query of
the protocol (PostgreSQL documentation, 55.7 Message Formats) is one statement, BEGIN and COMMIT included.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from benchmarks.contenders import Contender, serving
from benchmarks.databases import Database
from benchmarks.exchanges import verified_exchanges
from benchmarks.load import ask
from benchmarks.machine import Cores
from benchmarks.workloads import Workload

REQUESTS: Final = 20
"""Requests over which is counted, one after another."""

TEXT_LENGTH_MAX: Final = 400
"""Characters of a statement that are kept."""

_CHUNK_BYTES: Final = 65536


@dataclass(slots=True)
class Tap:
    """A proxy's notes.

    Attributes:
        url: where to connect instead.
        statements: the texts of all statements since it was last cleared.
    """

    url: str
    statements: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Statements:
    """What a request leads to.

    Attributes:
        texts: of the statements that each request runs, shortened.
        besides: the number of those that are run now and then, per request: by what works in the background.
    """

    texts: list[str]
    besides: float

    @classmethod
    def per_request(cls, texts: Sequence[str], requests: int) -> Statements:
        """Tell from the texts of so many requests together."""
        times = Counter(re.sub(r"\s+", " ", text)[:TEXT_LENGTH_MAX] for text in texts)
        each_time = [text for text, number in times.items() for _ in range(number // requests)]
        return cls(each_time, sum(number % requests for number in times.values()) / requests)


async def count_statements(
    database: Database, cores: Cores, workloads: Sequence[Workload]
) -> dict[str, dict[str, Statements]]:
    """Count for each server and workload, over PostgreSQL."""
    found: dict[str, dict[str, Statements]] = {}
    for contender in Contender:
        async with _tapped(database) as tap, serving(contender, database, cores, database_url=tap.url) as server:
            for workload in workloads:
                exchanges = await verified_exchanges(server, workload)  # prepares the statements, too
                requests = iter(exchanges)
                for _ in range(REQUESTS):
                    await ask(server.port, next(requests).request)
                tap.statements.clear()
                for _ in range(REQUESTS):
                    await ask(server.port, next(requests).request)
                found.setdefault(contender, {})[workload] = Statements.per_request(tap.statements, REQUESTS)
                await exchanges.clean_up()
    return found


@asynccontextmanager
async def _tapped(database: Database) -> AsyncIterator[Tap]:
    with tempfile.TemporaryDirectory(prefix="gql_api_tap_") as directory:
        there = database.url
        url = URL.create(
            there.drivername, there.username, there.password, database=there.database, query={"host": directory}
        )
        tap = Tap(url.render_as_string(hide_password=False))
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            upstream_reader, upstream_writer = await _connect(database)
            for coroutine in (_read_along(reader, upstream_writer, tap), _forward(upstream_reader, writer)):
                task = asyncio.create_task(coroutine)
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        async with await asyncio.start_unix_server(accept, Path(directory) / ".s.PGSQL.5432"):
            yield tap
        for task in tasks:
            task.cancel()


async def _connect(database: Database) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    directory = database.url.query.get("host")
    if isinstance(directory, str) and directory.startswith("/"):
        return await asyncio.open_unix_connection(f"{directory}/.s.PGSQL.{database.url.port or 5432}")
    return await asyncio.open_connection(database.url.host, database.url.port or 5432)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(data)
    writer.close()


async def _read_along(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: Tap) -> None:
    text_by_statement: dict[bytes, str] = {}
    statement_by_portal: dict[bytes, bytes] = {}
    try:
        length = await reader.readexactly(4)  # the start-up message is the only one without a letter
        writer.write(length + await reader.readexactly(int.from_bytes(length) - 4))
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            first, _, rest = body.partition(b"\0")
            match head[:1]:
                case b"P":  # Parse: statement, text
                    text_by_statement[first] = rest.partition(b"\0")[0].decode()
                case b"B":  # Bind: portal, statement
                    statement_by_portal[first] = rest.partition(b"\0")[0]
                case b"E":  # Execute: portal
                    tap.statements.append(text_by_statement[statement_by_portal[first]])
                case b"Q":
                    tap.statements.append(first.decode())
            writer.write(head + body)
    except asyncio.IncompleteReadError:
        writer.close()
