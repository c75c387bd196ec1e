"""Clients that do not read what they have asked for."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from contextlib import suppress
from typing import Final

READ_BYTES_PER_SECOND_MIN: Final = 1024
"""How fast a client has to read, at least: a hundredth of what a slow mobile line carries."""


class StalledReader:
    """Cuts off a connection whose client leaves its answer unread, which keeps it in memory.

    Args:
        transport: the connection.
        loop: its event loop.
        stall_seconds: how often is looked whether the client goes on reading.
    """

    __slots__ = ("_loop", "_stall_seconds", "_timer", "_transport", "_unread_bytes")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, *, stall_seconds: float) -> None:
        self._transport = transport
        self._loop = loop
        self._stall_seconds = stall_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    def watch(self) -> None:
        """Look now and then whether the client reads, until it has read all or is forgotten."""
        if self._timer is None:
            self._unread_bytes = self._count_unread()
            self._timer = self._loop.call_later(self._stall_seconds, self._look)

    def forget(self) -> None:
        """There is little left to be read, or nobody to read it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        unread_bytes = self._count_unread()
        wanted_bytes = min(self._unread_bytes, READ_BYTES_PER_SECOND_MIN * self._stall_seconds)
        if self._unread_bytes - unread_bytes < wanted_bytes:
            self._transport.abort()
        elif unread_bytes:
            self.watch()

    def _count_unread(self) -> int:
        """The bytes that the client's machine has not taken: those here, and those that the kernel keeps for it.

        The kernel takes more only when a third of its megabytes is free, so the former alone would hardly ever change.
        """
        queued = b"\0\0\0\0"
        with suppress(OSError):  # a system that does not tell
            queued = fcntl.ioctl(self._transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, queued)
        return self._transport.get_write_buffer_size() + int(struct.unpack("i", queued)[0])
