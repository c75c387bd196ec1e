import asyncio
import hmac
import time
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gql_api.errors import Unauthenticated
from gql_api.identity import Principal, Role
from gql_api.identity.claims import ClaimRules
from gql_api.identity.keys import FixedKeys, VerificationKey, issued_keys, public_keys, secret_key
from gql_api.identity.tokens import TOKEN_BYTES_MAX, Tokens
from tests.identity.tokens import EC, ED25519, RSA, SECRET, KeyPair, claims, forged, public_set, token

MALFORMED = "The token is not a signed JSON Web Token in compact form."
BAD_SIGNATURE = "The token's signature is wrong."
UNKNOWN_KEY = "The token is signed with a key (`kid`) that is not known here."
ONLY_HS256 = "The token's algorithm (`alg`) is not accepted; accepted: HS256."
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
BY_SECRET = FixedKeys(secret_key(SECRET))
BY_SET = FixedKeys(*issued_keys(public_set(RSA, EC, ED25519)))


async def no_student(_sourced_id: str) -> int | None:
    return None


def tokens(keys: Any = BY_SECRET, **options: Any) -> Tokens:
    return Tokens(keys, ClaimRules(), **({"find_student_id": no_student} | options))


async def refused(given: bytes, keys: Any = BY_SECRET) -> str:
    """What is said about this token."""
    with pytest.raises(Unauthenticated) as caught:
        await tokens(keys).principal(given)
    return caught.value.message


async def test_a_good_token_tells_who_shows_it_and_until_when() -> None:
    expires = int(time.time()) + 600
    principal = await tokens().principal(token(claims(exp=expires)))
    assert principal == Principal(Role.STUDENT, "ada", student_id=7, expires_at=expires + 30)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *((RSA, f"{kind}{bits}") for kind in ("RS", "PS") for bits in (256, 384, 512)),
        (EC, "ES256"),
        (ED25519, "Ed25519"),
    ],
    ids=lambda given: given if isinstance(given, str) else given.kid,
)
async def test_a_public_key_verifies_what_its_private_half_has_signed(key: KeyPair, algorithm: str) -> None:
    for keys in (BY_SET, FixedKeys(*public_keys(key.as_pem(private=False)))):
        principal = await tokens(keys).principal(token(key=key, alg=algorithm, kid=key.kid))
        assert principal.subject == "ada"
        assert await refused(token(key=_other(key), alg=algorithm, kid=key.kid), keys) == BAD_SIGNATURE


def _other(key: KeyPair) -> KeyPair:
    match key:
        case RSAKey():
            return RSAKey.generate_key(2048)
        case ECKey():
            return ECKey.generate_key("P-256")
        case _:
            return OKPKey.generate_key("Ed25519")


async def test_the_name_that_issuers_still_have_for_ed25519_is_accepted_without_a_warning() -> None:
    with pytest.warns(SecurityWarning, match="EdDSA is deprecated"):  # joserfc says so to whoever signs, too
        signed = token(key=ED25519, alg="EdDSA", kid="ed")
    assert (await tokens(BY_SET).principal(signed)).subject == "ada"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", [b"", b"x"])
async def test_a_token_without_a_signature_is_nothing(algorithm: str, signature: bytes) -> None:
    assert await refused(forged({"alg": algorithm}, signature=signature)) == ONLY_HS256
    assert "(`alg`) is not accepted" in await refused(forged({"alg": algorithm}, signature=signature), BY_SET)


@pytest.mark.parametrize("secret", [RSA.as_pem(private=False), RSA.as_der(private=False)], ids=["pem", "der"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_public_key_is_never_taken_for_a_shared_secret(secret: bytes, algorithm: str) -> None:
    unsigned = forged({"alg": algorithm, "kid": "rsa"}).rpartition(b".")[0]
    mac = hmac.digest(secret, unsigned, algorithm.replace("HS", "sha"))
    attack = unsigned + b"." + forged(b"", b"", mac).rpartition(b".")[2]
    for keys in (BY_SET, FixedKeys(*public_keys(RSA.as_pem(private=False)))):
        assert "(`alg`) is not accepted" in await refused(attack, keys)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_the_algorithm_is_pinned_also_among_those_of_its_kind(algorithm: str) -> None:
    assert await refused(token(alg=algorithm)) == ONLY_HS256


async def test_a_key_is_good_for_the_algorithms_of_its_type_and_for_the_one_it_names_alone() -> None:
    assert await refused(token(key=RSA, alg="RS256", kid="ec"), BY_SET) == UNKNOWN_KEY
    only_ps256 = FixedKeys(*issued_keys({"keys": [{**RSA.as_dict(private=False), "alg": "PS256"}]}))
    assert (await tokens(only_ps256).principal(token(key=RSA, alg="PS256", kid="rsa"))).subject == "ada"
    assert "accepted: PS256." in await refused(token(key=RSA, alg="RS256", kid="rsa"), only_ps256)


async def test_a_token_names_its_key_or_is_tried_with_each() -> None:
    assert await refused(token(key=RSA, alg="RS256", kid="other"), BY_SET) == UNKNOWN_KEY
    assert (await tokens(BY_SET).principal(token(key=RSA, alg="RS256"))).subject == "ada"
    # A secret has no name.
    assert (await tokens().principal(token(kid="any"))).subject == "ada"


async def test_a_key_that_the_token_brings_along_is_not_looked_at() -> None:
    mine = RSAKey.generate_key(2048)
    brought: dict[str, Any] = {
        "jwk": mine.as_dict(private=False),
        "jku": "https://evil.example.org/jwks.json",
        "kid": "rsa",
    }
    assert await refused(token(key=mine, alg="RS256", **brought), BY_SET) == BAD_SIGNATURE


async def test_every_changed_character_is_noticed() -> None:
    good = token()
    signature_begins = good.rindex(b".") + 1
    for place in range(0, len(good) - 1, 7):  # the last character holds bits that mean nothing
        changed = good[:place] + (b"A" if good[place : place + 1] != b"A" else b"B") + good[place + 1 :]
        message = await refused(changed)
        assert place < signature_begins or message == BAD_SIGNATURE


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b".",
        b"..",
        b"...",
        b"a.b.c",
        b"\xff\xfe.\x00.\x01",
        b"e30.e30.e30",
        b"Bearer",
        forged([]),
        forged(["alg", "b64"]),
        forged("alg b64"),
        forged(1),
        forged(None),
        forged({"kid": "x"}),
        forged({"alg": 1}),
        forged({"alg": ["HS256"]}),
        forged({"alg": "HS256", "kid": 1}),
        forged({"alg": "HS256", "kid": ["x"]}),
        forged({"alg": "HS256", "crit": ["exp"]}),
        forged({"alg": "HS256", "crit": ["b64"], "b64": False}),
        forged(b'{"alg":' + b"[" * 1400),
        forged(b'{"alg":"HS256"'),
        token() + b".",
        b" ".join([token(), token()]),
    ],
    ids=lambda given: given[:40].decode("latin-1"),
)
async def test_what_is_no_token_is_refused_without_being_repeated(garbage: bytes) -> None:
    assert await refused(garbage) == MALFORMED


