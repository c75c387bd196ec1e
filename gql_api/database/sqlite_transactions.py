"""Transactions on sqlite3 itself, each of them wholly in a thread of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Mapping
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import DatabaseAddress, Dialect
from gql_api.database.compiled import CompiledStatement, StatementCache, sqlite_arguments, with_times
from gql_api.database.connections import NONE_FREE
from gql_api.database.engine import Timeouts, open_sqlite_writer
from gql_api.database.failure import explain_refusal, explain_statement_failure
from gql_api.database.interrupt import interrupt
from gql_api.database.sqlite_file import FileIdentity, file_identity
from gql_api.database.sqlite_group import CommitGroup
from gql_api.database.transaction import Answer, Transaction
from gql_api.database.writer_thread import WriterThread
from gql_api.errors import DatabaseUnusable

ResultT = TypeVar("ResultT")


class SqliteTransactions:
    """Transactions on one connection and one thread: SQLite has one writer, and so has this process.

    The way to the thread and back costs more than most statements. It is gone once for a transaction: the work is
    driven in the thread, where a statement is simply run, so that the work never has to be suspended. And those who
    wait for their turn meanwhile share a COMMIT (`sqlite_group`).
    """

    dialect = Dialect.SQLITE

    def __init__(self, address: DatabaseAddress, *, busy_timeout_seconds: float, timeouts: Timeouts) -> None:
        self._address = address
        self._busy_timeout_seconds = busy_timeout_seconds
        self._turn_seconds = timeouts.pool_seconds
        self._statements = StatementCache(sqlite.dialect())
        self._thread = WriterThread[_SqliteTransaction]("sqlite-writer", self._commit_together)
        self._connection: sqlite3.Connection | None = None
        self._path = address.file
        self._file: FileIdentity | None = None

    async def run(self, work: Callable[[Transaction], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Do the work in a transaction; see `Transactions.run`.

        Writers come in the order of arrival: whoever waits for SQLite's lock looks now and then whether it is free, and
        under load some would look in vain until their time is over.

        Being cancelled interrupts the statement, and does not wait for its end, nor for the transaction's: the wait for
        another process's lock cannot be interrupted. Work that has come to its end is not interrupted, nor undone.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[ResultT] = loop.create_future()
        transaction = _SqliteTransaction(self, work, outcome)
        self._thread.ask(transaction)
        turn = loop.call_later(self._turn_seconds, transaction.miss_turn)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            interrupt(transaction, outcome)
            raise
        finally:
            turn.cancel()

    def _commit_together(self, transactions: Iterator[_SqliteTransaction]) -> None:
        """Do the work of these, and keep it; in the thread."""
        group = CommitGroup(self._connect, self.explain)
        done = []
        for transaction in transactions:
            transaction.do(group)
            done.append(transaction)
        group.commit()
        done[0].outcome.get_loop().call_soon_threadsafe(_tell, done)

    def _connect(self) -> sqlite3.Connection:
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
        """Close the connection when all is done that was begun."""
        await asyncio.to_thread(self._thread.close)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _SqliteTransaction:
    """A transaction that is wholly in the writer's thread; only `interrupt`, `miss_turn` and `tell` are for others."""

    def __init__(
        self,
        transactions: SqliteTransactions,
        work: Callable[[Transaction], Coroutine[Any, Any, Any]],
        outcome: asyncio.Future[Any],
    ) -> None:
        self.outcome = outcome
        self._transactions = transactions
        self._work = work
        self._group: CommitGroup  # from its turn on
        self._connection: sqlite3.Connection | None = None
        self._result: Any = None
        self._error: BaseException | None = None
        # Held by whoever ends the work or interrupts it: no other statement than one of its own must be interrupted.
        self._lock = Lock()
        self._has_turn = False
        self._is_at_end = False
        self._is_given_up = False

    def do(self, group: CommitGroup) -> None:
        """Do the work as a part of the group's, all of it or nothing."""
        self._group = group
        try:
            with self._lock:
                self._check_open()
                self._has_turn = True
            self._result = _driven(self._work(self))
            with self._lock:
                self._check_open()
                self._is_at_end = True
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            self._error = error
            with self._lock:
                self._is_at_end = True
        if self._connection is None:
            return
        if self._error is None:
            group.keep()
        else:
            group.undo()

    def fail(self, error: Exception) -> None:
        """What was done is not kept, whatever came of it."""
        self._error = error

    def tell(self) -> None:
        """Tell whoever waits what has come of it; in the event loop."""
        if self.outcome.done():
            return
        if self._error is None:
            self.outcome.set_result(self._result)
        else:
            self.outcome.set_exception(self._error)
            self.outcome.exception()  # seen: whoever asked may be gone, which the event loop need not complain of

    async def execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        self._check_open()
        compiled = self._transactions.compiled(statement, tuple(parameters))
        arguments = sqlite_arguments(compiled, parameters)
        try:
            cursor = (self._connection or self._begin()).execute(compiled.sql, arguments)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise self._transactions.explain(error) from error
        if compiled.columns:
            return Answer(with_times(compiled, rows), len(rows))
        return Answer((), max(cursor.rowcount, 0))

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        raise NotImplementedError("on SQLite a transaction costs no round trips: there is nothing to be spared")

    def interrupt(self) -> None:
        """Give the transaction up, unless it is at its end: the statement that runs, and any that would follow."""
        with self._lock:
            self._is_given_up = True
            if self._connection is not None and not self._is_at_end:
                self._connection.interrupt()

    def miss_turn(self) -> None:
        """Give the transaction up, and say so, if its turn has not come."""
        with self._lock:
            if self._has_turn:
                return
            self._is_given_up = True
        if not self.outcome.done():
            self.outcome.set_exception(DatabaseUnusable(NONE_FREE))

    def _check_open(self) -> None:
        if self._is_at_end:
            raise RuntimeError("this transaction has ended")
        if self._is_given_up:
            raise asyncio.CancelledError

    def _begin(self) -> sqlite3.Connection:
        self._connection = self._group.begin(self)
        return self._connection


def _tell(transactions: list[_SqliteTransaction]) -> None:
    for transaction in transactions:
        transaction.tell()


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
