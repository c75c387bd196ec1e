"""Statements per request, counted on the wire: a proxy stands between a server and PostgreSQL and reads along.

So nothing has to be configured in either of them, and all drivers are counted alike: an Execute or a simple Query of
the protocol (PostgreSQL documentation, 55.7 Message Formats) is one statement, BEGIN and COMMIT included.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.contenders import Contender, serving
from benchmarks.databases import Database
from benchmarks.exchanges import verified_exchanges
from benchmarks.load import ask
from benchmarks.machine import Cores
from benchmarks.workloads import Workload

REQUESTS: Final = 20
"""Requests over which is counted, one after another; the number of statements must divide by it."""

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


async def count_statements(
    database: Database, cores: Cores, workloads: Sequence[Workload]
) -> dict[str, dict[str, list[str]]]:
    """The statements that one request of each workload leads to, of each server: their texts, shortened.

    Raises:
        RuntimeError: not every request led to as many.
    """
    found: dict[str, dict[str, list[str]]] = {}
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
                if len(tap.statements) % REQUESTS:
                    raise RuntimeError(f"{REQUESTS} requests led to {len(tap.statements)} statements")
                a_request = tap.statements[: len(tap.statements) // REQUESTS]
                found.setdefault(contender, {})[workload] = [re.sub(r"\s+", " ", text)[:200] for text in a_request]
                await exchanges.clean_up()
    return found


@asynccontextmanager
async def _tapped(database: Database) -> AsyncIterator[Tap]:
    with tempfile.TemporaryDirectory(prefix="gql_api_tap_") as directory:
        url = database.url.set(host=None, port=None, query={"host": directory})
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
