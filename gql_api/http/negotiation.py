"""Which media type answers a request: the `Accept` header (RFC 9110 §12.5.1), as GraphQL over HTTP reads it."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from gql_api.http.refusal import HttpRefusal

# An Accept header is remembered with its answer, but not one of a length that only an attacker would send.
_REMEMBERED_BYTES_MAX = 512


class MediaType(Enum):
    """What the endpoint can answer with."""

    JSON = b"application/json"
    GRAPHQL_RESPONSE = b"application/graphql-response+json"
    HTML = b"text/html"

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is written in Python


class _Rank(NamedTuple):
    quality: float
    specificity: int
    preference: int


_REFUSED: Final = _Rank(0.0, 0, 0)

# The server's own wishes, the last being the dearest, among what the client wants equally.
_WHEN_NAMED: Final = (MediaType.HTML, MediaType.JSON, MediaType.GRAPHQL_RESPONSE)
_BY_WILDCARD: Final = (MediaType.HTML, MediaType.GRAPHQL_RESPONSE, MediaType.JSON)


_DATA: Final = frozenset({MediaType.JSON, MediaType.GRAPHQL_RESPONSE})
_DATA_OR_PAGE: Final = _DATA | {MediaType.HTML}


def negotiate(accept: bytes | None) -> MediaType:
    """The media type of the data that best suits this `Accept` header; `application/json` where the client has no wish.

    The audits of GraphQL over HTTP want `application/json` for wildcards: clients that do not name
    `application/graphql-response+json` are older than it.

    Raises:
        HttpRefusal: 406, if the header excludes both.
    """
    if not accept:
        return MediaType.JSON
    media_type = _best(accept, _DATA)
    if media_type is None:
        served = ", ".join(sorted(offer.value.decode() for offer in _DATA))
        raise HttpRefusal(406, f"None of the media types in the Accept header is served here; served are {served}.")
    return media_type


def wants_page(accept: bytes | None) -> bool:
    """Whether this is a browser that has opened an address: browsers put `text/html` first, and nobody else does."""
    return accept is not None and b"text/html" in accept and _best(accept, _DATA_OR_PAGE) is MediaType.HTML


def _best(accept: bytes, offers: frozenset[MediaType]) -> MediaType | None:
    return _remembered(accept, offers) if len(accept) <= _REMEMBERED_BYTES_MAX else _ranked_first(accept, offers)


def _ranked_first(accept: bytes, offers: frozenset[MediaType]) -> MediaType | None:
    ranges = [_media_range(part) for part in accept.lower().split(b",")]
    ranks = {offer: _rank(offer, ranges) for offer in offers}
    best = max(ranks, key=ranks.__getitem__)
    return best if ranks[best].quality > 0 else None


_remembered = lru_cache(maxsize=256)(_ranked_first)


def _media_range(part: bytes) -> tuple[bytes, float]:
    media_range, *parameters = part.split(b";")
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            return media_range.strip(), _quality(value.strip())
    return media_range.strip(), 1.0


def _quality(value: bytes) -> float:
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0


def _rank(offer: MediaType, ranges: list[tuple[bytes, float]]) -> _Rank:
    """The rank that the most specific of the matching ranges gives to an offer."""
    # A page is for those who ask for pages: a wildcard means any data.
    patterns = {offer.value: 2} if offer is MediaType.HTML else {offer.value: 2, b"application/*": 1, b"*/*": 0}
    matches = [(patterns[media_range], quality) for media_range, quality in ranges if media_range in patterns]
    if not matches:
        return _REFUSED
    specificity, quality = max(matches)
    return _Rank(quality, specificity, (_WHEN_NAMED if offer.value in dict(ranges) else _BY_WILDCARD).index(offer))
