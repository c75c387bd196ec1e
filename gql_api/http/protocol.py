"""uvicorn's HTTP protocol, with the limits on a request's head that it lacks.

Parsing with httptools, uvicorn collects a head that never ends for as long as somebody sends it, and waits for ever for
one that never comes. Bodies are the application's business: it reads them, within its own limits.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

ON_SHUTDOWN = "gql_api.on_shutdown"
"""The place, in the `state` of a request's scope, of what to call if the server shuts down before it is answered."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes connections whose request line, header fields or trailer fields are too long or too slow.

    Attributes:
        head_bytes_max: how many bytes may arrive in which no head, no part of a body and no request ends, beyond those
            that come in one read (256 KiB at most). Exceeding it is answered with 431.
        head_seconds_max: how long that state may last while no request is being answered, on a new connection as well.
    """

    head_bytes_max: ClassVar[int] = 64 * 1024
    head_seconds_max: ClassVar[float] = 20.0

    _pending_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Expect a head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and look whether that completed anything."""
        self._pending_bytes += len(data)
        super().data_received(data)
        if self._pending_bytes == 0:
            self._expect_nothing()
        elif self._pending_bytes > self.head_bytes_max and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._deadline is None:
            self._expect_head()

    def shutdown(self) -> None:
        """Finish what is being answered; an answer that has no end of its own is told to come to one."""
        super().shutdown()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            on_shutdown = cycle.scope["state"].get(ON_SHUTDOWN)
            if on_shutdown is not None:
                on_shutdown()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._pending_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has arrived."""
        self._pending_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete, trailer fields included."""
        self._pending_bytes = 0
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds_max, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        if cycle is None or cycle.response_complete:
            self.transport.close()
