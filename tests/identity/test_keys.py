from typing import Any

import orjson
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gql_api.errors import KeyUnusable
from gql_api.identity.keys import KEYS_MAX, issued_keys, public_keys, secret_key
from tests.identity.tokens import EC, ED25519, RSA, KeyPair, public_set

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


def jwk(key: KeyPair, **changes: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **changes}


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, RSA_ALGORITHMS),
        (EC, ("ES256",)),
        (ECKey.generate_key("P-384"), ("ES384",)),
        (ECKey.generate_key("P-521"), ("ES512",)),
        (ED25519, ("EdDSA", "Ed25519")),
        (OKPKey.generate_key("Ed448"), ("EdDSA", "Ed448")),
    ],
)
def test_a_key_is_read_from_pem_and_from_jwk(key: KeyPair, algorithms: tuple[str, ...]) -> None:
    for content in (key.as_pem(private=False), orjson.dumps(jwk(key)), b"\n" + orjson.dumps({"keys": [jwk(key)]})):
        [read] = public_keys(content)
        assert read.algorithms == algorithms


@pytest.mark.filterwarnings("ignore:Key size should be")  # joserfc says so to whoever makes one
def weak() -> RSAKey:
    return RSAKey.generate_key(1024)


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize(
    "content",
    [
        lambda: b"",
        lambda: b"not a key",
        lambda: b"{",
        lambda: b"{}",
        lambda: b'{"keys": []}',
        lambda: b'{"keys": 1}',
        lambda: b'{"kty": []}',
        lambda: b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        lambda: RSA.as_pem(private=True),
        lambda: EC.as_pem(private=True),
        lambda: orjson.dumps(RSA.as_dict(private=True)),
        lambda: orjson.dumps(OctKey.generate_key(256).as_dict()),
        lambda: orjson.dumps(jwk(RSA, use="enc")),
        lambda: orjson.dumps(jwk(RSA, key_ops=["encrypt"])),
        lambda: orjson.dumps(jwk(RSA, alg="HS256")),
        lambda: orjson.dumps(jwk(RSA, alg="none")),
        lambda: orjson.dumps(jwk(OKPKey.generate_key("X25519"))),
        lambda: orjson.dumps(public_set(RSA, OKPKey.generate_key("X25519"))),
        lambda: weak().as_pem(private=False),
        lambda: orjson.dumps(jwk(weak())),
    ],
)
def test_a_file_that_holds_anything_but_strong_public_keys_is_refused(content: Any) -> None:
    with pytest.raises(KeyUnusable) as caught:
        public_keys(content())
    assert caught.value.message == (
        "it must hold a public key (RSA of at least 2048 bits, EC, Ed25519 or Ed448) in PEM or as a JWK, "
        "or a set of JWKs, and nothing secret"
    )


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_of_an_issuers_set_what_cannot_be_used_is_left_out() -> None:
    others = [
        {"kty": "AKP"},
        {},
        "x",
        None,
        {"kty": "RSA"},
        jwk(RSA, use="enc"),
        OctKey.generate_key(256).as_dict(),
        RSA.as_dict(private=True),
        jwk(weak()),
        {"kty": "EC", "crv": "P-0", "x": "AA", "y": "AA"},
    ]
    assert [key.key_id for key in issued_keys({"keys": [*others, jwk(RSA), jwk(EC, alg="ES256")]})] == ["rsa", "ec"]


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": "x"}, "keys"])
def test_what_is_no_set_of_keys_is_an_error(document: Any) -> None:
    with pytest.raises(ValueError, match="no JWK set"):
        issued_keys(document)


def test_of_a_set_no_more_keys_are_looked_at_than_is_said() -> None:
    assert len(issued_keys({"keys": [jwk(EC, kid=str(number)) for number in range(100)]})) == KEYS_MAX


@pytest.mark.parametrize("key", [RSA, EC, ED25519])
def test_a_public_key_is_no_secret(key: KeyPair) -> None:
    with pytest.raises(KeyUnusable):
        secret_key(key.as_pem(private=False).decode())
