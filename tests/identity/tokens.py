"""Tokens of every kind, right and wrong, and keys to sign them with."""

import time
from base64 import urlsafe_b64encode
from typing import Any, Final, TypeAlias

import orjson
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

KeyPair: TypeAlias = RSAKey | ECKey | OKPKey

SECRET: Final = "a secret of the school, and of nobody else"  # noqa: S105 - of the tests alone
RSA: Final = RSAKey.generate_key(2048, {"kid": "rsa"})
EC: Final = ECKey.generate_key("P-256", {"kid": "ec"})
ED25519: Final = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token, with these changed; None takes one away."""
    made = {"sub": "ada", "role": "student", "student_id": 7, "exp": int(time.time()) + 86_400} | changes
    return {name: value for name, value in made.items() if value is not None}


def token(made_of: dict[str, Any] | bytes | None = None, *, key: Key | str = SECRET, **header: Any) -> bytes:
    """A token of these claims, those of `claims()` by default, signed in the way that `alg` says."""
    content = made_of if isinstance(made_of, bytes) else orjson.dumps(claims() if made_of is None else made_of)
    algorithm = header.setdefault("alg", "HS256")
    signer = OctKey.import_key(key) if isinstance(key, str) else key
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(header, content, signer, registry=registry).encode()


def forged(header: Any, made_of: Any = None, signature: bytes = b"") -> bytes:
    """Three parts that nobody has signed."""
    parts = (_json(header), _json(claims() if made_of is None else made_of), signature)
    return b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)


def _json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value)


def public_set(*keys: Key) -> dict[str, Any]:
    """The JWK set of these keys' public halves."""
    return {"keys": [key.as_dict(private=False) for key in keys]}
