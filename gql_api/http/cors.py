"""Cross-origin requests: which pages of other origins may call this server and read its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.middleware.cors import CORSMiddleware

from gql_api.http.csrf import PREFLIGHT_HEADERS
from gql_api.http.request import COST_HEADER

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp

METHODS: Final = ("GET", "HEAD", "POST")
REQUEST_HEADERS: Final = (
    "Authorization",
    COST_HEADER.decode().title(),
    "If-None-Match",
    "Request-Timeout",
    "X-Request-ID",
    "Apollographql-Client-Name",
    "Apollographql-Client-Version",
    *(name.decode().title() for name in PREFLIGHT_HEADERS),
)
RESPONSE_HEADERS: Final = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")
PREFLIGHT_SECONDS_MAX: Final = 7200
"""How long a browser may remember that it is allowed to call: the longest time that every browser honours."""


def allow_origins(app: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """Let pages of these origins (`https://app.example.org`, or `*` for all) call the application.

    Without origins the application stays as it is: only pages of its own origin can read its answers. Cookies are never
    allowed across origins; a page sends its token in `Authorization`. See https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
        max_age=PREFLIGHT_SECONDS_MAX,
    )
