"""The servers, each in a process of its own, on the server's core."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson

from benchmarks.databases import Database
from benchmarks.machine import Cores, pinned
from benchmarks.workloads import JsonObject, Workload

START_SECONDS_MAX: Final = 30
STOP_SECONDS_MAX: Final = 15

OUTPUT_SHOWN: Final = 4000
"""Characters of what a server has written that are shown if something goes wrong."""

ROOT: Final = Path(__file__).parents[1]


class Contender(StrEnum):
    """What is measured."""

    GQL_API = "gql-api"
    STRAWBERRY = "Strawberry"
    HAND_WRITTEN = "hand-written"

    @property
    def is_graphql(self) -> bool:
        """Whether it takes GraphQL documents."""
        return self is not Contender.HAND_WRITTEN


@dataclass(frozen=True, slots=True)
class Server:
    """A contender that listens on 127.0.0.1."""

    contender: Contender
    database: Database
    port: int
    pid: int

    def request(self, workload: Workload, variables: JsonObject) -> bytes:
        """The bytes of the HTTP request."""
        document = {"query": workload.document} if self.contender.is_graphql else {}
        return self.request_of(f"/{workload}", document | {"variables": variables})

    def request_of(self, path: str, content: JsonObject) -> bytes:
        """The bytes of a POST; a GraphQL server has one path for all."""
        body = orjson.dumps(content)
        head = (
            f"POST {'/graphql' if self.contender.is_graphql else path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@asynccontextmanager
async def serving(
    contender: Contender,
    database: Database,
    cores: Cores,
    *,
    database_url: str | None = None,
    python_arguments: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> AsyncIterator[Server]:
    """Start a server, wait until it listens, and end it with the context.

    Args:
        contender: which one.
        database: what it serves.
        cores: it gets the server's.
        database_url: where it connects instead, to a proxy for instance.
        python_arguments: what stands between `python` and `-m`: another module that runs this one.
        environment: further variables.

    Raises:
        RuntimeError: it ended, or does not listen in time. Its output is a note to this and to any other error.
    """
    url = database_url or database.url_text
    port = _free_port()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GQL_API_")}
    variables |= {"PYTHONPATH": str(ROOT), "DATABASE_URL": url, "GQL_API_DATABASE_URL": url} | (environment or {})
    with tempfile.TemporaryFile("w+b") as output:
        with pinned(cores.server):
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own program, and nothing else is going on
                [sys.executable, *python_arguments, "-m", *_command(contender, database, port)],
                env=variables,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            await _wait_until_it_listens(process, port)
            yield Server(contender, database, port, process.pid)
        except Exception as error:
            output.seek(0)
            if written := output.read().decode(errors="replace"):
                error.add_note(f"{contender} has written:\n{written[-OUTPUT_SHOWN:]}")
            raise
        finally:
            await _stop(process)


def _command(contender: Contender, database: Database, port: int) -> list[str]:
    match contender:
        case Contender.GQL_API:
            return ["gql_api", "serve", "--port", str(port)]
        case Contender.STRAWBERRY:
            module = "strawberry_documented"
        case Contender.HAND_WRITTEN:
            module = f"hand_written_{database.dialect}"
    options = "--loop uvloop --http httptools --no-access-log --log-level warning"
    return ["uvicorn", f"benchmarks.servers.{module}:app", "--port", str(port), *options.split()]


async def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError("a server did not start")


async def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        await asyncio.to_thread(process.wait, STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
