"""asyncpg's connections, kept open and handed out one at a time.

asyncpg's own pool costs 60 µs of CPU for each connection it hands out, more than a look-up by key takes altogether: it
wraps the connection, keeps a timer, and resets the session. What reads and leaves no state behind needs none of that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import asyncpg

CLOSE_SECONDS = 1.0
"""How long a connection may take to say goodbye before it is cut off."""


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
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False

    async def take(self) -> Any:
        """Give a connection to the caller alone, who has to `put` it back.

        The one that was used last comes first, so that in quiet times the others fall asleep.

        Raises:
            TimeoutError: none became free in time.
            OSError, asyncpg.PostgresError: no connection can be made.
            asyncpg.InterfaceError: the connections were closed.
        """
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self._taken.add(connection)
                return connection
            self._places += 1
        if self._closed:
            raise asyncpg.InterfaceError("the connections are closed")
        if not self._places:
            await self._wait()
            return await self.take()
        self._places -= 1
        try:
            connection = await asyncpg.connect(**self._arguments)
        except BaseException:
            self._places += 1
            self._wake()
            raise
        self._taken.add(connection)
        return connection

    def put(self, connection: Any) -> None:
        """Take a connection back; one that broke makes place for a new one."""
        self._taken.discard(connection)
        if self._closed:
            connection.terminate()
        elif connection.is_closed():
            self._places += 1
        else:
            self._idle.append(connection)
        if self._waiting:
            self._wake()

    async def close(self) -> None:
        """Close all connections; those that are in use are cut off."""
        self._closed = True
        for connection in self._taken:
            connection.terminate()
        while self._idle:
            await self._idle.pop().close(timeout=CLOSE_SECONDS)
        while self._waiting:
            self._wake()

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled():
                self._wake()  # our turn came as we gave up: it is the next one's
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
