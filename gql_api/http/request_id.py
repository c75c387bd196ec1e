"""The id under which a request is logged and its masked errors can be asked about."""

from __future__ import annotations

import re
from random import Random, SystemRandom
from typing import Final

# Ids have to differ, also between workers, and need be no secret: a system call for each would cost ten times as much.
_RANDOM: Final = Random(SystemRandom().getrandbits(256))  # noqa: S311

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._~-]{1,128}")


def request_id(x_request_id: bytes | None) -> str:
    """The client's (or a proxy's) `X-Request-ID` if it is well-formed, otherwise a new one of 32 hexadecimal digits."""
    if x_request_id is not None and _WELL_FORMED.fullmatch(x_request_id):
        return x_request_id.decode("ascii")
    return _RANDOM.getrandbits(128).to_bytes(16).hex()
