"""Rate limits of the real program: what is charged, by which name, and how a refusal looks on every way in."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from gql_api.identity import Role
from gql_api.identity.minting import mint
from tests.http.websocket_client import websocket
from tests.integration.stored import connected
from tests.server import Server, serving

SECRET = "s" * 32
COST_MAX, PER_MINUTE = 50, 100
LIMITS: dict[str, Any] = {"cost_max": COST_MAX, "cost_per_minute": PER_MINUTE}

CHEAP = {"query": "{ __typename }"}
COSTLY = {"query": "{ courses(first: 40) { nodes { code } } }"}

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # the database has no part in it
pytestmark = on_sqlite


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    """A server that asks for tokens, shows its catalogue to everybody, and lets each spend PER_MINUTE."""
    with connected(database_url) as database:
        database.run("INSERT INTO students (id, name) VALUES (1, 'Ada')")
    with serving(database_url, jwt_secret=SECRET, anonymous_sees_courses="on", **LIMITS) as server:
        yield server


def token(subject: str) -> str:
    return mint(SECRET, Role.STAFF, subject=subject, seconds=600)


@contextmanager
def client(server: Server, subject: str | None, **headers: str) -> Iterator[httpx.Client]:
    authorization = {} if subject is None else {"Authorization": f"Bearer {token(subject)}"}
    with httpx.Client(base_url=server.url, headers={**authorization, **headers}) as http:
        yield http


def remaining(headers: Mapping[str, str]) -> int:
    """What the answer says is left; the whole field is looked at."""
    assert headers["RateLimit-Policy"] == f'"cost";q={PER_MINUTE};w=60'
    found = re.fullmatch(r'"cost";r=(\d+);t=([1-9]|[1-5]\d|60)', headers["RateLimit"])
    assert found, headers["RateLimit"]
    return int(found[1])


def spend(http: httpx.Client) -> httpx.Response:
    """Ask for something costly until that is refused."""
    for _ in range(5):
        answer = http.post("/graphql", json=COSTLY)
        if answer.status_code != 200:
            break
    return answer


def test_every_answer_tells_what_is_left_and_each_request_costs_at_least_one(server: Server) -> None:
    with client(server, "steve") as http:
        asked: list[tuple[int, int]] = []
        requests: list[dict[str, Any]] = [
            {"json": CHEAP},
            {"json": {"query": "{"}},
            {"content": b"nonsense", "headers": {"Content-Type": "application/json"}},
            {"json": COSTLY},
        ]
        for request in requests:
            answer = http.post("/graphql", **request)
            asked.append((answer.status_code, PER_MINUTE - remaining(answer.headers)))
        assert [status for status, _ in asked[:3]] == [200, 200, 400]
        assert [spent for _, spent in asked[:3]] == [1, 2, 3]
        status, spent = asked[3]
        assert (status, spent > 3 + 40) == (200, True)


def test_who_has_spent_it_is_told_when_to_come_again_and_others_are_not_concerned(server: Server) -> None:
    with client(server, "steve") as steve, client(server, "rosa") as rosa:
        refused = spend(steve)
        assert refused.status_code == 429
        [error] = refused.json()["errors"]
        seconds = error["extensions"]["retryAfterSeconds"]
        assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": seconds}
        assert re.fullmatch(
            rf"Of the 100 that you may spend in a minute \d+ are left, and this needs \d+\."
            rf" Come again in {seconds} seconds\.",
            error["message"],
        )
        assert refused.headers["Retry-After"] == str(seconds)
        assert 1 <= seconds <= 120
        assert "data" not in refused.json()
        for accept in ("application/json", "application/graphql-response+json"):
            assert steve.post("/graphql", json=COSTLY, headers={"Accept": accept}).status_code == 429
        preflighted = {"X-Apollo-Operation-Name": "courses"}
        assert steve.get("/graphql", params=COSTLY, headers=preflighted).status_code == 429
        assert steve.post("/graphql", json=CHEAP).status_code == 200
        assert rosa.post("/graphql", json=COSTLY).status_code == 200


def test_who_has_nothing_left_is_refused_before_the_document_is_looked_at(server: Server) -> None:
    with client(server, "steve") as http:
        while remaining(http.post("/graphql", json=CHEAP).headers):
            pass
        refused = http.post("/graphql", content=b"nonsense", headers={"Content-Type": "application/json"})
        assert (refused.status_code, remaining(refused.headers)) == (429, 0)
        assert int(refused.headers["Retry-After"]) >= 1
        assert http.get("/students/1/courses").status_code == 429
        assert http.get("/health/ready").status_code == 200
        assert http.get("/metrics").status_code == 200


def test_the_rest_twins_cost_as_much_as_a_page_has_rows(server: Server) -> None:
    with client(server, "steve") as http:
        page = http.get("/students/1/courses", params={"first": 30})
        assert (page.status_code, remaining(page.headers)) == (200, PER_MINUTE - 31)
        nobody = http.get("/students/2/courses/1")
        assert (nobody.status_code, remaining(nobody.headers)) == (404, PER_MINUTE - 32)
        refused = http.get("/students/1/courses", params={"first": 500})
        assert refused.status_code == 429
        problem: dict[str, Any] = refused.json()
        seconds = refused.headers["Retry-After"]
        assert problem == {
            "type": "urn:problem-type:rate-limited",
            "title": "Rate limit exceeded",
            "status": 429,
            "detail": "Of the 100 that you may spend in a minute 67 are left, and this needs 500."
            f" Come again in {seconds} seconds.",
            "code": "RATE_LIMITED",
        }


async def test_operations_on_a_websocket_are_charged_to_the_same_caller(server: Server) -> None:
    with client(server, "steve") as http:
        spend(http)
    async with websocket(server.port) as socket:
        await socket.send(type="connection_init", payload={"token": token("steve")})
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.subscribe(COSTLY["query"], id_="costly")
        refused = await socket.receive()
        assert (refused["id"], refused["type"]) == ("costly", "error")
        [error] = refused["payload"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert error["extensions"]["retryAfterSeconds"] >= 1
        for number in range(PER_MINUTE):
            await socket.subscribe("{ __typename }", id_=str(number))
            if (await socket.receive())["type"] == "error":
                break
            assert (await socket.receive())["type"] == "complete"
        else:
            pytest.fail("a hundred operations cost nothing")


def test_event_streams_are_charged_too(server: Server) -> None:
    with client(server, "steve") as http:
        spend(http)
        stream = http.post("/graphql", json=COSTLY, headers={"Accept": "text/event-stream"})
        assert '"code":"RATE_LIMITED"' in stream.text


def test_who_shows_no_token_spends_by_address_whatever_a_header_says(server: Server) -> None:
    with client(server, None) as http:
        assert spend(http).status_code == 429
    with client(server, None, **{"X-Forwarded-For": "192.0.2.7"}) as other:
        assert other.post("/graphql", json=COSTLY).status_code == 429
    with client(server, "steve") as steve:
        assert steve.post("/graphql", json=COSTLY).status_code == 200


def test_a_trusted_proxy_tells_whose_address_it_is(database_url: str) -> None:
    settings: dict[str, Any] = {
        "jwt_secret": SECRET,
        "anonymous_sees_courses": "on",
        "trusted_proxies": "127.0.0.0/8",
        **LIMITS,
    }
    with serving(database_url, **settings) as server:
        with client(server, None, **{"X-Forwarded-For": "192.0.2.7"}) as http:
            assert spend(http).status_code == 429
        with client(server, None, **{"X-Forwarded-For": "192.0.2.8"}) as http:
            assert http.post("/graphql", json=COSTLY).status_code == 200
        # What a client claims itself stands before what the proxy has seen.
        with client(server, None, **{"X-Forwarded-For": "192.0.2.99, 192.0.2.7"}) as http:
            assert http.post("/graphql", json=COSTLY).status_code == 429


@pytest.mark.parametrize("settings", [{}, {"jwt_secret": SECRET, "cost_per_minute": 0}], ids=["identity off", "any"])
def test_where_nobody_is_told_apart_or_any_cost_is_allowed_nothing_is_limited(
    database_url: str, settings: dict[str, Any]
) -> None:
    with serving(database_url, **settings) as server, client(server, "steve") as http:
        for _ in range(20):
            answer = http.post("/graphql", json=COSTLY)
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers
