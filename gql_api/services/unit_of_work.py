"""One transaction at a time: opened at an edge, handed to services, ended where it was opened."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import CursorResult, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gql_api.errors import DatabaseUnusable

ATTEMPTS_MAX: Final = 5
"""How often a unit of work is begun before its conflicts with others are reported."""

PAUSE_SECONDS_MAX: Final = 0.02
"""The longest pause before the second attempt; before the third it is twice that, and so on."""

# PostgreSQL's serialization_failure and deadlock_detected: nothing was done, and the next attempt may well succeed.
_RETRYABLE_SQLSTATES: Final = frozenset({"40001", "40P01"})

_NONE_FREE: Final = "No connection to the database became free in time."

ResultT = TypeVar("ResultT")


class Overtaken(Exception):
    """Another transaction has changed what this one goes by; a new attempt will see it as it is now."""


class UnitOfWork:
    """An open transaction, on one connection, for one task; what it did is kept only if `commit` was said.

    It begins with its first statement. After a statement that failed or was cancelled it cannot be committed any more:
    PostgreSQL would answer such a COMMIT with a silent ROLLBACK, SQLite would keep half of the work.
    """

    __slots__ = ("_connection", "_ended")

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._ended: str | None = None

    @property
    def dialect_name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement; the rows of its result are read already.

        Raises:
            DatabaseUnusable: the database is away, locked or read-only.
            DBAPIError: the statement failed otherwise, e.g. as IntegrityError.
        """
        self._check_open()
        try:
            return await self._connection.execute(statement, parameters)
        except BaseException:
            self._ended = "was given up after a statement that failed"
            raise

    async def commit(self) -> None:
        """Keep what was done. The unit of work is at its end then, also if this fails.

        Raises:
            DatabaseUnusable: the connection broke; whether the work was kept is known to the database alone.
        """
        self._check_open()
        self._ended = "was committed"
        await self._connection.commit()

    def _check_open(self) -> None:
        if self._ended is not None:
            raise RuntimeError(f"this unit of work {self._ended}")


class UnitsOfWork:
    """Opens units of work; safe to be used by many tasks at once, which get a connection each.

    Only what is made here can be handed to a service: a connection that reads in autocommit is no unit of work.

    Args:
        engine: where the connections come from.
        turn_seconds_max: how long to wait, on SQLite, for the units of work that came before.

    See Also:
        `create_engine`: the isolation level is READ COMMITTED on PostgreSQL, so that a statement that follows a lock
        sees what the lock's last holder did; on SQLite a transaction holds the write lock from its beginning.
    """

    def __init__(self, engine: AsyncEngine, *, turn_seconds_max: float = 10.0) -> None:
        if engine.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            raise ValueError("an engine in autocommit reads: with it every statement of a unit of work would be kept")
        self._engine = engine
        self._turn_seconds_max = turn_seconds_max
        self._writer = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that ends with the block: rolled back unless it was committed.

        Raises:
            DatabaseUnusable: no connection can be made, or none became free in time.
        """
        try:
            async with self._turn(), self._engine.connect() as connection:
                yield UnitOfWork(connection)
        except PoolTimeoutError as error:
            raise DatabaseUnusable(_NONE_FREE) from error

    async def run(self, use_case: Callable[[UnitOfWork], Awaitable[ResultT]]) -> ResultT:
        """Do one thing wholly: open a unit of work, call `use_case` with it, commit, and give back its result.

        Where others stood in the way (a deadlock, a failed serialization, `Overtaken`) it is done again from the
        beginning, ATTEMPTS_MAX times in all, so `use_case` should do nothing but use its unit of work.

        Raises:
            DatabaseUnusable: the database is away or locked, or others stood in the way of every attempt.
            DomainError: whatever `use_case` raises; nothing is kept then.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self.open() as uow:
                    result = await use_case(uow)
                    await uow.commit()
                    return result
            except (DBAPIError, Overtaken) as error:
                if not _is_retryable(error):
                    raise
                if attempt == ATTEMPTS_MAX:
                    raise DatabaseUnusable("Too many others are changing the same rows.") from error
            # Of different length for each, so that those who collided do not collide again.
            await asyncio.sleep(random.uniform(0, PAUSE_SECONDS_MAX * attempt))  # noqa: S311 - not a secret
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        # SQLite has one writer. Whoever waits for its lock looks now and then whether it is free, and under load some
        # look in vain until their time is over: so within a process writers come in the order of arrival.
        if self._writer is None:
            yield
            return
        try:
            async with asyncio.timeout(self._turn_seconds_max):
                await self._writer.acquire()
        except TimeoutError as error:
            raise DatabaseUnusable(_NONE_FREE) from error
        try:
            yield
        finally:
            self._writer.release()


def _is_retryable(error: DBAPIError | Overtaken) -> bool:
    return isinstance(error, Overtaken) or getattr(error.orig, "sqlstate", None) in _RETRYABLE_SQLSTATES
