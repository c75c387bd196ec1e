"""Responses that are written in one piece, head and body, and whose heads are made once for all that have them.

uvicorn looks through each field of each head anew, and writes head and body by themselves: of the instructions that
server and protocol spend on a request that takes a sixteenth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

from gql_api.http.scope_state import BODY

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_BEGINNINGS_KEPT_MAX: Final = 128
_PASSING_FIELDS: Final = frozenset({b"content-length", b"x-request-id"})  # which differ from response to response
_UNUSUAL_FIELDS: Final = frozenset({b"connection", b"transfer-encoding"})
_STATUSES_WITHOUT_BODY: Final = frozenset({204, 304})
_UNFIT: Final = "A field of the response's head holds what must not stand there."


def run_with_whole_responses(
    app: ASGIApp, cycle: RequestResponseCycle, scope: Scope, receive: Receive, send: Send
) -> Awaitable[None]:
    """Run the application for one request, with a `send` that writes usual responses itself."""
    # While reading is paused nobody would notice that the client leaves: to ask for the body has it go on.
    if not cycle.more_body and not cycle.flow.read_paused:
        scope["state"][BODY] = cycle.body
    return app(scope, receive, _WholeResponse(cycle, send))


class _WholeResponse:
    """Takes a response's messages; its head waits for what comes next, as ASGI wants it.

    If that is the whole body, and nothing is unusual, both are written here; otherwise uvicorn is handed one after the
    other.
    """

    __slots__ = ("_cycle", "_head", "_send")

    def __init__(self, cycle: RequestResponseCycle, send: Send) -> None:
        self._cycle = cycle
        self._send = send
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        head, self._head = self._head, None
        if head is None:
            if message["type"] == "http.response.start" and not self._cycle.response_started:
                self._head = message
                return
        elif self._is_written(head, message):
            return
        else:
            await self._send(head)
        await self._send(message)

    def _is_written(self, head: Message, message: Message) -> bool:
        cycle, status = self._cycle, head["status"]
        if not cycle.keep_alive or cycle.access_log or cycle.disconnected or cycle.flow.write_paused:
            return False
        if status in _STATUSES_WITHOUT_BODY or cycle.scope["method"] == "HEAD":
            return False
        if message["type"] != "http.response.body" or message.get("more_body", False):
            return False
        body = message.get("body", b"")
        length = None
        lasting = [*cycle.default_headers]
        lines: list[bytes] = []
        for field in head.get("headers", ()):
            name, value = field
            if name not in _PASSING_FIELDS:
                lasting.append(field)
                continue
            if name == b"content-length":
                length = int(value)
            elif not value.isalnum() and HEADER_VALUE_RE.search(value):
                raise RuntimeError(_UNFIT)
            lines += name, b": ", value, b"\r\n"
        beginning = _beginning(status, tuple(lasting))
        if beginning is None or length != len(body):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.writelines([b"".join([beginning, *lines, b"\r\n"]), body])
        cycle.message_event.set()
        cycle.on_response()
        return True


@lru_cache(maxsize=_BEGINNINGS_KEPT_MAX)
def _beginning(status: int, fields: tuple[tuple[bytes, bytes], ...]) -> bytes | None:
    """The status line and the lines of these fields; None if one of them is unusual."""
    lines = [STATUS_LINE[status]]
    for name, value in fields:
        if name in _UNUSUAL_FIELDS:
            return None
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise RuntimeError(_UNFIT)
        lines.append(b"%b: %b\r\n" % (name.lower(), value))
    return b"".join(lines)
