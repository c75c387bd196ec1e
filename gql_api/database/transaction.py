"""A transaction of one task, whichever the database: what it is asked, and what it gives back.

As on the read path, SQLAlchemy writes the statements and its execution layer stays away: an assignment is a statement
or two, and would spend three times their cost in it. A transaction begins with its first statement, and ends with the
work that is done in it: committed if that returns, rolled back if it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Executable

from gql_api.database.address import Dialect

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


class Transactions(Protocol):
    """Runs transactions; safe to be used by many tasks at once."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of the statements."""
        ...

    async def run(self, work: Callable[[Transaction], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Do the work in a transaction of its own, and commit it: all of it is kept, or nothing.

        The work awaits nothing but its transaction. On SQLite it runs in another thread, without an event loop, and
        whatever else it awaits is an error.

        Raises:
            OutcomeUnknown: the database broke off before it could say whether the work was kept.
            DatabaseUnusable, TransactionOverrun: it was not kept; no connection could be made, or none became free in
                time, or the COMMIT failed.
            Exception: whatever the work raises.
        """
        ...

    async def close(self) -> None:
        """Close all connections; open transactions are given up."""
        ...
