"""uvicorn's WebSocket protocol, made to let go of dead peers."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

PING_INTERVAL_SECONDS = 20.0
PING_TIMEOUT_SECONDS = 20.0
"""A peer that answers no ping is dropped after both together, at most."""


class AbortingWebSocketProtocol(WebSocketsSansIOProtocol):
    """Cuts off a peer that does not answer a ping.

    uvicorn closes the connection after writing what is buffered, which to a peer that does not read takes for ever.
    """

    def keepalive_timeout(self) -> None:
        """Drop the connection with all that was to be written."""
        super().keepalive_timeout()
        self.transport.abort()
