"""Cross-site request forgery: requests that a foreign page can make a browser send without asking the server first.

A browser asks first (a CORS preflight) before it sends a header or a content type that forms cannot produce. So a
request is safe if it shows one of these. A POST always does, because its body has to be `application/json`; a GET has
to say so, in the way that Apollo's servers ask of their clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gql_api.http.refusal import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFLIGHT_HEADERS: Final = (b"apollo-require-preflight", b"x-apollo-operation-name", b"graphql-require-preflight")
"""A GET with any of these, not empty, cannot have come from a foreign page unasked."""


def check_preflighted(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a GET that a foreign page could have caused.

    A content type counts as a sign only if it is `application/json`: with others, browsers have had faults that let
    them through without a preflight (GHSA-9q82-xgwf-vj6h).

    Raises:
        HttpRefusal: 415 for another content type; 400 if nothing shows that the browser asked first.
    """
    content_type = headers.get(b"content-type")
    if content_type is not None:
        if content_type.partition(b";")[0].strip().lower() != b"application/json":
            raise HttpRefusal(415, "A GET has no body; the only Content-Type accepted with it is application/json.")
        return
    if not any(headers.get(name) for name in PREFLIGHT_HEADERS):
        names = " or ".join(name.decode() for name in PREFLIGHT_HEADERS)
        raise HttpRefusal(
            400,
            "This request could be a cross-site request forgery. Send it with a non-empty header "
            f"{names}, or with Content-Type: application/json.",
        )
