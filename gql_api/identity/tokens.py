"""Bearer tokens: JSON Web Tokens (RFC 7519) that are signed, in compact form."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b
from time import time
from typing import Final, NamedTuple, NoReturn, TypeAlias

import orjson
from joserfc.errors import JoseError
from joserfc.jws import CompactSignature, extract_compact

from gql_api.errors import Unauthenticated
from gql_api.identity.claims import ClaimRules
from gql_api.identity.keys import KeySource, PinnedRegistry
from gql_api.identity.principal import Principal

TOKEN_BYTES_MAX: Final = 8192
"""How long a token may be."""

BELIEVED_SECONDS: Final = 60
"""How long a token that was verified is believed without another look, unless it expires before: its key may be
withdrawn meanwhile, and the student whom it names by `student_sourced_id` be imported or erased."""

FindStudentId: TypeAlias = Callable[[str], Awaitable[int | None]]
"""Looks up the key of the student who has this sourcedId; None if none has."""

_HEADERS: Final = PinnedRegistry(strict_check_header=False)


class _Known(NamedTuple):
    principal: Principal
    until: float


class Tokens:
    """Tells from a token who shows it. Not thread-safe: it belongs to one event loop.

    Args:
        keys: what signatures are verified with.
        rules: what the claims have to be.
        find_student_id: asked for students whom a token names by `student_sourced_id`.
        entries_max: how many verified tokens are remembered, by their hash alone; those not used longest leave first.
    """

    def __init__(
        self, keys: KeySource, rules: ClaimRules, *, find_student_id: FindStudentId, entries_max: int = 10_000
    ) -> None:
        self._keys = keys
        self._rules = rules
        self._find_student_id = find_student_id
        self._entries_max = entries_max
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def principal(self, token: bytes) -> Principal:
        """Give the principal of a token; no message repeats any of it.

        Raises:
            Unauthenticated: it is malformed, not signed by a key that is trusted, or its claims do not hold.
            Forbidden: it gives no role that is known here.
            IssuerUnusable: there is no key to verify it with yet.
        """
        if len(token) > TOKEN_BYTES_MAX:
            raise Unauthenticated(f"The token is longer than {TOKEN_BYTES_MAX} bytes.")
        digest = blake2b(token, digest_size=32).digest()
        known = self._known.get(digest)
        if known is not None and time() < known.until:
            self._known.move_to_end(digest)
            return known.principal
        principal = await self._verified(_parsed(token))
        self._known[digest] = _Known(principal, min(principal.expires_at or 0.0, time() + BELIEVED_SECONDS))
        if len(self._known) > self._entries_max:
            self._known.popitem(last=False)
        return principal

    async def _verified(self, signature: CompactSignature) -> Principal:
        algorithm = signature.protected["alg"]
        if algorithm not in self._keys.algorithms:
            accepted = ", ".join(sorted(self._keys.algorithms))
            raise Unauthenticated(f"The token's algorithm (`alg`) is not accepted; accepted: {accepted}.")
        keys = await self._keys.find(signature.protected.get("kid"))
        candidates = [key for key in keys if algorithm in key.algorithms]
        if not candidates:
            raise Unauthenticated("The token is signed with a key (`kid`) that is not known here.")
        if not any(key.verifies(signature) for key in candidates):
            raise Unauthenticated("The token's signature is wrong.")
        try:
            claims = orjson.loads(signature.payload)
        except ValueError:
            claims = None
        if not isinstance(claims, dict):
            _refuse_form()
        principal, sourced_id = self._rules.principal(claims)
        if sourced_id is not None:
            principal = replace(principal, student_id=await self._find_student_id(sourced_id))
        return principal


def _parsed(token: bytes) -> CompactSignature:
    """The parts of a token, not believed yet; its header is an object with a text `alg`, and `kid` a text if any."""
    try:
        signature = extract_compact(token, registry=_HEADERS)
    except (JoseError, ValueError, TypeError, RecursionError):
        _refuse_form()
    header: object = signature.protected
    # What is critical (`crit`) has to be understood, and no extension is understood here (RFC 7515 §4.1.11).
    if not isinstance(header, dict) or "crit" in header or not isinstance(header["alg"], str):
        _refuse_form()
    if not isinstance(header.get("kid"), str | None):
        _refuse_form()
    return signature


def _refuse_form() -> NoReturn:
    raise Unauthenticated("The token is not a signed JSON Web Token in compact form.")
