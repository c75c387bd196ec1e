"""Transactions on sqlite3 itself, each of them wholly in a thread of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
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
from gql_api.database.transaction import Answer, Transaction
from gql_api.database.writer_thread import WriterThread
from gql_api.errors import DatabaseUnusable, OutcomeUnknown

ResultT = TypeVar("ResultT")


class SqliteTransactions:
    """Transactions on one connection and one thread: SQLite has one writer, and so has this process.

    The way to the thread and back costs more than most statements. It is gone once for a transaction: the work is
    driven in the thread, where a statement is simply run, so that the work never has to be suspended.
    """

    dialect = Dialect.SQLITE

    def __init__(self, address: DatabaseAddress, *, busy_timeout_seconds: float, timeouts: Timeouts) -> None:
        self._address = address
        self._busy_timeout_seconds = busy_timeout_seconds
        self._turn_seconds = timeouts.pool_seconds
        self._statements = StatementCache(sqlite.dialect())
        self._thread = WriterThread("sqlite-writer")
        self._connection: sqlite3.Connection | None = None
        self._path = address.file
        self._file: FileIdentity | None = None

    async def run(self, work: Callable[[Transaction], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Do the work in a transaction; see `Transactions.run`.

        Writers come in the order of arrival: whoever waits for SQLite's lock looks now and then whether it is free, and
        under load some would look in vain until their time is over.

        Being cancelled interrupts the statement, and does not wait for its end, nor for the transaction's: the wait for
        another process's lock cannot be interrupted. A COMMIT that has begun is not interrupted.
        """
        transaction = _SqliteTransaction(self)
        outcome = self._thread.do(partial(transaction.run, work))
        turn = outcome.get_loop().call_later(self._turn_seconds, _miss_turn, transaction, outcome)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            interrupt(transaction, outcome)
            raise
        finally:
            turn.cancel()

    def connection(self) -> sqlite3.Connection:
        """The connection to the file that is there now; in the thread."""
        file = file_identity(self._path)
        if self._connection is not None and self._file != file:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = open_sqlite_writer(self._address, busy_timeout_seconds=self._busy_timeout_seconds)
            self._file = file
        return self._connection

    def compiled(self, statement: Executable, names: tuple[str, ...]) -> CompiledStatement:
        """The statement as it is sent."""
        return self._statements.of(statement, names)

    def explain(self, error: sqlite3.Error) -> Exception:
        """What a driver's error means to whoever runs the transaction."""
        return explain_refusal(error) or explain_statement_failure(error, self._address) or error

    async def close(self) -> None:
        """Close the connection when an open transaction has ended."""
        await asyncio.to_thread(self._thread.close)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _SqliteTransaction:
    """A transaction that is wholly in the writer's thread; only `interrupt` and `miss_turn` are for others."""

    def __init__(self, transactions: SqliteTransactions) -> None:
        self._transactions = transactions
        self._connection: sqlite3.Connection | None = None
        # Held by whoever ends the transaction or interrupts it: neither COMMIT nor ROLLBACK must be interrupted.
        self._end = Lock()
        self._has_turn = False
        self._is_ending = False
        self._is_given_up = False

    def run(self, work: Callable[[Transaction], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Do the work and keep it, or nothing of it."""
        with self._end:
            self._check_open()
            self._has_turn = True
        try:
            result = _driven(work(self))
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        return result

    async def execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        self._check_open()
        compiled = self._transactions.compiled(statement, tuple(parameters))
        arguments = [sqlite_argument(value) for value in compiled.arguments(parameters)]
        try:
            cursor = (self._connection or self._begin()).execute(compiled.sql, arguments)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise self._transactions.explain(error) from error
        if compiled.columns:
            return Answer(with_times(rows, compiled.times), len(rows))
        return Answer((), max(cursor.rowcount, 0))

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        raise NotImplementedError("on SQLite a transaction costs no round trips: there is nothing to be spared")

    def interrupt(self) -> None:
        """Give the transaction up, unless it is at its end: the statement that runs, and any that would follow."""
        with self._end:
            self._is_given_up = True
            if self._connection is not None and not self._is_ending:
                self._connection.interrupt()

    def miss_turn(self) -> bool:
        """Give the transaction up if its turn has not come, and say whether that is so; from another thread."""
        with self._end:
            if not self._has_turn:
                self._is_given_up = True
            return not self._has_turn

    def _check_open(self) -> None:
        if self._is_ending:
            raise RuntimeError("this transaction has ended")
        if self._is_given_up:
            raise asyncio.CancelledError

    def _begin(self) -> sqlite3.Connection:
        connection = self._transactions.connection()
        connection.execute("BEGIN IMMEDIATE")
        self._connection = connection
        return connection

    def _commit(self) -> None:
        with self._end:
            self._check_open()
            self._is_ending = True
        if self._connection is None:
            return
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:  # it may have been written all the same
                raise OutcomeUnknown from error
            raise self._transactions.explain(error) from error

    def _roll_back(self) -> None:
        with self._end:
            self._is_ending = True
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")


def _miss_turn(transaction: _SqliteTransaction, outcome: asyncio.Future[Any]) -> None:
    if not outcome.done() and transaction.miss_turn():
        outcome.set_exception(DatabaseUnusable(NONE_FREE))


def _driven(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of work that is never suspended.

    Raises:
        RuntimeError: it was: it awaits something that belongs to an event loop, of which this thread has none.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: ResultT = end.value
        return result
    work.close()
    raise RuntimeError("this work awaits something other than its transaction, which on SQLite it cannot")
