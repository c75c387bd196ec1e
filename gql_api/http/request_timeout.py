"""`Request-Timeout: 2.5`: how many seconds a client wants to wait for its answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gql_api.http.refusal import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER: Final = b"request-timeout"

_SECONDS: Final = re.compile(rb"\d{1,9}(\.\d{1,9})?")


def requested_seconds(headers: Mapping[bytes, bytes]) -> float | None:
    """How long the operation may take by the client's own wish; None if it has none. It counts from the body's end.

    Raises:
        HttpRefusal: 400, if the header is not a positive decimal number.
    """
    value = headers.get(HEADER)
    if value is None:
        return None
    if not _SECONDS.fullmatch(value) or not float(value):
        raise HttpRefusal(400, "The header Request-Timeout must be a number of seconds above 0, such as 2.5.")
    return float(value)