async def test_what_follows_a_signature_makes_it_another() -> None:
    assert await refused(token() + b"=") == BAD_SIGNATURE


async def test_what_a_token_calls_critical_is_not_known_here() -> None:
    assert await refused(token(crit=["kid"], kid="x")) == MALFORMED


@pytest.mark.parametrize("payload", [b"", b"{}x", b"[]", b'"ada"', b"1", b"null", b"[" * 2000, b"\xff"])
async def test_what_is_signed_has_to_be_claims(payload: bytes) -> None:
    assert await refused(token(payload)) == MALFORMED


async def test_a_header_of_the_issuers_own_is_ignored() -> None:
    assert (await tokens().principal(token(nonce="x", x5t="y", typ="at+jwt"))).subject == "ada"


async def test_a_token_that_is_too_long_is_not_looked_at() -> None:
    def of_length(length: int) -> bytes:
        good = token(claims(padding=""))
        return token(claims(padding="x" * ((length - len(good)) * 3 // 4)))

    assert len(of_length(TOKEN_BYTES_MAX)) == pytest.approx(TOKEN_BYTES_MAX, abs=4)
    assert (await tokens().principal(of_length(TOKEN_BYTES_MAX - 8))).subject == "ada"
    assert await refused(of_length(TOKEN_BYTES_MAX + 8)) == "The token is longer than 8192 bytes."
    assert await refused(b"x" * 1_000_000) == "The token is longer than 8192 bytes."


class CountingKeys:
    """Keys that count how often they are asked for."""

    def __init__(self, keys: FixedKeys) -> None:
        self._keys = keys
        self.algorithms = keys.algorithms
        self.asked = 0

    async def find(self, key_id: str | None) -> Sequence[VerificationKey]:
        self.asked += 1
        return await self._keys.find(key_id)


async def test_a_token_is_verified_once_and_believed_then() -> None:
    keys = CountingKeys(BY_SECRET)
    verifier, shown = tokens(keys), token()
    principals = [await verifier.principal(shown) for _ in range(3)]
    assert (principals[0], keys.asked) == (principals[2], 1)
    await verifier.principal(token(claims(sub="alan")))
    assert keys.asked == 2


async def test_a_token_that_is_believed_is_not_believed_for_longer_than_it_lasts() -> None:
    verifier, shown = tokens(), token(claims(exp=int(time.time()) - 29))
    assert (await verifier.principal(shown)).subject == "ada"
    await asyncio.sleep(2)
    with pytest.raises(Unauthenticated, match="has expired"):
        await verifier.principal(shown)


async def test_no_more_tokens_are_remembered_than_is_said() -> None:
    keys = CountingKeys(BY_SECRET)
    verifier = tokens(keys, entries_max=2)
    first, second, third = (token(claims(sub=name)) for name in ("a", "b", "c"))
    for shown in (first, second, first, third, first):
        await verifier.principal(shown)
    assert keys.asked == 3
    await verifier.principal(second)
    assert keys.asked == 4


async def test_a_token_that_was_refused_is_not_remembered() -> None:
    keys = CountingKeys(BY_SECRET)
    verifier = tokens(keys)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await verifier.principal(token(claims(sub=None)))
    assert keys.asked == 2


async def test_a_student_named_by_the_schools_id_is_looked_up_once() -> None:
    asked: list[str] = []

    async def find(sourced_id: str) -> int | None:
        asked.append(sourced_id)
        return {"s-7": 7}.get(sourced_id)

    verifier = tokens(find_student_id=find)
    known = token(claims(student_id=None, student_sourced_id="s-7"))
    unknown = token(claims(student_id=None, student_sourced_id="s-8"))
    assert [(await verifier.principal(shown)).student_id for shown in (known, known, unknown)] == [7, 7, None]
    assert asked == ["s-7", "s-8"]


def test_neither_a_secret_nor_a_key_is_shown_with_what_holds_it() -> None:
    assert repr(secret_key(SECRET)) == "VerificationKey(key_id=None, algorithms=('HS256',))"
    assert SECRET not in repr(BY_SECRET) + repr(tokens())
