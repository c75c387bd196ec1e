"""Validators for queries by GET: a client that still holds the answer is told so instead of being sent it again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gql_api.http.negotiation import MediaType

# Held by the client alone, and asked about before each use: the data change without notice.
CACHE_CONTROL: Final = b"private, no-cache"


def strong_etag(body: bytes, media_type: MediaType) -> bytes:
    """A validator that two answers share only if they are the same bytes of the same media type (RFC 9110 §8.8.1)."""
    digest = hashlib.blake2b(body, digest_size=16, key=media_type.value)
    return b'"' + digest.hexdigest().encode() + b'"'


def is_held(etag: bytes, if_none_match: bytes | None) -> bool:
    """Whether the client's `If-None-Match` names this answer, by weak comparison (RFC 9110 §13.1.2)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == b"*":
        return True
    return etag in {candidate.strip().removeprefix(b"W/") for candidate in if_none_match.split(b",")}
