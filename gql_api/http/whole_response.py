"""Responses that are written in one piece, head and body, and whose lines are made once for all that have them.

uvicorn looks through each field of each head anew, and writes head and body by themselves: of the instructions that
server and protocol spend on a request that takes a sixteenth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_LINES_KEPT_MAX: Final = 512
_UNUSUAL_FIELDS: Final = frozenset({b"connection", b"transfer-encoding"})
_STATUSES_WITHOUT_BODY: Final = frozenset({204, 304})


async def run_with_whole_responses(
    app: ASGIApp, cycle: RequestResponseCycle, scope: Scope, receive: Receive, send: Send
) -> None:
    """Run the application for one request, with a `send` that writes usual responses itself."""
    await app(scope, receive, _WholeResponse(cycle, send))


class _WholeResponse:
    """Takes a response's messages; a head that says how long its body is waits for the body.

    If that is all there and nothing else is unusual, both are written here; otherwise uvicorn is handed one after the
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
            if message["type"] == "http.response.start" and self._may_wait(message):
                self._head = message
                return
        elif self._is_written(head, message):
            return
        else:
            await self._send(head)
        await self._send(message)

    def _may_wait(self, head: Message) -> bool:
        cycle = self._cycle
        return (
            head["status"] not in _STATUSES_WITHOUT_BODY
            and cycle.scope["method"] != "HEAD"
            and cycle.keep_alive
            and not cycle.access_log
            and not cycle.response_started
            and any(name == b"content-length" for name, _ in head["headers"])
        )

    def _is_written(self, head: Message, message: Message) -> bool:
        cycle, body = self._cycle, message.get("body", b"")
        is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not is_whole or cycle.disconnected or cycle.flow.write_paused:
            return False
        lines = [STATUS_LINE[head["status"]]]
        length = 0
        for field in (*cycle.default_headers, *head["headers"]):
            name, value = field
            if name == b"content-length":
                length = int(value)
            elif name in _UNUSUAL_FIELDS:
                return False
            lines.append(_line(field))
        if length != len(body):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.writelines([*lines, b"\r\n", body])
        cycle.message_event.set()
        cycle.on_response()
        return True


@lru_cache(maxsize=_LINES_KEPT_MAX)
def _line(field: tuple[bytes, bytes]) -> bytes:
    name, value = field
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError("A field of the response's head holds what must not stand there.")
    return b"%b: %b\r\n" % (name.lower(), value)
