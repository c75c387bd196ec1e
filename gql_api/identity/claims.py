"""What a token says, once its signature is right: who somebody is, until when, and for whom the token was made."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import Any, Final, NamedTuple

from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry

from gql_api.errors import Forbidden, Unauthenticated
from gql_api.identity.principal import Principal, Role

LEEWAY_SECONDS: Final = 30
"""By how much the issuer's clock may be ahead or behind."""

ROLES: Final = (Role.REGISTRAR, Role.STAFF, Role.STUDENT)
"""The roles that a token can give; the one that may do most comes first."""

STUDENT_ID: Final = "student_id"
STUDENT_SOURCED_ID: Final = "student_sourced_id"

_CHARACTERS_MAX: Final = 255
_KEY_MAX: Final = 2**63 - 1
_SECONDS_MAX: Final = 253_402_300_799
"""The end of the year 9999."""

_REFUSED: Final = {
    "exp": "The token's `exp` is not a time.",
    "nbf": "The token is not valid yet (`nbf`).",
    "iat": "The token was issued in the future (`iat`).",
    "iss": "The token's issuer (`iss`) is not the one that is trusted here.",
    "aud": "The token is not meant for this audience (`aud`).",
    "sub": f"The token's `sub` must be a text of 1 to {_CHARACTERS_MAX} printable characters.",
}


class Claimed(NamedTuple):
    """The principal that a token claims; the key of one who is named by `student_sourced_id` is yet to be found."""

    principal: Principal
    student_sourced_id: str | None


class ClaimRules:
    """What the claims of a token have to be (RFC 7519 §4.1).

    Args:
        issuer: the `iss` that is trusted; None: any, since the key is trusted.
        audience: the `aud` that this server is; None: then a token that is meant for somebody is not for this server.
        role_claim: the claim that holds the role, or an array of roles.
    """

    def __init__(self, *, issuer: str | None = None, audience: str | None = None, role_claim: str = "role") -> None:
        options: dict[str, Any] = {"exp": {"essential": True}, "sub": {"essential": True}}
        if issuer is not None:
            options["iss"] = {"essential": True, "value": issuer}
        if audience is not None:
            options["aud"] = {"essential": True, "value": audience}
        self._registry = JWTClaimsRegistry(now=lambda: int(time()), leeway=LEEWAY_SECONDS, **options)
        self._has_audience = audience is not None
        self._role_claim = role_claim

    def principal(self, claims: dict[str, Any]) -> Claimed:
        """The principal that these claims make.

        Raises:
            Unauthenticated: a claim is missing, malformed, or says that the token does not hold here and now.
            Forbidden: they give no role that is known.
        """
        try:
            self._registry.validate(claims)
        except ExpiredTokenError:
            raise Unauthenticated("The token has expired (`exp`).") from None
        except MissingClaimError as error:
            raise Unauthenticated(f"The token has no `{error.claim}`.") from None
        except ClaimError as error:
            message = _REFUSED.get(error.claim, f"The token's `{error.claim}` is malformed.")
            raise Unauthenticated(message) from None
        if not self._has_audience and claims.get("aud") is not None:
            raise Unauthenticated(_REFUSED["aud"])
        if not _is_name(claims["sub"]):
            raise Unauthenticated(_REFUSED["sub"])
        if not 0 < claims["exp"] <= _SECONDS_MAX:
            raise Unauthenticated(_REFUSED["exp"])
        principal = Principal(self._role(claims), claims["sub"], expires_at=float(claims["exp"] + LEEWAY_SECONDS))
        return _as_student(principal, claims) if principal.role is Role.STUDENT else Claimed(principal, None)

    def _role(self, claims: Mapping[str, Any]) -> Role:
        given = claims.get(self._role_claim)
        named = given if isinstance(given, list) else [given]
        for role in ROLES:
            if role.value in named:
                return role
        known = ", ".join(f"`{role.value}`" for role in reversed(ROLES))
        raise Forbidden(f"The token gives no role that is known here: `{self._role_claim}` must be one of {known}.")


def _as_student(principal: Principal, claims: Mapping[str, Any]) -> Claimed:
    """The student's key comes first; one who is named by neither claim is nobody whose record is here."""
    key = claims.get(STUDENT_ID)
    if key is not None:
        if type(key) is not int or not 0 < key <= _KEY_MAX:  # bool is a subclass of int
            raise Unauthenticated(f"The token's `{STUDENT_ID}` must be the integer key of a student.")
        return Claimed(Principal(principal.role, principal.subject, key, principal.expires_at), None)
    sourced_id = claims.get(STUDENT_SOURCED_ID)
    if sourced_id is not None and not _is_name(sourced_id):
        raise Unauthenticated(
            f"The token's `{STUDENT_SOURCED_ID}` must be a text of 1 to {_CHARACTERS_MAX} printable characters."
        )
    return Claimed(principal, sourced_id)


def _is_name(value: object) -> bool:
    # It is stored by the audit and looked up in the database: neither can hold every character.
    return isinstance(value, str) and 0 < len(value) <= _CHARACTERS_MAX and value.isprintable()
