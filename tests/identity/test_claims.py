import time
from typing import Any

import pytest

from gql_api.errors import Forbidden, Unauthenticated
from gql_api.identity import Principal, Role
from gql_api.identity.claims import Claimed, ClaimRules
from tests.identity.tokens import claims


def later(seconds: float) -> Any:
    """A moment that lies so far from the one at which the test runs."""
    return lambda: int(time.time() + seconds)


def principal(rules: ClaimRules | None = None, **changes: Any) -> Claimed:
    now = {name: value() if callable(value) else value for name, value in changes.items()}
    return (rules or ClaimRules()).principal(claims(**now))


def refused(rules: ClaimRules | None = None, **changes: Any) -> str:
    with pytest.raises(Unauthenticated) as caught:
        principal(rules, **changes)
    return caught.value.message


EXPIRED = "The token has expired (`exp`)."
NO_TIME = "The token's `exp` is not a time."
NOT_YET = "The token is not valid yet (`nbf`)."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exp": None}, "The token has no `exp`."),
        ({"exp": later(-60)}, EXPIRED),
        ({"exp": 0}, EXPIRED),
        ({"exp": -1e9}, EXPIRED),
        ({"exp": "2099-01-01"}, NO_TIME),
        ({"exp": True}, NO_TIME),
        ({"exp": [4e9]}, NO_TIME),
        ({"exp": float("inf")}, NO_TIME),
        ({"exp": float("nan")}, NO_TIME),
        ({"exp": 1e300}, NO_TIME),
        ({"exp": 10**400}, NO_TIME),
        ({"nbf": later(120)}, NOT_YET),
        ({"nbf": "now"}, NOT_YET),
        ({"iat": later(120)}, "The token was issued in the future (`iat`)."),
        ({"jti": 7}, "The token's `jti` is malformed."),
        ({"sub": None}, "The token has no `sub`."),
        ({"exp": None, "sub": None}, "The token has no `exp,sub`."),
    ],
)
def test_a_token_holds_from_one_moment_to_another(changes: dict[str, Any], message: str) -> None:
    assert refused(**changes) == message


def test_clocks_may_differ_by_half_a_minute() -> None:
    now = int(time.time())
    assert principal(exp=now - 20, nbf=now + 20, iat=now + 20).principal.expires_at == now + 10


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\nb", "a\x00", "\x1b[31m", "\u202e", 7, ["ada"], {}])
def test_a_subject_can_be_stored_and_shown(subject: Any) -> None:
    assert refused(sub=subject) == "The token's `sub` must be a text of 1 to 255 printable characters."


WRONG_ISSUER = "The token's issuer (`iss`) is not the one that is trusted here."
WRONG_AUDIENCE = "The token is not meant for this audience (`aud`)."
STRICT = ClaimRules(issuer="https://id.example.org", audience="school")
RIGHT = {"iss": "https://id.example.org", "aud": "school"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iss": None}, "The token has no `iss`."),
        ({"iss": "https://id.example.org/"}, WRONG_ISSUER),
        ({"iss": "https://ID.example.org"}, WRONG_ISSUER),
        ({"iss": ["https://id.example.org"]}, WRONG_ISSUER),
        ({"aud": None}, "The token has no `aud`."),
        ({"aud": "library"}, WRONG_AUDIENCE),
        ({"aud": "schools"}, WRONG_AUDIENCE),
        ({"aud": ["library", "gym"]}, WRONG_AUDIENCE),
        ({"aud": []}, WRONG_AUDIENCE),
        ({"aud": ["school", 7]}, WRONG_AUDIENCE),
        ({"aud": {"school": 1}}, WRONG_AUDIENCE),
    ],
)
def test_a_token_comes_from_who_is_trusted_and_is_meant_for_this_server(changes: Any, message: str) -> None:
    assert refused(STRICT, **RIGHT | changes) == message


@pytest.mark.parametrize("audience", ["school", ["school"], ["library", "school"]])
def test_a_token_may_be_meant_for_others_too(audience: Any) -> None:
    assert principal(STRICT, **RIGHT | {"aud": audience}).principal.subject == "ada"


@pytest.mark.parametrize("audience", ["library", ["library"], "", []])
def test_a_server_without_a_name_is_not_meant_by_a_token_that_names_somebody(audience: Any) -> None:
    assert refused(aud=audience) == WRONG_AUDIENCE


@pytest.mark.parametrize(
    ("given", "role"),
    [
        ("student", Role.STUDENT),
        ("staff", Role.STAFF),
        ("registrar", Role.REGISTRAR),
        (["staff"], Role.STAFF),
        (["offline_access", "student", "staff"], Role.STAFF),
        (["student", "registrar", {"x": 1}], Role.REGISTRAR),
    ],
)
def test_the_role_is_the_one_that_may_do_most(given: Any, role: Role) -> None:
    assert principal(role=given).principal.role is role
    assert principal(ClaimRules(role_claim="urn:school/role"), **{"urn:school/role": given}).principal.role is role


@pytest.mark.parametrize("given", [None, "", "anonymous", "admin", "Staff", " staff", 1, [], ["admin"], {"staff": 1}])
def test_who_has_no_role_here_may_do_nothing(given: Any) -> None:
    with pytest.raises(Forbidden) as caught:
        principal(role=given)
    assert caught.value.message == (
        "The token gives no role that is known here: `role` must be one of `student`, `staff`, `registrar`."
    )


@pytest.mark.parametrize(
    ("changes", "student_id", "sourced_id"),
    [
        ({}, 7, None),
        ({"student_sourced_id": "s-7"}, 7, None),
        ({"student_id": 2**63 - 1}, 2**63 - 1, None),
        ({"student_id": None, "student_sourced_id": "s-7"}, None, "s-7"),
        ({"student_id": None}, None, None),
        ({"role": "staff"}, None, None),
        ({"role": "registrar", "student_sourced_id": "s-7"}, None, None),
    ],
)
def test_a_student_is_named_by_key_or_else_by_the_schools_id(
    changes: dict[str, Any], student_id: int | None, sourced_id: str | None
) -> None:
    claimed = principal(**changes)
    assert claimed.principal == Principal(
        claimed.principal.role, "ada", student_id, expires_at=claimed.principal.expires_at
    )
    assert claimed.student_sourced_id == sourced_id


@pytest.mark.parametrize("key", [0, -1, 2**63, 1.0, "7", True, [7], {}])
def test_a_key_is_an_integer_that_a_student_can_have(key: Any) -> None:
    assert refused(student_id=key) == "The token's `student_id` must be the integer key of a student."


@pytest.mark.parametrize("sourced_id", ["", "x" * 256, "\x00", 7, ["s-7"], {}, False])
def test_a_schools_id_is_a_text_that_can_be_looked_up(sourced_id: Any) -> None:
    assert refused(student_id=None, student_sourced_id=sourced_id) == (
        "The token's `student_sourced_id` must be a text of 1 to 255 printable characters."
    )
