"""Who is served without saying who they are, and tokens for development."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gql_api.identity import Principal, Role
from gql_api.identity.claims import ClaimRules
from gql_api.identity.keys import FixedKeys, secret_key
from gql_api.identity.tokens import Tokens
from tests.identity.tokens import EC, RSA, SECRET, claims, public_set, token
from tests.server import command, gql_api, serving

WAYS_OUT = (
    "Set GQL_API_JWT_SECRET or GQL_API_JWT_PUBLIC_KEY_FILE or GQL_API_OIDC_ISSUER, or listen on 127.0.0.1, "
    "or let everybody do everything with GQL_API_IDENTITY=off."
)
BEYOND_THIS_MACHINE = ["0.0.0.0", "::"]  # noqa: S104 - it is what is refused


@pytest.mark.parametrize("host", BEYOND_THIS_MACHINE)
def test_strangers_are_not_served_unless_somebody_says_so(tmp_path: Path, host: str) -> None:
    refused = gql_api("serve", "--host", host, "--port", "0", "--demo", directory=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    shown = f"[{host}]" if ":" in host else host
    assert refused.stderr == (
        f"Error: {shown} can be reached from elsewhere, and nobody would be asked who they are. {WAYS_OUT}\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", [{"identity": "off"}, {"jwt_secret": SECRET}], ids=["off", "on"])
def test_strangers_are_served_by_who_asks_them_or_says_that_nobody_is_asked(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    # It gets as far as the database, which cannot be had.
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'school.sqlite3'}"
    refused = gql_api("serve", "--host", BEYOND_THIS_MACHINE[0], "--port", "0", database_url=database_url, **settings)
    assert refused.returncode == 1
    assert "can be reached from elsewhere" not in refused.stderr
    warned = "Identity is off: whoever reaches this address may read and change everything.\n"
    assert (warned in refused.stderr) is ("identity" in settings)
    assert SECRET not in refused.stderr


@pytest.mark.parametrize("host", ["localhost", "127.8.8.8", "::1"])
def test_this_machine_is_served_without_a_word(tmp_path: Path, host: str) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'school.sqlite3'}"
    refused = gql_api("serve", "--host", host, "--port", "0", database_url=database_url)
    assert "missing" in refused.stderr
    assert "elsewhere" not in refused.stderr
    assert "Identity" not in refused.stderr


async def no_student(_sourced_id: str) -> int | None:
    return None


async def principal(shown: str, **rules: Any) -> Principal:
    tokens = Tokens(FixedKeys(secret_key(SECRET)), ClaimRules(**rules), find_student_id=no_student)
    return await tokens.principal(shown.strip().encode())


async def test_a_token_for_development_is_one_that_this_server_believes() -> None:
    made = command("token", "--role", "student", "--student", "7", "--subject", "ada", jwt_secret=SECRET)
    assert (made.exit_code, made.stderr) == (0, "")
    believed = await principal(made.stdout)
    assert believed == Principal(Role.STUDENT, "ada", 7, expires_at=believed.expires_at)


async def test_a_token_for_development_says_what_the_settings_ask_for() -> None:
    settings = {"jwt_secret": SECRET, "jwt_audience": "school", "jwt_issuer": "me", "role_claim": "urn:role"}
    made = command("token", "--role", "registrar", "--minutes", "5", **settings)
    believed = await principal(made.stdout, audience="school", issuer="me", role_claim="urn:role")
    assert (believed.role, believed.subject, believed.student_id) == (Role.REGISTRAR, "development", None)
    held = jwt.decode(made.stdout.strip(), OctKey.import_key(SECRET)).claims
    assert held["exp"] - held["iat"] == 300


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["--role", "staff"], {}, "GQL_API_JWT_SECRET is not there; tokens can be made with a shared secret alone."),
        (["--role", "staff", "--student", "7"], {"jwt_secret": SECRET}, "--student goes with --role student alone."),
        (["--role", "anonymous"], {"jwt_secret": SECRET}, "'anonymous' is not one of"),
        (["--role", "staff", "--minutes", "0"], {"jwt_secret": SECRET}, "0 is not in the range"),
        ([], {"jwt_secret": SECRET}, "Missing option '--role'"),
    ],
)
def test_a_token_that_cannot_be_made_is_not(arguments: list[str], settings: dict[str, str], said: str) -> None:
    refused = command("token", *arguments, **settings)
    assert (refused.exit_code > 0, refused.stdout) == (True, "")
    assert said in refused.stderr
    assert SECRET not in refused.output


UNUSABLE = (
    "it must hold a public key (RSA of at least 2048 bits, EC, Ed25519 or Ed448) in PEM or as a JWK, "
    "or a set of JWKs, and nothing secret"
)


@pytest.mark.parametrize(
    ("content", "reason", "workers"),
    [
        (None, "cannot be read: No such file or directory", "1"),
        (b"nonsense", f"cannot be used: {UNUSABLE}", "2"),
        (RSA.as_pem(private=True), f"cannot be used: {UNUSABLE}", "1"),
    ],
    ids=["missing", "nonsense", "private"],
)
def test_a_key_file_that_cannot_be_used_ends_serving_with_one_line(
    tmp_path: Path, content: bytes | None, reason: str, workers: str
) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    refused = gql_api("serve", "--port", "0", "--workers", workers, jwt_public_key_file=file)
    assert refused.returncode == 1
    assert refused.stderr == f"Error: GQL_API_JWT_PUBLIC_KEY_FILE: {file} {reason}.\n"


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_tokens_are_verified_with_the_keys_of_a_file(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(orjson.dumps(public_set(RSA, EC)))
    with serving(database_url, jwt_public_key_file=file, identity="on") as server:
        statuses = [
            server.get("/students/7/courses", headers={"Authorization": f"Bearer {shown.decode()}"}).status_code
            for shown in (
                token(claims(role="staff"), key=RSA, alg="RS256", kid="rsa"),
                token(claims(role="staff"), key=EC, alg="ES256", kid="ec"),
                token(claims(role="staff")),
            )
        ]
        assert statuses == [404, 404, 401]
        assert not re.search("eyJ", server.log)
