"""uvicorn's HTTP protocol, with the limits on a connection that it lacks.

Parsing with httptools, uvicorn collects a head that never ends for as long as somebody sends it, waits for ever for one
that never comes and for a client to read its answer, and tells nobody that a client has left. Bodies are the
application's business: it reads them, within its own limits.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gql_api.admission import Admission
from gql_api.http.overload import refusal_response
from gql_api.http.scope_state import ADMISSION, ON_DEPARTURE, ON_SHUTDOWN
from gql_api.http.stalled_reader import StalledReader
from gql_api.http.whole_response import run_with_whole_responses

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes connections that send too much or too slowly, or do not read; refuses operations when there is no room.

    Attributes:
        head_bytes_max: how many bytes may arrive in which no head, no part of a body and no request ends, beyond those
            that come in one read (256 KiB at most). Exceeding it is answered with 431.
        head_seconds_max: how long that state may last while no request is being answered, on a new connection as well;
            and how long the rest of a body may take to arrive that was answered before its end.
        stall_seconds: how often is looked whether a client reads its answer; see `StalledReader`.
        operations_path: where POSTs are operations, to be refused here when the application's `Admission` has no room.
    """

    head_bytes_max: ClassVar[int] = 64 * 1024
    head_seconds_max: ClassVar[float] = 20.0
    stall_seconds: ClassVar[float] = 20.0
    operations_path: ClassVar[bytes] = b"/graphql"

    _admission: Admission | None = None
    _pending_bytes = 0
    _deadline: asyncio.TimerHandle | None = None
    _idle_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0
    _in_body = False
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Expect a head."""
        super().connection_made(transport)
        self._admission = self.app_state.get(ADMISSION)
        self._reader = StalledReader(transport, self.loop, stall_seconds=self.stall_seconds)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more, and give up what was begun."""
        self._expect_nothing()
        self._reader.forget()
        self._stop_looking()
        super().connection_lost(exc)
        self._call(ON_DEPARTURE)

    def data_received(self, data: bytes) -> None:
        """Parse, and look whether that completed anything."""
        self._pending_bytes += len(data)
        super().data_received(data)
        if self._pending_bytes == 0 and not (self._in_body and self._is_answered()):
            self._expect_nothing()
        elif self._pending_bytes > self.head_bytes_max and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._deadline is None:
            self._expect_head()

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from now on: nothing is expected here any more."""
        self._in_body = False
        self._stop_looking()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Finish what is being answered; an answer that has no end of its own is told to come to one."""
        super().shutdown()
        self._call(ON_SHUTDOWN)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered: see that it does read."""
        super().pause_writing()
        self._reader.watch()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._reader.forget()

    def on_response_complete(self) -> None:
        """Be idle from now on, unless requests are waiting.

        uvicorn starts a timer after each answer and stops it at the next request: 4 µs, a third of a refusal. Here one
        timer goes on, and looks whether anything has come meanwhile.
        """
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._idle_timer = None
        if not self._is_answered() or self._deadline is not None or self.transport.is_closing():
            return  # the end of the answer starts the timer anew, or the deadline closes the connection
        idle_seconds = self.loop.time() - self._idle_since
        wait_seconds = self.timeout_keep_alive - idle_seconds
        if wait_seconds <= 0:
            if not self.transport.get_write_buffer_size():
                self.timeout_keep_alive_handler()
                return
            self._reader.watch()  # the answer has to be read first, unless its reading has stalled
            wait_seconds = self.timeout_keep_alive
        self._idle_timer = self.loop.call_later(wait_seconds, self._look_whether_idle)

    def _stop_looking(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._pending_bytes = 0
        self._in_body = True
        if self._admission is not None and not self._is_let_in(self._admission):
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has arrived."""
        self._pending_bytes = 0
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete, trailer fields included."""
        self._pending_bytes = 0
        self._in_body = False
        if self._is_refused:
            self._is_refused = False
            self.on_response_complete()
        else:
            super().on_message_complete()

    def _is_let_in(self, admission: Admission) -> bool:
        """Refuse an operation here and now if there is no room for it.

        What uvicorn and the application do around a request before they could refuse it costs ten times as much. What
        is unusual is let in, to be refused there.
        """
        if self.url != self.operations_path or admission.places.executing < admission.places.executing_max:
            return True
        response = refusal_response(self.headers)
        is_usual = response is not None and self.parser.get_method() == b"POST" and self.parser.should_keep_alive()
        if not is_usual or not self._is_answered() or self.expect_100_continue or self.parser.should_upgrade():
            return True
        if admission.places.expect():
            return True
        self._is_refused = True
        self.transport.write(cast("bytes", response))
        return False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Have the application's usual responses written in one piece."""
        super()._start_asgi_task(cycle, partial(run_with_whole_responses, app, cycle))

    def _call(self, name: str) -> None:
        """Call what the application has left under this name, unless the request is answered already."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            callback = cycle.scope["state"].get(name)
            if callback is not None:
                callback()

    def _is_answered(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds_max, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_answered():
            self.transport.close()
