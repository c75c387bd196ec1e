"""Who asks, over HTTP and WebSocket alike: the value of `Authorization` in, a principal out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from time import time
from typing import Any, Final, TypeAlias

from gql_api.errors import DatabaseUnusable, Forbidden, IssuerUnusable, Unauthenticated
from gql_api.http.refusal import HttpRefusal
from gql_api.identity import ANONYMOUS, UNIDENTIFIED, Principal
from gql_api.identity.tokens import Tokens

logger = logging.getLogger(__name__)

Authenticate: TypeAlias = Callable[[bytes | None], Awaitable[Principal]]
"""Gives the principal of a request from its `Authorization`, None if it has none.

Raises:
    HttpRefusal: 401 if a token is needed, or this one is not believed; 403 if whoever this is may do nothing here; 503
        if that cannot be found out now.
"""

CHALLENGE: Final = b'Bearer realm="gql-api"'
"""The `WWW-Authenticate` of every 401 (RFC 9110 §11.6.1)."""
_RETRY_AFTER: Final = (b"retry-after", b"5")


async def identify_nobody(_authorization: bytes | None) -> Principal:
    """Take everybody for one who may do everything: identity is off, and no header is looked at."""
    return UNIDENTIFIED


class BearerAuthentication:
    """Asks for a bearer token (RFC 6750 §2.1): an `Authenticate`.

    Args:
        tokens: tells from a token who shows it.
        serves_anonymous: whether who shows none may see anything; otherwise nothing of the request is read.
    """

    def __init__(self, tokens: Tokens, *, serves_anonymous: bool) -> None:
        self._tokens = tokens
        self._serves_anonymous = serves_anonymous

    async def __call__(self, authorization: bytes | None) -> Principal:
        """Give the principal, or refuse."""
        if authorization is None:
            if self._serves_anonymous:
                return ANONYMOUS
            raise _unauthenticated("A token is needed: send `Authorization: Bearer TOKEN`.", CHALLENGE)
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise _unauthenticated("The `Authorization` must be `Bearer TOKEN`.", CHALLENGE)
        try:
            return await self._tokens.principal(token.strip())
        except Unauthenticated as error:
            raise _unauthenticated(error.message, CHALLENGE + b', error="invalid_token"') from None
        except Forbidden as error:
            challenge = (b"www-authenticate", CHALLENGE + b', error="insufficient_scope"')
            raise HttpRefusal(403, error.message, code=error.code, headers=(challenge,)) from None
        except (IssuerUnusable, DatabaseUnusable) as error:
            logger.error("%s", error.message)  # noqa: TRY400 - the message is all that there is to tell
            message = "Who asks cannot be found out at the moment; try again later."
            raise HttpRefusal(503, message, code="OVERLOADED", headers=(_RETRY_AFTER,)) from None


def _unauthenticated(message: str, challenge: bytes) -> HttpRefusal:
    return HttpRefusal(401, message, code=Unauthenticated.code, headers=((b"www-authenticate", challenge),))


def seconds_left(principal: Principal) -> float | None:
    """How long what lasts may go on for this principal; None: for ever."""
    return None if principal.expires_at is None else max(0.0, principal.expires_at - time())


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
