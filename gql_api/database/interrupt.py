"""Giving up a statement of SQLite that a thread is at."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import Any, Final, Protocol

INTERRUPT_SECONDS: Final = 0.01
"""How long an interrupted statement may go on before it is interrupted again."""


class Interruptible(Protocol):
    """A connection, or what decides for one whether it may be interrupted."""

    def interrupt(self) -> None:
        """Let the statement that runs fail; do nothing if there is none."""
        ...


def interrupt(connection: Interruptible, running: asyncio.Future[Any]) -> None:
    """Interrupt whatever the connection is at until `running` is done; not waited for.

    Again and again, because interrupting a statement that its thread has not yet begun has no effect. The wait for a
    lock that another process holds cannot be interrupted: it ends by SQLite's busy time-out.
    """
    if not running.done():
        with suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
            connection.interrupt()
        running.get_loop().call_later(INTERRUPT_SECONDS, interrupt, connection, running)
