"""Transactions on asyncpg itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as postgresql

from gql_api.database.address import DatabaseAddress, Dialect
from gql_api.database.compiled import CompiledStatement, StatementCache
from gql_api.database.connections import NONE_FREE, Connections, NoneFree
from gql_api.database.engine import Timeouts, asyncpg_session_arguments
from gql_api.database.failure import (
    DRIVER_ERRORS,
    LOST_CONNECTION,
    explain_failure,
    explain_refusal,
    explain_statement_failure,
)
from gql_api.database.transaction import Answer, Transaction
from gql_api.errors import DatabaseUnusable, OutcomeUnknown

ResultT = TypeVar("ResultT")


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

    async def run(self, work: Callable[[Transaction], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Do the work in a transaction; see `Transactions.run`."""
        async with self._begin() as transaction:
            result = await work(transaction)
            await transaction.commit()
            return result

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[_PostgresqlTransaction]:
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
