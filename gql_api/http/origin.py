"""Which pages may open a WebSocket or an event stream: browsers send these across origins without asking first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit


def is_allowed_origin(headers: Mapping[bytes, bytes], allowed: Collection[str]) -> bool:
    """Whether the request is no page's, of a page of the same host and port, or of an allowed origin (`*`: any).

    Only browsers send `Origin`, and always with a WebSocket (RFC 6455 §10.2): what has none does not act in anybody's
    name unasked. The scheme is not compared, since a proxy may have taken TLS off; `null` is the origin of sandboxed
    pages, and of nobody's.
    """
    origin = headers.get(b"origin")
    if origin is None or "*" in allowed:
        return True
    text = origin.decode("latin-1").lower()
    if text in {one.lower().rstrip("/") for one in allowed}:
        return True
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    default_port = 443 if parts.scheme == "https" else 80
    name = parts.netloc.rpartition("@")[2].removesuffix(f":{default_port}")
    return host.removesuffix(f":{default_port}") == name
