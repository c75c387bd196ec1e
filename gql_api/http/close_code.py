"""Why a WebSocket is closed: the codes of `graphql-transport-ws`, and of RFC 6455 where it has none."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """The codes that the server closes with; 1012, on shutdown, and 1011, for a dead peer, come from uvicorn."""

    INVALID_PAYLOAD = 1007
    MESSAGE_TOO_BIG = 1009
    TRY_AGAIN_LATER = 1013
    INTERNAL_SERVER_ERROR = 4500
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    CONNECTION_INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_ALREADY_EXISTS = 4409
    TOO_MANY_INITIALISATION_REQUESTS = 4429


class ConnectionRefused(Exception):
    """The connection has to be closed with this code; the reason is cut to what a close frame holds (123 bytes)."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:123].decode(errors="ignore")
