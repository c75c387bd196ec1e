"""Transactions on the drivers themselves.

As on the read path, SQLAlchemy writes the statements and its execution layer stays away: an assignment is two
statements, and would spend three times their cost in it. A transaction belongs to one task. It begins with its first
statement, and is rolled back unless `commit` was said.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.database.compiled import CompiledStatement, StatementCache, sqlite_argument, with_times
from gql_api.database.connections import NONE_FREE, Connections, NoneFree
from gql_api.database.engine import TIMEOUTS, Timeouts, asyncpg_session_arguments, open_sqlite_writer
from gql_api.database.failure import (
    DRIVER_ERRORS,
    LOST_CONNECTION,
    explain_failure,
    explain_refusal,
    explain_statement_failure,
)
from gql_api.database.interrupt import interrupt
from gql_api.database.sqlite_file import FileIdentity, file_identity
from gql_api.errors import DatabaseUnusable, OutcomeUnknown

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave back.

    Attributes:
        rows: the rows that it returned; none if it returns none.
        row_count: how many rows it returned or, returning none, changed.
    """

    rows: Sequence[Sequence[Any]]
    row_count: int

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self.rows)

    def one(self) -> Sequence[Any]:
        """The only row."""
        (row,) = self.rows
        return row

    def one_or_none(self) -> Sequence[Any] | None:
        """The only row, or None if there is none."""
        return self.one() if self.rows else None

    def scalar_one(self) -> Any:
        """The first column of the only row."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any | None:
        """The first column of the only row, or None if there is none."""
        return self.one()[0] if self.rows else None


class Transaction(Protocol):
    """One transaction of one task."""

    async def execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        """Run a statement; the first one begins the transaction.

        The compiled text is kept by the statement's identity and the names of the parameters, so statements should be
        made once.

        Raises:
            DatabaseUnusable: the database is away, locked, read-only or full.
            ConstraintViolated: the statement breaks a constraint.
            TransactionOverrun: other transactions stood in the way; it may be tried again from the beginning.
        """
        ...

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        """Run a statement outside of the transaction, which has not begun; it is kept as soon as it succeeds.

        Returns:
            None if the connection broke, as one does that was idle for long; the transaction can begin on another one.

        Raises:
            DatabaseUnusable, ConstraintViolated, TransactionOverrun: as for `execute`.
        """
        ...

    async def commit(self) -> None:
        """Keep what was done.

        Raises:
            OutcomeUnknown: the database broke off before it could say whether it was kept.
            DatabaseUnusable, TransactionOverrun: it was not kept.
        """
        ...


class Transactions(Protocol):
    """Begins transactions; safe to be used by many tasks at once."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of the statements."""
        ...

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that ends with the block, rolled back unless it was committed.

        Raises:
            DatabaseUnusable: no connection can be made, or none became free in time.
        """
        ...

    async def close(self) -> None:
        """Close all connections; open transactions are given up."""
        ...


def create_transactions(
    url: str, *, pool_size: int = 10, busy_timeout_seconds: float = 5.0, timeouts: Timeouts = TIMEOUTS
) -> Transactions:
    """Make the transactions of a database; connections are opened when they are first needed.

    Args:
        url: as for `database.engine.create_engine`.
        pool_size: transactions at once, on PostgreSQL; SQLite has one writer at a time.
        busy_timeout_seconds: how long to wait for SQLite's lock, where other processes write too.
        timeouts: how long anything else may wait.
    """
    address = parse_database_url(url)
    if address.dialect is Dialect.SQLITE:
        return SqliteTransactions(address, busy_timeout_seconds=busy_timeout_seconds, timeouts=timeouts)
    return PostgresqlTransactions(address, pool_size=pool_size, timeouts=timeouts)


class PostgresqlTransactions:
    """Transactions over asyncpg's connections, at READ COMMITTED."""

    dialect = Dialect.POSTGRESQL

    def __init__(self, address: DatabaseAddress, *, pool_size: int, timeouts: Timeouts) -> None:
        self._address = address
        self._statements = StatementCache(postgresql.dialect())  # type: ignore[no-untyped-call]
        self._connections = Connections(
            {**address.asyncpg_arguments(), **asyncpg_session_arguments(timeouts=timeouts)},
            size=pool_size,
            wait_seconds=timeouts.pool_seconds,
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[_PostgresqlTransaction]:
        """A transaction; see `Transactions.begin`."""
        try:
            connection = await self._connections.take()
        except NoneFree as error:
            raise DatabaseUnusable(NONE_FREE) from error
        except DRIVER_ERRORS as error:
            raise explain_failure(error, self._address) or error from error
        transaction = _PostgresqlTransaction(self, connection)
        try:
            yield transaction
        except asyncio.CancelledError:
            # Rolled back without being waited for: the server may have to be persuaded first to let the statement go.
            self._connections.put_cancelled(transaction.connection, committing=transaction.committing)
            raise
        except BaseException:
            await self._end(transaction)
            raise
        await self._end(transaction)

    async def _end(self, transaction: _PostgresqlTransaction) -> None:
        try:
            await transaction.end()
        finally:
            self._connections.put(transaction.connection)

    async def replace(self, broken: Any) -> Any:
        """A new connection for one that turned out to be broken before anything was done on it."""
        broken.terminate()  # it may not know of it yet, and would be handed out again
        self._connections.put(broken)
        self._connections.drop_idle()
        return await self._connections.take()

    def compiled(self, statement: Executable, names: tuple[str, ...]) -> CompiledStatement:
        """The statement as it is sent."""
        return self._statements.of(statement, names)

    def explain(self, error: Exception) -> Exception:
        """What a driver's error means to whoever runs the transaction."""
        return explain_refusal(error) or explain_statement_failure(error, self._address) or error

    async def close(self) -> None:
        """Close all connections; open transactions are given up."""
        await self._connections.close()


class _PostgresqlTransaction:
    def __init__(self, transactions: PostgresqlTransactions, connection: Any) -> None:
        self._transactions = transactions
        self.connection = connection
        self.committing: asyncio.Future[Any] | None = None
        self._open = False

    async def execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        try:
            if not self._open:
                await self._begin()
            return await self._execute(statement, parameters)
        except DRIVER_ERRORS as error:
            raise self._transactions.explain(error) from error

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        try:
            return await self._execute(statement, parameters)
        except LOST_CONNECTION:
            self.connection.terminate()  # it may not know of it yet; `_begin` replaces it
            return None
        except DRIVER_ERRORS as error:
            raise self._transactions.explain(error) from error

    async def _execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        compiled = self._transactions.compiled(statement, tuple(parameters))
        arguments = compiled.arguments(parameters)
        if compiled.columns:
            rows = await self.connection.fetch(compiled.sql, *arguments)
            return Answer(rows, len(rows))
        status: str = await self.connection.execute(compiled.sql, *arguments)
        changed = status.rpartition(" ")[2]
        return Answer((), int(changed) if changed.isdigit() else 0)

    async def _begin(self) -> None:
        if self.connection.is_closed():
            self.connection = await self._transactions.replace(self.connection)
        try:
            await self.connection.execute("BEGIN")
        except LOST_CONNECTION:
            # It broke while it was idle, which shows only now.
            self.connection = await self._transactions.replace(self.connection)
            await self.connection.execute("BEGIN")
        self._open = True

    async def commit(self) -> None:
        if not self._open:
            return
        if self.connection.is_closed():
            raise DatabaseUnusable("The database ended the connection before the transaction was committed.")
        # A task of its own: once it was sent it comes to its end, whoever is cancelled while waiting for that.
        self.committing = asyncio.ensure_future(self.connection.execute("COMMIT"))
        try:
            await asyncio.shield(self.committing)
        except (OSError, asyncpg.InterfaceError, *LOST_CONNECTION) as error:
            raise OutcomeUnknown from error
        except DRIVER_ERRORS as error:
            raise self._transactions.explain(error) from error
        self._open = False

    async def end(self) -> None:
        """Roll back what was not committed; a connection on which that fails is of no more use."""
        if self.connection.is_closed() or not (self._open or self.connection.is_in_transaction()):
            return
        try:
            await self.connection.execute("ROLLBACK")
        except DRIVER_ERRORS:
            self.connection.terminate()
        except BaseException:
            self.connection.terminate()
            raise


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
