"""Tokens for development, signed with the shared secret."""

from __future__ import annotations

from time import time

from joserfc import jwt
from joserfc.jwk import OctKey

from gql_api.identity.claims import STUDENT_ID
from gql_api.identity.keys import HMAC_ALGORITHM
from gql_api.identity.principal import Role


def mint(
    secret: str,
    role: Role,
    *,
    subject: str,
    seconds: float,
    student_id: int | None = None,
    issuer: str | None = None,
    audience: str | None = None,
    role_claim: str = "role",
) -> str:
    """A token that holds from now on for so many seconds, as `ClaimRules` of the same values ask for it."""
    now = int(time())
    claims = {
        "sub": subject,
        role_claim: role.value,
        STUDENT_ID: student_id,
        "iss": issuer,
        "aud": audience,
        "iat": now,
        "exp": now + int(seconds),
    }
    key = OctKey.import_key(secret.encode(errors="surrogateescape"))
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": HMAC_ALGORITHM}, present, key)
