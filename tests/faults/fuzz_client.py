"""Sends bytes and reads what comes back: a client that knows HTTP and WebSocket well enough to break their rules."""

from __future__ import annotations

import asyncio
import os
from typing import NamedTuple, Self

WHOLE_SECONDS_MAX = 30.0
"""How long the answer to a request that is whole may take."""

BROKEN_SECONDS_MAX = 0.2
"""How long to wait for an answer to one that may not be."""

_UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: fuzz.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_CLOSE = 8


class Response(NamedTuple):
    """A status, the head as it came, and the body."""

    status: int
    head: bytes
    body: bytes


class Line:
    """A connection, opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, raw: bytes, *, is_head: bool, seconds: float) -> Response | None:
        """What is answered to these bytes in this time; None if nothing is, or if the line is closed instead."""
        try:
            reader, writer = await self._open()
            async with asyncio.timeout(seconds):
                writer.write(raw)
                await writer.drain()
                return await self._response(reader, is_head=is_head)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            self.close()
            return None

    def close(self) -> None:
        """Close it; the next request opens another one."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
        return self._reader, self._writer

    async def _response(self, reader: asyncio.StreamReader, *, is_head: bool) -> Response:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status == 100:  # there will be another one
            return await self._response(reader, is_head=is_head)
        fields = {
            name.strip().lower(): field.strip().lower()
            for name, _, field in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        if is_head or status in {204, 304}:
            body = b""
        elif b"content-length" in fields:
            body = await reader.readexactly(int(fields[b"content-length"]))
        elif fields.get(b"transfer-encoding") == b"chunked":
            body = await reader.readuntil(b"0\r\n\r\n")
        else:
            body = await reader.read()
        if fields.get(b"connection") == b"close":
            self.close()
        return Response(status, head, body)


class WebSocketLine:
    """A WebSocket that was upgraded and has said nothing yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def opened(cls, port: int) -> Self:
        """Open one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_UPGRADE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return cls(reader, writer)

    async def say(self, raw: bytes, *, seconds: float) -> list[tuple[int, bytes]]:
        """Send bytes and give the frames that come in this time: their opcodes and payloads, up to a close."""
        frames: list[tuple[int, bytes]] = []
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(raw)
                await self._writer.drain()
                while not frames or frames[-1][0] != _CLOSE:
                    frames.append(await self._frame())
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass
        return frames

    def close(self) -> None:
        """Cut the line."""
        self._writer.transport.abort()

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:  # RFC 6455 §5.2
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        return first & 0x0F, await self._reader.readexactly(size)


def frame(payload: bytes, *, opcode: int = 1, is_final: bool = True, is_masked: bool = True) -> bytes:
    """A frame as a client sends it (RFC 6455 §5.2)."""
    size = len(payload)
    first = bytes([(0x80 if is_final else 0) | opcode])
    mask_bit = 0x80 if is_masked else 0
    if size < 126:
        head = first + bytes([mask_bit | size])
    elif size < 2**16:
        head = first + bytes([mask_bit | 126]) + size.to_bytes(2)
    else:
        head = first + bytes([mask_bit | 127]) + size.to_bytes(8)
    if not is_masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
