"""Transactions on sqlite3 itself, in a thread of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import DatabaseAddress, Dialect
from gql_api.database.compiled import CompiledStatement, StatementCache, sqlite_argument, with_times
from gql_api.database.connections import NONE_FREE
from gql_api.database.engine import Timeouts, open_sqlite_writer
from gql_api.database.failure import explain_refusal, explain_statement_failure
from gql_api.database.interrupt import interrupt
from gql_api.database.sqlite_file import FileIdentity, file_identity
from gql_api.database.transaction import Answer
from gql_api.errors import DatabaseUnusable, OutcomeUnknown

ResultT = TypeVar("ResultT")


class SqliteTransactions:
    """Transactions on one connection and one thread: SQLite has one writer, and so has this process."""

    dialect = Dialect.SQLITE

    def __init__(self, address: DatabaseAddress, *, busy_timeout_seconds: float, timeouts: Timeouts) -> None:
        self._address = address
        self._busy_timeout_seconds = busy_timeout_seconds
        self._turn_seconds = timeouts.pool_seconds
        self._statements = StatementCache(sqlite.dialect())
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._connection: sqlite3.Connection | None = None
        self._file: FileIdentity | None = None
        self._turn = asyncio.Lock()
        self._running: asyncio.Future[Any] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[_SqliteTransaction]:
        """A transaction; see `Transactions.begin`.

        Whoever waits for SQLite's lock looks now and then whether it is free, and under load some look in vain until
        their time is over: so within a process writers come in the order of arrival.
        """
        try:
            async with asyncio.timeout(self._turn_seconds):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DatabaseUnusable(NONE_FREE) from error
        transaction = _SqliteTransaction(self)
        try:
            yield transaction
        except asyncio.CancelledError:
            # Rolled back without being waited for: the wait for another process's lock cannot be interrupted.
            ending = asyncio.create_task(self._end(transaction))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            raise
        except BaseException:
            await self._end(transaction)
            raise
        await self._end(transaction)

    async def _end(self, transaction: _SqliteTransaction) -> None:
        try:
            if self._running is not None and not self._running.done():
                await asyncio.wait([self._running])  # otherwise it might be the rollback that is interrupted
            await transaction.end()
        finally:
            self._turn.release()

    async def run(self, act: Callable[[sqlite3.Connection], ResultT], *, can_be_given_up: bool = True) -> ResultT:
        """Do something with the connection, in its thread.

        Being cancelled interrupts the statement if it `can_be_given_up`, and does not wait for its end.
        """
        running = asyncio.get_running_loop().run_in_executor(self._executor, self._act, act)
        self._running = running
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if can_be_given_up and self._connection is not None:
                interrupt(self._connection, running)
            raise
        except sqlite3.Error as error:
            raise explain_refusal(error) or explain_statement_failure(error, self._address) or error from error

    def _act(self, act: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        if self._connection is None:
            self._file = file_identity(self._address.file)
            self._connection = open_sqlite_writer(self._address, busy_timeout_seconds=self._busy_timeout_seconds)
        return act(self._connection)

    def begin_on(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Begin a transaction on the file that is there now, and give the connection to it; in the thread."""
        if self._file != file_identity(self._address.file):
            self._connection = None
            connection.close()
            return self._act(self.begin_on)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def compiled(self, statement: Executable, names: tuple[str, ...]) -> CompiledStatement:
        """The statement as it is sent."""
        return self._statements.of(statement, names)

    async def close(self) -> None:
        """Close the connection when an open transaction has ended."""
        if self._ending:
            await asyncio.wait(self._ending)
        await asyncio.to_thread(self._executor.shutdown)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _SqliteTransaction:
    def __init__(self, transactions: SqliteTransactions) -> None:
        self._transactions = transactions
        self._began = False

    async def execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        compiled = self._transactions.compiled(statement, tuple(parameters))
        arguments = [sqlite_argument(value) for value in compiled.arguments(parameters)]
        begins, self._began = not self._began, True

        def act(connection: sqlite3.Connection) -> tuple[list[Any], int]:
            if begins:
                connection = self._transactions.begin_on(connection)
            cursor = connection.execute(compiled.sql, arguments)
            rows = cursor.fetchall()
            return rows, cursor.rowcount

        rows, changed = await self._transactions.run(act)
        if compiled.columns:
            return Answer(with_times(rows, compiled.times), len(rows))
        return Answer((), max(changed, 0))

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        raise NotImplementedError("on SQLite a transaction costs no round trips: there is nothing to be spared")

    async def commit(self) -> None:
        if self._began:
            await self._transactions.run(_commit, can_be_given_up=False)

    async def end(self) -> None:
        """Roll back what was not committed."""
        if self._began:
            with suppress(sqlite3.Error, DatabaseUnusable):
                await self._transactions.run(_roll_back, can_be_given_up=False)


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:  # it may have been written all the same
            raise OutcomeUnknown from error
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
