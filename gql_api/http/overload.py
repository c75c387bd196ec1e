"""What is told to whoever finds no place: written once, since refusing has to be cheap when there is much to refuse."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson

from gql_api.errors import Overloaded
from gql_api.http.negotiation import MediaType, negotiate, wants_page
from gql_api.http.refusal import RETRY_AFTER_SECONDS, HttpRefusal
from gql_api.http.sse import wants_event_stream
from gql_api.schema.error_format import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

RETRY_AFTER: Final = (b"retry-after", b"%d" % RETRY_AFTER_SECONDS)

OVERLOADED_BODY: Final = orjson.dumps({"errors": [refusal(Overloaded().message, code=Overloaded.code)]})

_ACCEPT_BYTES_MAX: Final = 512


def refusal_response(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The whole answer to an operation that finds no place, without a Date and the request's id.

    Returns:
        None for what needs an answer of another form: pages of other origins, event streams, and what cannot be
        answered at all.
    """
    accept = b""
    for name, value in headers:
        if name == b"accept":
            if accept:
                return None
            accept = value
        elif name == b"origin":
            return None
    return _response(accept) if len(accept) <= _ACCEPT_BYTES_MAX else None


@lru_cache(maxsize=256)
def _response(accept: bytes) -> bytes | None:
    if wants_event_stream(accept) or wants_page(accept):
        return None
    try:
        media_type: MediaType = negotiate(accept)
    except HttpRefusal:
        return None
    return b"\r\n".join((
        b"HTTP/1.1 503 Service Unavailable",
        b"%s: %s" % RETRY_AFTER,
        b"vary: Accept",
        b"cache-control: no-store",
        b"x-content-type-options: nosniff",
        b"content-type: %s; charset=utf-8" % media_type.value,
        b"content-length: %d" % len(OVERLOADED_BODY),
        b"",
        OVERLOADED_BODY,
    ))  # fmt: skip
