"""The writing connection to an SQLite file, watched: its statements, the threads they run in, what interrupts them."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from gql_api.database import sqlite_transactions
from gql_api.database.engine import open_sqlite_writer

WHILE_SECONDS = 0.05
"""In which a statement is interrupted several times."""


class Watched:
    """The writer's connection, and what is seen of it; `before` is called with each statement's text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.threads: set[int] = set()
        self.interrupts = 0
        self.before: Callable[[str], Any] = len
        self._connection: sqlite3.Connection | None = None

    def opened(self, *arguments: Any, **options: Any) -> Any:
        self._connection = open_sqlite_writer(*arguments, **options)
        return self

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        assert self._connection is not None
        self.texts.append(sql.split(maxsplit=1)[0])
        self.threads.add(threading.get_ident())
        self.before(sql)
        return self._connection.execute(sql, parameters)

    def fail_to_commit(self, code: int) -> None:
        """Let every COMMIT from now on fail with this code of SQLite's."""

        def fail(sql: str) -> None:
            if sql == "COMMIT":
                error = sqlite3.OperationalError("the disk")
                error.sqlite_errorcode = code
                raise error

        self.before = fail

    def interrupt(self) -> None:
        self.interrupts += 1

    @property
    def in_transaction(self) -> bool:
        assert self._connection is not None
        return self._connection.in_transaction

    def close(self) -> None:
        assert self._connection is not None
        self._connection.close()


@contextmanager
def watched_writer() -> Iterator[Watched]:
    connection = Watched()
    with patch.object(sqlite_transactions, "open_sqlite_writer", connection.opened):
        yield connection


async def cancelled_while(watched: Watched, verb: str, task: asyncio.Task[None]) -> None:
    """Let the task be cancelled by the event loop when its statement of this verb begins."""
    loop = asyncio.get_running_loop()

    def cancel(sql: str) -> None:
        if sql.startswith(verb):
            loop.call_soon_threadsafe(task.cancel)
            time.sleep(WHILE_SECONDS)

    watched.before = cancel
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(2 * WHILE_SECONDS)
    watched.before = len
