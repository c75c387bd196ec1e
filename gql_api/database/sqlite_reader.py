"""Reading SQLite: short statements where they are asked for, long ones on threads of our own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import DatabaseAddress
from gql_api.database.compiled import (
    Columns,
    CompiledStatement,
    Records,
    StatementCache,
    columns_of,
    sqlite_arguments,
    with_times,
)
from gql_api.database.engine import open_sqlite_reader
from gql_api.database.failure import explain_statement_failure
from gql_api.database.interrupt import interrupt
from gql_api.database.short_reads import ShortReads
from gql_api.database.sqlite_file import FileIdentity, file_identity
from gql_api.errors import DatabaseUnusable

ResultT = TypeVar("ResultT")

FILE_CHECK_SECONDS = 0.1
"""How long a file that was removed or replaced may still be read: looking costs 3 µs, too much for each statement."""


class SqliteReader:
    """Reads what is short on the event loop's thread, the rest on a few others, on a read-only connection each.

    What is short shows by trying: a statement that exceeds its budget of time is begun anew on a thread, and so is one
    that finds the database locked, for on the loop nobody waits. Reading twice does no harm.
    """

    def __init__(
        self, address: DatabaseAddress, *, threads: int, busy_timeout_seconds: float, inline_seconds: float
    ) -> None:
        self._address = address
        self._busy_timeout_seconds = busy_timeout_seconds
        self._statements = StatementCache(sqlite.dialect())
        self._short_reads = ShortReads(budget_seconds=inline_seconds)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sqlite-reader")
        self._idle: list[sqlite3.Connection] = []
        self._file: FileIdentity | None = None
        self._file_checked_at = 0.0
        self._of_other_file: set[sqlite3.Connection] = set()
        self._running: dict[asyncio.Future[list[Any]], sqlite3.Connection] = {}
        self._places = asyncio.Semaphore(threads)
        self._closed = False

    def fetch(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Coroutine[Any, Any, Records]:
        """Run a statement; see `Reader.fetch`. Being cancelled interrupts the statement, and does not wait for its end.

        A page of the file that the system does not have in memory keeps the event loop waiting for the disk.

        Raises:
            DatabaseUnusable: the file is missing, locked or damaged, or the reader was closed.
        """
        return self._fetch(self._statements.get(build, *shape), values, with_times)

    def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Coroutine[Any, Any, Columns]:
        """Run a statement; see `Reader.fetch_columns`, and `fetch`."""
        return self._fetch(self._statements.get(build, *shape), values, columns_of)

    async def _fetch(
        self,
        statement: CompiledStatement,
        values: Mapping[str, Any],
        give: Callable[[CompiledStatement, list[Any]], ResultT],
    ) -> ResultT:
        arguments = sqlite_arguments(statement, values)
        sql = statement.text(values)
        try:
            records = self._read_here(statement.sql, sql, arguments)
            if records is None:
                records = await self._read_on_thread(sql, arguments)
            elif self._short_reads.have_held_the_loop:
                await self._short_reads.give_way()
        except sqlite3.Error as error:
            if self._closed:
                raise self._closed_error() from error
            raise explain_statement_failure(error, self._address) or error from error
        return give(statement, records)

    def _read_here(self, shape: str, sql: str, arguments: list[Any]) -> list[Any] | None:
        self._check_file()
        if self._idle and self._short_reads.lacks_connection:
            self._short_reads.adopt(self._idle.pop())
        return self._short_reads.read(shape, sql, arguments)

    async def _read_on_thread(self, sql: str, arguments: list[Any]) -> list[Any]:
        await self._places.acquire()
        running = self._start(sql, arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if running in self._running:
                interrupt(self._running[running], running)
            raise

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        self._closed = True
        for running, connection in self._running.items():
            interrupt(connection, running)
        if self._running:
            await asyncio.wait(list(self._running))
        self._close_unused()
        self._executor.shutdown()

    def _start(self, sql: str, arguments: list[Any]) -> asyncio.Future[list[Any]]:
        """Run a statement on a thread, in the place that was acquired; when it ends, the place is free again."""
        self._check_file()
        try:
            connection = self._idle.pop() if self._idle else self._connect()
        except BaseException:
            self._places.release()
            raise
        running = asyncio.get_running_loop().run_in_executor(self._executor, _run, connection, sql, arguments)
        self._running[running] = connection
        # Not when the caller is done waiting: a statement that was interrupted still has its connection and thread.
        running.add_done_callback(self._end)
        return running

    def _end(self, running: asyncio.Future[list[Any]]) -> None:
        connection = self._running.pop(running)
        if running.exception() is not None or self._closed or connection in self._of_other_file:
            self._of_other_file.discard(connection)
            connection.close()
        else:
            self._idle.append(connection)
        self._places.release()

    def _check_file(self) -> None:
        """Forget the connections to a file that was removed or replaced, if it is time to look."""
        now = monotonic()
        if now - self._file_checked_at <= FILE_CHECK_SECONDS:
            return
        self._file_checked_at = now
        found = file_identity(self._address.file)
        if found != self._file:
            self._file = found
            self._close_unused()
            self._of_other_file.update(self._running.values())

    def _close_unused(self) -> None:
        self._short_reads.close()
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise self._closed_error()
        return open_sqlite_reader(self._address, busy_timeout_seconds=self._busy_timeout_seconds)

    def _closed_error(self) -> DatabaseUnusable:
        return DatabaseUnusable(f"The database file {self._address.file} was closed: the program is ending.")


def _run(connection: sqlite3.Connection, sql: str, arguments: list[Any]) -> list[Any]:
    return connection.execute(sql, arguments).fetchall()
