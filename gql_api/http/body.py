"""Reading the bodies of requests, within limits of size and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gql_api.admission import Deadlines
from gql_api.errors import DeadlineExceeded
from gql_api.http.refusal import ClientDisconnected, HttpRefusal
from gql_api.http.scope_state import BODY

if TYPE_CHECKING:
    from starlette.types import Receive, Scope


class BodyReader:
    """Reads bodies of at most `bytes_max` bytes that arrive within `timeout_seconds`."""

    __slots__ = ("_bytes_max", "_deadlines", "_timeout_seconds")

    def __init__(self, *, bytes_max: int, timeout_seconds: float) -> None:
        self._bytes_max = bytes_max
        self._timeout_seconds = timeout_seconds
        self._deadlines = Deadlines()

    async def read(self, scope: Scope, receive: Receive, *, content_length: bytes | None) -> bytes | bytearray:
        """The whole body of a request.

        Args:
            scope: the request's; the server leaves there what has arrived already.
            receive: gives the body's parts.
            content_length: how long the client says it is.

        Raises:
            HttpRefusal: 413 as soon as it is known to be too large, before it is read if `Content-Length` says so;
                408 if it takes too long.
            ClientDisconnected: the connection ended before the body did.
        """
        if content_length is not None and content_length.isdigit() and int(content_length[:20]) > self._bytes_max:
            raise self._too_large()
        arrived: bytearray | None = (scope.get("state") or {}).get(BODY)
        if arrived is None:
            return await self._receive_in_time(receive)
        if len(arrived) > self._bytes_max:
            raise self._too_large()
        body = bytes(arrived)
        arrived.clear()  # the server keeps it with the request, for as long as that is the connection's last one
        return body

    async def _receive_in_time(self, receive: Receive) -> bytearray:
        deadline = self._deadlines.begin(self._timeout_seconds)
        try:
            body = await self._receive_all(receive)
        except BaseException as error:
            try:
                self._deadlines.end(deadline, error)
            except DeadlineExceeded:
                message = f"The body did not arrive within {self._timeout_seconds:g} seconds."
                raise HttpRefusal(408, message, headers=((b"connection", b"close"),)) from None
            raise
        self._deadlines.end(deadline)
        return body

    async def _receive_all(self, receive: Receive) -> bytearray:
        received = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnected
            received += message.get("body", b"")
            if len(received) > self._bytes_max:
                raise self._too_large()
            if not message.get("more_body", False):
                return received

    def _too_large(self) -> HttpRefusal:
        return HttpRefusal(413, f"The body is larger than {self._bytes_max} bytes.")
