import pytest

from gql_api.admission import RateLimit
from gql_api.http.rate_limiting import quota_fields, rate_key
from gql_api.identity import ANONYMOUS, UNIDENTIFIED, Principal, Role

STEVE = Principal(Role.STAFF, "steve")


@pytest.mark.parametrize(
    ("principal", "host", "key"),
    [
        (UNIDENTIFIED, "192.0.2.1", None),
        (STEVE, "192.0.2.1", "subject steve"),
        (Principal(Role.REGISTRAR, "steve"), "192.0.2.2", "subject steve"),
        (ANONYMOUS, "192.0.2.1", "address 192.0.2.1"),
        (ANONYMOUS, "2001:db8:1:2:3:4:5:6", "address 2001:db8:1:2::/64"),
        (ANONYMOUS, "2001:db8:1:2:ffff::1", "address 2001:db8:1:2::/64"),
        (ANONYMOUS, "2001:db8:1:3::1", "address 2001:db8:1:3::/64"),
        (ANONYMOUS, "::ffff:192.0.2.1", "address 192.0.2.1"),
        (ANONYMOUS, "unknown", "address unknown"),
        (ANONYMOUS, None, "address None"),
    ],
)
def test_a_caller_spends_by_subject_or_by_address(principal: Principal, host: str | None, key: str | None) -> None:
    assert rate_key(principal, None if host is None else (host, 5000)) == key


def test_a_subject_cannot_pass_for_an_address() -> None:
    assert rate_key(Principal(Role.STUDENT, "192.0.2.1"), None) != rate_key(ANONYMOUS, ("192.0.2.1", 5000))


def test_the_fields_tell_policy_and_what_is_left() -> None:
    limit = RateLimit(cost_per_minute=100, clock=lambda: 6010.5)
    limit.charge("subject steve", 30)
    assert quota_fields(limit, "subject steve") == (
        (b"ratelimit-policy", b'"cost";q=100;w=60'),
        (b"ratelimit", b'"cost";r=70;t=50'),
    )
