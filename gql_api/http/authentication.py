"""Who asks, over HTTP and WebSocket alike: the value of `Authorization` in, a principal out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from gql_api.identity import UNIDENTIFIED, Principal

Authenticate: TypeAlias = Callable[[bytes | None], Awaitable[Principal]]
"""Gives the principal of a request from its `Authorization`, None if it has none.

Raises:
    HttpRefusal: 401 if a token is needed, or this one is not believed; 403 if whoever this is may do nothing here; 503
        if that cannot be found out now.
"""


async def identify_nobody(_authorization: bytes | None) -> Principal:
    """Take everybody for one who may do everything: identity is off, and no header is looked at."""
    return UNIDENTIFIED


def authorization_in(payload: Mapping[str, Any] | None) -> bytes | None:
    """The `Authorization` that the payload of `connection_init` holds under this name, in whatever case.

    Browsers cannot send headers with a WebSocket, so clients put them here. `token` holds the token alone.
    """
    for name, value in (payload or {}).items():
        if isinstance(value, str):
            match name.lower():
                case "authorization":
                    return value.encode(errors="replace")
                case "token":
                    return b"Bearer " + value.encode(errors="replace")
    return None
