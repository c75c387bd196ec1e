"""GraphQL over WebSocket: the protocol `graphql-transport-ws`, and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from gql_api.http.authentication import Authenticate
from gql_api.http.close_code import CloseCode
from gql_api.http.headers import joined_headers
from gql_api.http.origin import is_allowed_origin
from gql_api.http.result_writer import ResultWriter
from gql_api.http.websocket_connection import WebSocketConnection
from gql_api.schema.execute import GraphQLService

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SUBPROTOCOL: Final = "graphql-transport-ws"


class WebSocketEndpoint:
    """ASGI application: operations of all kinds, many on one connection.

    Args:
        service: what executes the operations.
        authenticate: finds out who connects, when `connection_init` comes.
        allowed_origins: the origins whose pages may connect, besides those of the same host; `*`: all.
        init_timeout_seconds: how long a connection may take to send `connection_init`.
        message_bytes_max: how large a message may be. The server below has a limit of its own, before it is read.
        connections_max: connections open at once; more are answered with 503.
        operations_max: operations under way at once on one connection; more are answered with an error each.
    """

    def __init__(
        self,
        service: GraphQLService,
        *,
        authenticate: Authenticate,
        allowed_origins: Collection[str] = (),
        init_timeout_seconds: float = 10.0,
        message_bytes_max: int = 1_048_576,
        connections_max: int = 5000,
        operations_max: int = 100,
    ) -> None:
        self._service = service
        self._authenticate = authenticate
        self._allowed_origins = allowed_origins
        self._init_timeout_seconds = init_timeout_seconds
        self._message_bytes_max = message_bytes_max
        self._connections_max = connections_max
        self._operations_max = operations_max
        self._results = ResultWriter()
        self._connections = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until it ends."""
        await receive()  # the handshake
        if not is_allowed_origin(joined_headers(scope), self._allowed_origins):
            await _refuse(scope, send, 403, b"Pages of this origin may not connect.")
        elif self._connections >= self._connections_max:
            await _refuse(scope, send, 503, b"There are too many connections; try again later.")
        elif SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            reason = f"The subprotocol must be {SUBPROTOCOL}"
            await send({"type": "websocket.close", "code": CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "reason": reason})
        else:
            self._connections += 1
            try:
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                await self._connection(scope, receive, send).serve()
            finally:
                self._connections -= 1

    def _connection(self, scope: Scope, receive: Receive, send: Send) -> WebSocketConnection:
        headers = joined_headers(scope)
        return WebSocketConnection(
            self._service,
            receive,
            send,
            authenticate=self._authenticate,
            authorization=headers.get(b"authorization"),
            client=scope.get("client"),
            results=self._results,
            x_request_id=headers.get(b"x-request-id"),
            init_timeout_seconds=self._init_timeout_seconds,
            message_bytes_max=self._message_bytes_max,
            operations_max=self._operations_max,
        )


async def _refuse(scope: Mapping[str, Any], send: Send, status: int, body: bytes) -> None:
    """Answer the handshake with a status, where the server below can; otherwise that is always 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    if status == 503:  # noqa: PLR2004 - the status that is temporary
        headers.append((b"retry-after", b"5"))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
