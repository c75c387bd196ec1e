"""Short statements of SQLite, run on the event loop's own thread within a budget of time.

The way to another thread and back costs several times what most statements take: there is a thread to wake, and since
sqlite3 lets go of the interpreter's lock at each row, the two threads take it from each other row by row.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

INSTRUCTIONS: Final = 1000
"""After so many of its instructions SQLite asks for the time, some 50 µs; asking costs half a microsecond."""

CACHE_KIBIBYTES: Final = 16_384
"""Of pages; with SQLite's own 2 MiB a list of lists reads most of its pages from the file again, each time."""

STATEMENTS_MAX: Final = 512
"""Statements remembered as long ones."""

PAUSE_USES_MAX: Final = 64
"""How often a statement that is always too long goes to a thread before it is tried here again: 1 try in 65 is lost."""

_LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class ShortReads:
    """A connection of the event loop's thread, and what is known about the statements that took too long on it.

    It waits for no lock, and the budget of a statement ends between two instructions of SQLite's. What a single
    instruction does is not cut short: counting a whole table, sorting, reading a page that the disk has to fetch. A
    statement that ended late for such a reason has its rows, but counts as a long one.
    """

    def __init__(self, *, budget_seconds: float) -> None:
        self._budget_seconds = budget_seconds
        self._connection: sqlite3.Connection | None = None
        self._ends_at = 0.0
        self._spent_seconds = 0.0
        self._long = _LongStatements()

    @property
    def lacks_connection(self) -> bool:
        """Whether a connection would be of use; without a budget none is."""
        return self._connection is None and self._budget_seconds > 0

    def adopt(self, connection: sqlite3.Connection) -> None:
        """Take over a connection that has read on a thread.

        The first read of a file can take long: it recovers a log that a crash left behind, and reads the schema.

        Raises:
            sqlite3.Error: the file cannot be read; the connection is closed.
        """
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        except sqlite3.Error:
            connection.close()
            raise
        connection.set_progress_handler(self._is_over_budget, INSTRUCTIONS)
        self._connection = connection

    def read(self, shape: str, sql: str, arguments: list[Any]) -> list[Any] | None:
        """Run a statement, now; None if it has to be read on a thread, having been too long or locked out.

        Args:
            shape: what statements that are alike have in common; by it the long ones are remembered.
            sql: the statement.
            arguments: its values by position.

        Raises:
            sqlite3.Error: the statement failed; the connection is closed.
        """
        if self._connection is None or self._long.skips(shape):
            return None
        began = monotonic()
        self._ends_at = began + self._budget_seconds
        rows = self._run(self._connection, sql, arguments)
        ended = monotonic()
        self._spent_seconds += ended - began
        if ended > self._ends_at:
            self._long.add(shape)
        else:
            self._long.discard(shape)
        return rows

    @property
    def have_held_the_loop(self) -> bool:
        """Whether a budget's time has been read since the loop last turned, by whomever: operations can be long."""
        return self._spent_seconds > self._budget_seconds

    async def give_way(self) -> None:
        """Let the loop turn."""
        self._spent_seconds = 0.0
        await asyncio.sleep(0)

    def close(self) -> None:
        """Close the connection; another one can be adopted."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, connection: sqlite3.Connection, sql: str, arguments: list[Any]) -> list[Any] | None:
        try:
            return connection.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            # Nobody interrupts this connection but the budget.
            if code == sqlite3.SQLITE_INTERRUPT or code in _LOCKED:
                return None
            self.close()
            raise

    def _is_over_budget(self) -> bool:
        return monotonic() > self._ends_at


@dataclass(slots=True)
class _Pause:
    """How many uses of a statement go to a thread, and how many of them are still to come."""

    uses: int
    uses_left: int


class _LongStatements:
    """Statements that took too long lately; each time that one does so again, it pauses for twice as many uses.

    So a statement that was merely unlucky, a busy machine or a cold cache, is back soon.
    """

    def __init__(self) -> None:
        self._pauses: dict[str, _Pause] = {}

    def skips(self, shape: str) -> bool:
        """Whether this use of the statement falls into its pause."""
        pause = self._pauses.get(shape)
        if pause is None or pause.uses_left == 0:
            return False
        pause.uses_left -= 1
        return True

    def add(self, shape: str) -> None:
        """It took too long."""
        last = self._pauses.pop(shape, None)
        uses = 1 if last is None else min(2 * last.uses, PAUSE_USES_MAX)
        if len(self._pauses) == STATEMENTS_MAX:
            del self._pauses[next(iter(self._pauses))]  # the one that was last too long the longest ago
        self._pauses[shape] = _Pause(uses, uses)

    def discard(self, shape: str) -> None:
        """It did not take too long."""
        self._pauses.pop(shape, None)
