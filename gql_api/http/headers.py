"""The headers of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope


def joined_headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers by name; fields of the same name make one list (RFC 9110 §5.3)."""
    fields: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(fields)
    if len(headers) != len(fields):
        headers = {}
        for name, value in fields:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
