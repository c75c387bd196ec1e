"""One transaction for one use case: begun at an edge, handed to services, ended where it was begun."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sqlalchemy import Executable

from gql_api.database.address import Dialect
from gql_api.database.failure import TransactionOverrun
from gql_api.database.transaction import Answer, Transaction, Transactions
from gql_api.errors import DatabaseUnusable
from gql_api.services.actor import Actor

ATTEMPTS_MAX: Final = 5
"""How often a unit of work is begun before its conflicts with others are reported."""

PAUSE_SECONDS_MAX: Final = 0.02
"""The longest pause before the second attempt; before the third it is twice that, and so on."""

ResultT = TypeVar("ResultT")


class Overtaken(Exception):
    """Another transaction has changed what this one goes by; a new attempt will see it as it is now."""


class UnitOfWork:
    """An open transaction, on one connection, for one use case; `UnitsOfWork.run` keeps what was done in it.

    It begins with its first statement. After a statement that failed or was cancelled it cannot be kept any more:
    PostgreSQL would answer a COMMIT with a silent ROLLBACK, SQLite would keep half of the work.

    Attributes:
        actor: on whose behalf it is done, for the audit; None where nobody is identified.
        announces: whether events were recorded, for which somebody waits.
        statements: how many were run so far, its beginning and its end apart.
    """

    __slots__ = ("_ended", "_transaction", "actor", "announces", "dialect_name", "is_alone", "statements")

    def __init__(
        self,
        transaction: Transaction,
        dialect_name: str,
        *,
        actor: Actor | None = None,
        is_alone: bool = False,
    ) -> None:
        self._transaction = transaction
        self._ended: str | None = None
        self.actor = actor
        self.announces = False
        self.dialect_name = dialect_name
        self.is_alone = is_alone
        self.statements = 0

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        """Run a statement that does all there is to do: it is kept as soon as it succeeds, without BEGIN and COMMIT.

        Only for whoever `is_alone`, as the first statement. Whether it failed or did too little, the unit of work is as
        it was before, and the work can be done in the usual way.

        Returns:
            None where the connection broke: whether anything was done is not known.

        Raises:
            DatabaseUnusable: the database is away, locked or read-only.
            ConstraintViolated: the statement breaks a constraint.
            TransactionOverrun: others stood in the way.
        """
        self._check_open()
        if not self.is_alone:
            raise RuntimeError("this unit of work may hold more than one statement")
        self.statements += 1
        return await self._transaction.execute_alone(statement, parameters)

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] = MappingProxyType({})) -> Answer:
        """Run one statement; see `Transaction.execute`.

        Raises:
            DatabaseUnusable: the database is away, locked or read-only.
            ConstraintViolated: the statement breaks a constraint.
            TransactionOverrun: others stood in the way.
        """
        self._check_open()
        self.statements += 1
        try:
            return await self._transaction.execute(statement, parameters)
        except BaseException:
            self._ended = "was given up after a statement that failed"
            raise

    def announce(self) -> None:
        """Say that events were recorded: once they are committed, those who wait for them are woken."""
        self.announces = True

    def end(self) -> None:
        """Say that all was done that is to be kept.

        Raises:
            RuntimeError: a statement has failed, so that it must not be kept.
        """
        self._check_open()
        self._ended = "has ended"

    def _check_open(self) -> None:
        if self._ended is not None:
            raise RuntimeError(f"this unit of work {self._ended}")


class UnitsOfWork:
    """Runs use cases; safe to be used by many tasks at once, which get a unit of work each.

    Only what is made here can be handed to a service: a reader, which runs in autocommit, is no unit of work.

    Args:
        transactions: where the transactions come from.
        on_announced: called after each commit of a unit of work that has recorded events, by the task that ran it.

    See Also:
        `database.transaction`: the isolation level is READ COMMITTED on PostgreSQL, so that a statement that follows
        a lock sees what the lock's last holder did; on SQLite a transaction holds the write lock from its beginning.
    """

    def __init__(self, transactions: Transactions, *, on_announced: Callable[[], None] | None = None) -> None:
        self._transactions = transactions
        self._on_announced = on_announced

    async def run_alone(
        self, use_case: Callable[[UnitOfWork], Awaitable[ResultT]], *, actor: Actor | None = None
    ) -> ResultT:
        """`run` a single use case, with which nothing else has to be kept or lost together.

        On PostgreSQL a use case that can do its work in one statement may then spare the transaction around it.
        """
        is_alone = self._transactions.dialect is Dialect.POSTGRESQL
        return await self._run(use_case, actor, is_alone=is_alone)

    async def run(self, use_case: Callable[[UnitOfWork], Awaitable[ResultT]], *, actor: Actor | None = None) -> ResultT:
        """Do one thing wholly: begin a unit of work, call `use_case` with it, commit, and give back its result.

        Where others stood in the way (a deadlock, a failed serialization, `Overtaken`) it is done again from the
        beginning, ATTEMPTS_MAX times in all, so `use_case` should do nothing but use its unit of work. It must not
        await anything else either: on SQLite it runs in another thread, see `Transactions.run`.

        Raises:
            DatabaseUnusable: the database is away or locked, or others stood in the way of every attempt.
            DomainError: whatever `use_case` raises; nothing is kept then.
        """
        return await self._run(use_case, actor, is_alone=False)

    async def _run(
        self, use_case: Callable[[UnitOfWork], Awaitable[ResultT]], actor: Actor | None, *, is_alone: bool
    ) -> ResultT:
        async def work(transaction: Transaction) -> tuple[ResultT, bool]:
            uow = UnitOfWork(transaction, self._transactions.dialect, actor=actor, is_alone=is_alone)
            result = await use_case(uow)
            uow.end()
            return result, uow.announces

        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                result, announces = await self._transactions.run(work)
            except (TransactionOverrun, Overtaken) as error:
                if attempt == ATTEMPTS_MAX:
                    raise DatabaseUnusable("Too many others are changing the same rows.") from error
            else:
                if announces and self._on_announced is not None:
                    self._on_announced()
                return result
            # Of different length for each, so that those who collided do not collide again.
            await asyncio.sleep(random.uniform(0, PAUSE_SECONDS_MAX * attempt))  # noqa: S311 - not a secret
        raise AssertionError("the last attempt returns or raises")
