"""One transaction of SQLite's for the work of several, none of whom is told anything before it is committed.

A COMMIT waits for the disk, and costs more than the statements of an assignment. Writers take turns anyway: so the work
of all who wait is done within one transaction, each after the other, and committed at once. Each has a savepoint: what
fails is undone by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, cast

from gql_api.database.failure import TransactionOverrun
from gql_api.errors import OutcomeUnknown


class Member(Protocol):
    """Whose work it is."""

    def fail(self, error: Exception) -> None:
        """What was done is not kept, whatever came of it."""
        ...


class CommitGroup:
    """A transaction that begins with the first statement of anyone; only for the thread that writes.

    Args:
        connect: gives the connection to the file that is there now.
        explain: says what a driver's error means.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], explain: Callable[[sqlite3.Error], Exception]
    ) -> None:
        self._connect = connect
        self._explain = explain
        self._connection: sqlite3.Connection | None = None
        self._members: list[Member] = []

    def begin(self, member: Member) -> sqlite3.Connection:
        """Begin the work of a member; `keep` or `undo` ends it before that of another begins."""
        if self._connection is None:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            self._connection = connection
        else:
            self._connection.execute("SAVEPOINT work")
        self._members.append(member)
        return self._connection

    def keep(self) -> None:
        """Keep the work of the last member, if in the end all is committed."""
        if self._connection is None or not self._connection.in_transaction:
            self._lose(self._members)
        elif len(self._members) > 1:
            self._execute("RELEASE work", or_lose=self._members)

    def undo(self) -> None:
        """Undo the work of the last member, who knows why; that of the others stays."""
        *others, _last = self._members
        if others:
            self._execute("ROLLBACK TO work", "RELEASE work", or_lose=others)
        else:
            self._lose([])

    def commit(self) -> None:
        """Commit the work of all."""
        if self._connection is None:
            return
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            for member in self._members:
                member.fail(self._commit_failure(error))
            self._lose([])
        self._members = []  # who know the group

    def _commit_failure(self, error: sqlite3.Error) -> Exception:
        # After an error of the disk it may have been written all the same.
        is_unknown = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
        failure = OutcomeUnknown() if is_unknown else self._explain(error)
        failure.__cause__ = error
        return failure

    def _execute(self, *statements: str, or_lose: Sequence[Member]) -> None:
        """End a savepoint, which is no more if SQLite has rolled back everything.

        It does so where a change is interrupted, or the disk is full.
        """
        try:
            for statement in statements:
                cast("sqlite3.Connection", self._connection).execute(statement)
        except sqlite3.Error:
            self._lose(or_lose)

    def _lose(self, members: Sequence[Member]) -> None:
        """Begin anew; these members are not at fault, and can do their work again."""
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        for member in members:
            member.fail(TransactionOverrun())
        self._members = []
        self._connection = None
