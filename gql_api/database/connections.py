"""asyncpg's connections, kept open and handed out one at a time.

asyncpg's own pool costs 60 µs of CPU for each connection it hands out, more than a look-up by key takes altogether: it
wraps the connection, keeps a timer, and resets the session. What reads and leaves no state behind needs none of that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import asyncpg

CLOSE_SECONDS = 1.0
"""How long a connection may take to say goodbye before it is cut off."""

NONE_FREE = "No connection to the database became free in time."

SETTLE_SECONDS = 5.0
"""How long the server may take to give a cancelled statement up."""


class NoneFree(TimeoutError):
    """All connections were in use, and none became free in time."""


class Connections:
    """At most `size` connections, opened when they are needed; who comes when all are taken waits in line.

    Args:
        arguments: the keyword arguments of `asyncpg.connect`.
        size: connections at most.
        wait_seconds: how long anyone waits for a connection to become free.
    """

    def __init__(self, arguments: Mapping[str, Any], *, size: int, wait_seconds: float) -> None:
        self._arguments = arguments
        self._wait_seconds = wait_seconds
        self._idle: list[Any] = []
        self._taken: set[Any] = set()
        self._places = size
        # Whoever waits gets a connection, or None: a place to open one in. While anyone does, nothing is idle or free.
        self._waiting: deque[asyncio.Future[Any | None]] = deque()
        self._settling: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self) -> Any:
        """Give a connection to the caller alone, who has to `put` it back.

        The one that was used last comes first, so that in quiet times the others fall asleep.

        Raises:
            NoneFree: all were in use for too long.
            OSError, asyncpg.PostgresError: no connection can be made.
            asyncpg.InterfaceError: the connections were closed.
        """
        if self._closed:
            raise _closed()
        connection = self.take_idle()
        if connection is not None:
            return connection
        if self._places:
            self._places -= 1
        else:
            connection = await self._turn()
        if connection is None:
            connection = await self._connect()
        self._taken.add(connection)
        return connection

    def take_idle(self) -> Any | None:
        """Give a connection as `take` does, if one is at hand that nobody uses."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self._taken.add(connection)
                return connection
            self._places += 1
        return None

    def put(self, connection: Any) -> None:
        """Take a connection back; one that broke makes place for a new one. The second time nothing happens."""
        if connection not in self._taken:
            return
        self._taken.discard(connection)
        if self._waiting or self._closed:
            self._hand_on(self._open_or_none(connection))
        else:
            self._idle.append(connection)  # whoever takes it looks whether it is open

    def put_cancelled(self, connection: Any, *, committing: asyncio.Future[Any] | None = None) -> None:
        """Take a connection back whose user was cancelled, to hand it out when the server has let go of it.

        The caller does not wait for that: a statement under way is given up, and an open transaction rolled back, but a
        COMMIT that was sent is let come to its end. A server that does not answer in time loses the connection.
        """
        settling = asyncio.create_task(self._settle(connection, committing))
        self._settling.add(settling)
        settling.add_done_callback(self._settling.discard)

    def drop_idle(self) -> None:
        """Cut off the connections that nobody uses, as when one was found broken: others are likely to be so too."""
        while self._idle:
            self._idle.pop().terminate()
            self._places += 1

    async def close(self) -> None:
        """Close all connections; those that are in use are cut off, and who waits for one is sent away."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection in self._taken:
            connection.terminate()
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(_closed())
        for connection in idle:
            await connection.close(timeout=CLOSE_SECONDS)
        if self._settling:
            await asyncio.wait(self._settling)

    @staticmethod
    def _open_or_none(connection: Any) -> Any | None:
        return None if connection.is_closed() else connection

    async def _connect(self) -> Any:
        try:
            connection = await asyncpg.connect(**self._arguments)
        except BaseException:
            self._hand_on(None)
            raise
        if self._closed:
            connection.terminate()
            raise _closed()
        return connection

    async def _settle(self, connection: Any, committing: asyncio.Future[Any] | None) -> None:
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                if committing is not None:
                    await asyncio.wait([committing])
                with suppress(asyncpg.InFailedSQLTransactionError):
                    await connection.execute("SELECT 1")  # waits until the driver's request to cancel was heard
                if connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use any more
            connection.terminate()
        finally:
            self.put(connection)

    async def _turn(self) -> Any | None:
        turn: asyncio.Future[Any | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await turn
        except BaseException as error:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self._hand_on(turn.result())  # it came as we gave up: it is the next one's
            if isinstance(error, TimeoutError):
                raise NoneFree(NONE_FREE) from None
            raise

    def _hand_on(self, connection: Any | None) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is None:
            self._places += 1
        elif self._closed:
            connection.terminate()
        else:
            self._idle.append(connection)


def _closed() -> asyncpg.InterfaceError:
    return asyncpg.InterfaceError("the connections are closed")
