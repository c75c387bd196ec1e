"""uvicorn's WebSocket protocol, made to let go of dead peers, and to say less of bad ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gql_api.http.close_code import CloseCode

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

PING_INTERVAL_SECONDS = 20.0
PING_TIMEOUT_SECONDS = 20.0
"""A peer that answers no ping is dropped after both together, at most."""


class AbortingWebSocketProtocol(WebSocketsSansIOProtocol):
    """Cuts off a peer that does not answer a ping, and one whose text is not UTF-8; after a close nobody is blamed.

    uvicorn closes the connection to the former after writing what is buffered, which to a peer that does not read takes
    for ever; and writes a traceback for each of the latter, with which anyone could fill a disk.
    """

    def keepalive_timeout(self) -> None:
        """Drop the connection with all that was to be written."""
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: ASGISendEvent) -> None:
        """Send, unless the connection was closed meanwhile: to whoever sends beside its reader, the client has gone."""
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected
        await super().send(message)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, unless it is a text that is none (RFC 6455 §8.1)."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(self.frames):
            self.frames = []
            self.conn.send_close(CloseCode.INVALID_PAYLOAD)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()


def _is_utf8(frames: list[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True
