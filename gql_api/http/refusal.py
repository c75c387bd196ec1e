"""A request that is refused for its form as HTTP, before GraphQL comes into it."""

from __future__ import annotations

from typing import Final

from gql_api.errors import RequestRefused

RETRY_AFTER_SECONDS: Final = 1
"""When to come again after a fault that passes: whether the database is back, the next request finds out."""


class HttpRefusal(RequestRefused):
    """The request is answered with this status; `headers` go with it, e.g. the `Allow` of a 405.

    The `code` is BAD_REQUEST unless another is given.
    """

    def __init__(
        self, status: int, message: str, *, code: str | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.status = status
        self.headers = headers


class ClientDisconnected(Exception):
    """The client went away before its request was complete."""
