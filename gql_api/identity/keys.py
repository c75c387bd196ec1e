"""The keys that tokens are verified with; each is good for the algorithms of its type, and for no others.

The algorithm that a token names is the word of whoever made it, so it only chooses among those its key is good for: a
public key never serves as the secret of an HMAC, and `none` is no algorithm (RFC 8725 §3.1 and §3.2).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Protocol

import orjson
from joserfc.errors import JoseError, SecurityWarning, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import CompactSignature, JWSRegistry, validate_compact

from gql_api.errors import KeyUnusable

HMAC_ALGORITHM: Final = "HS256"
"""What a shared secret is good for."""

_RSA_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_ALGORITHMS_BY_CURVE: Final = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "Ed448": ("EdDSA", "Ed448"),
}
PUBLIC_KEY_ALGORITHMS: Final = frozenset(chain(_RSA_ALGORITHMS, *_ALGORITHMS_BY_CURVE.values()))
"""What public keys are good for, all of them together."""

KEYS_MAX: Final = 32
"""How many keys of a set are looked at: a token that names none of them is tried with each."""

_UNUSABLE: Final = (JoseError, SecurityWarning, ValueError, TypeError, KeyError)


class PinnedRegistry(JWSRegistry):
    """joserfc's rules for headers, with fields that it does not know ignored, as RFC 7515 §4 asks, and no default."""

    max_header_length = 2048

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm of this name, if it is one of those that were pinned.

        joserfc would also warn at each use of `EdDSA`, the name that issuers send, that RFC 9864 has another for it.
        """
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key with what it is good for.

    Attributes:
        key_id: the `kid` by which tokens name it; None if it has none, and then it may be meant by any.
        algorithms: the algorithms that it verifies.
    """

    key_id: str | None
    algorithms: tuple[str, ...]
    _key: Key = field(repr=False)
    _registry: JWSRegistry = field(repr=False)

    @classmethod
    def of(cls, key: Key, algorithms: Sequence[str]) -> VerificationKey:
        """The key for these algorithms, or for the one among them that its `alg` names.

        Raises:
            ValueError: its own `alg` is none of these, or its `use` or `key_ops` say that it is for something else.
        """
        own = key.alg
        pinned = tuple(algorithms) if own is None else tuple(name for name in algorithms if name == own)
        if not pinned:
            raise ValueError("The key is good for no algorithm.")
        key.check_use("sig")
        key.check_key_op("verify")
        return cls(key.kid, pinned, key, PinnedRegistry(algorithms=pinned, strict_check_header=False))

    def verifies(self, signature: CompactSignature) -> bool:
        """Whether this key made the signature."""
        try:
            return validate_compact(signature, self._key, registry=self._registry)
        except (JoseError, ValueError):
            return False


class KeySource(Protocol):
    """Where keys come from."""

    @property
    def algorithms(self) -> frozenset[str]:
        """What the keys may be good for, all of them together; a token with another algorithm needs no look-up."""
        ...

    async def find(self, key_id: str | None) -> Sequence[VerificationKey]:
        """The keys that a token may mean which names this one, or none.

        Raises:
            IssuerUnusable: there are no keys yet, and they cannot be had now.
        """
        ...


class FixedKeys:
    """Keys from the configuration."""

    def __init__(self, *keys: VerificationKey) -> None:
        self._keys = keys
        self.algorithms = frozenset(name for key in keys for name in key.algorithms)

    async def find(self, key_id: str | None) -> Sequence[VerificationKey]:
        """The keys of this id, and those without any."""
        return matching(self._keys, key_id)


def matching(keys: Sequence[VerificationKey], key_id: str | None) -> Sequence[VerificationKey]:
    """The keys that may be meant by this id; by None any may."""
    return keys if key_id is None else [key for key in keys if key.key_id is None or key.key_id == key_id]


def secret_key(secret: str) -> VerificationKey:
    """The key that is a shared secret.

    Raises:
        KeyUnusable: it is a public key, which everybody may know.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)
            key = OctKey.import_key(secret.encode(errors="surrogateescape"))
    except _UNUSABLE:
        raise KeyUnusable("The secret is not fit for signing: it is, or looks like, a public key.") from None
    return VerificationKey.of(key, [HMAC_ALGORITHM])


def public_keys(content: bytes) -> tuple[VerificationKey, ...]:
    """The keys of a file: a public key or certificate in PEM, a JWK, or a set of JWKs (RFC 7517), all of them usable.

    Raises:
        KeyUnusable: it is nothing of that, or holds a private key, a shared secret, or a key that is too weak.
    """
    try:
        if content.lstrip().startswith(b"{"):
            document = orjson.loads(content)
            keys = tuple(_from_jwk(one) for one in document.get("keys", [document])[:KEYS_MAX])
        else:
            keys = (_from_pem(content),)
    except Exception:  # noqa: BLE001 - what is wrong with a file has as many exceptions as there are formats
        keys = ()
    if not keys:
        raise KeyUnusable(
            "it must hold a public key (RSA of at least 2048 bits, EC, Ed25519 or Ed448) in PEM or as a JWK, "
            "or a set of JWKs, and nothing secret"
        )
    return keys


def issued_keys(document: object) -> tuple[VerificationKey, ...]:
    """The keys of an issuer's JWK set that can be used; it may hold others, for other uses (RFC 7517 §5).

    Raises:
        ValueError: it is no JWK set.
    """
    match document:
        case {"keys": [*keys]}:
            usable = []
        case _:
            raise ValueError("The document is no JWK set.")
    for one in keys[:KEYS_MAX]:
        with suppress(*_UNUSABLE):
            usable.append(_from_jwk(one))
    return tuple(usable)


def _from_jwk(jwk: Any) -> VerificationKey:
    with warnings.catch_warnings():
        # joserfc warns of what is too weak; here it is refused.
        warnings.simplefilter("error", SecurityWarning)
        return _public(import_key(dict(jwk)))


def _from_pem(content: bytes) -> VerificationKey:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SecurityWarning)
        for kind in (RSAKey, ECKey, OKPKey):
            with suppress(JoseError):  # which one it is shows only by trying
                return _public(kind.import_key(content))
    raise ValueError("The key is of no type that is known.")


def _public(key: Key) -> VerificationKey:
    if isinstance(key, OctKey) or key.is_private:
        raise ValueError("The key is secret.")
    if isinstance(key, RSAKey):
        return VerificationKey.of(key, _RSA_ALGORITHMS)
    return VerificationKey.of(key, _ALGORITHMS_BY_CURVE.get(key.curve_name, ()))
