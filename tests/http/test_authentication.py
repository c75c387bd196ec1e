"""Who asks, over every transport, against the real server."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from gql_api.http.authentication import BearerAuthentication
from gql_api.http.issuer import IssuerKeys
from gql_api.http.refusal import HttpRefusal
from gql_api.identity.claims import ClaimRules
from gql_api.identity.tokens import Tokens
from tests.database_fixtures import Databases, SqliteDatabases
from tests.http.issuer import CONFIGURATION, JWKS, Issuer, issuing
from tests.http.test_sse import events, stream
from tests.http.websocket_client import ASSIGNMENTS, WebSocketClient, websocket
from tests.identity.tokens import EC, RSA, SECRET, KeyPair, claims, forged, token
from tests.server import Server, serving

NEEDED = "A token is needed: send `Authorization: Bearer TOKEN`."
EXPIRED = "The token has expired (`exp`)."
CHALLENGE = 'Bearer realm="gql-api"'
INVALID = CHALLENGE + ', error="invalid_token"'
COURSES = "{ courses { totalCount } }"
HTTP = httpx.Client(timeout=30, headers={"Connection": "close"})
EXPIRES_SOON = 27  # of the 30 seconds by which clocks may differ


@pytest.fixture(scope="module")
def school(sqlite_databases: SqliteDatabases) -> Iterator[Server]:
    """A server that asks for tokens, and has one student and one course."""
    with sqlite_databases.migrated() as url, serving(url, jwt_secret=SECRET) as server:
        ask(server, 'mutation { createStudent(input: {name: "Ada", sourcedId: "s-1"}) { __typename } }')
        ask(server, 'mutation { createCourse(input: {code: "A", title: "Algebra"}) { __typename } }')
        yield server
        assert SECRET not in server.log
        assert "eyJ" not in server.log


def bearer(shown: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {shown.decode('latin-1')}"}


def as_registrar() -> dict[str, str]:
    return bearer(token(claims(role="registrar")))


def post(server: Server, query: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return HTTP.post(f"{server.url}/graphql", json={"query": query}, headers=headers or {})


def ask(server: Server, query: str, headers: dict[str, str] | None = None) -> Any:
    answer = post(server, query, as_registrar() if headers is None else headers).json()
    assert "errors" not in answer, answer
    return answer["data"]


def graphql_error(message: str, code: str = "UNAUTHENTICATED") -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


WAYS = {
    "POST": ("POST", "/graphql", {"Accept": "application/json"}),
    "POST, refusing nothing": ("POST", "/graphql", {"Accept": "application/graphql-response+json"}),
    "GET": ("GET", "/graphql?query={__typename}", {"Content-Type": "application/json"}),
    "event stream": ("POST", "/graphql", {"Accept": "text/event-stream"}),
    "REST, a page": ("GET", "/students/1/courses", {}),
    "REST, one": ("GET", "/students/1/courses/1", {}),
    "REST, assigning": ("POST", "/students/1/courses", {}),
}


def by(way: str, server: Server, headers: dict[str, str]) -> httpx.Response:
    """Ask in this way; the body is nonsense, and nobody looks at it."""
    method, path, own = WAYS[way]
    content = b"{" if method == "POST" else None
    return HTTP.request(method, server.url + path, content=content, headers=own | headers)


def refusal_of(answer: httpx.Response) -> tuple[int, str | None, str, str]:
    """The status, the challenge, the code and the message of a refusal."""
    body = answer.json()
    if answer.headers["content-type"] == "application/problem+json":
        code, message = body["code"], body["detail"]
        assert body["status"] == answer.status_code
    else:
        code, message = body["errors"][0]["extensions"]["code"], body["errors"][0]["message"]
        assert body == graphql_error(message, code)
    return answer.status_code, answer.headers.get("www-authenticate"), code, message


@pytest.mark.parametrize("way", WAYS)
def test_without_a_token_nothing_is_done_and_nothing_of_the_request_is_read(school: Server, way: str) -> None:
    assert refusal_of(by(way, school, {})) == (401, CHALLENGE, "UNAUTHENTICATED", NEEDED)


@pytest.mark.parametrize("way", WAYS)
def test_a_token_that_is_not_believed_is_no_token(school: Server, way: str) -> None:
    shown = bearer(token(claims(exp=1e9)))
    assert refusal_of(by(way, school, shown)) == (401, INVALID, "UNAUTHENTICATED", EXPIRED)


@pytest.mark.parametrize("way", WAYS)
def test_who_has_no_role_here_is_refused(school: Server, way: str) -> None:
    status, challenge, code, _message = refusal_of(by(way, school, bearer(token(claims(role="admin")))))
    assert (status, challenge, code) == (403, CHALLENGE + ', error="insufficient_scope"', "FORBIDDEN")


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (forged({"alg": "none"}), "The token's algorithm (`alg`) is not accepted; accepted: HS256."),
        (token(key=RSA, alg="RS256"), "The token's algorithm (`alg`) is not accepted; accepted: HS256."),
        (token(key="another secret, as long as the other"), "The token's signature is wrong."),
        (token(claims(exp=None)), "The token has no `exp`."),
        (token(claims(nbf=4e9)), "The token is not valid yet (`nbf`)."),
        (token(claims(aud="library")), "The token is not meant for this audience (`aud`)."),
        (b"x" * 9000, "The token is longer than 8192 bytes."),
        (b"garbage", "The token is not a signed JSON Web Token in compact form."),
        (b"\xff\xfe", "The token is not a signed JSON Web Token in compact form."),
    ],
    ids=lambda given: given[:12].decode("latin-1") if isinstance(given, bytes) else "",
)
def test_what_is_wrong_with_a_token_is_said_without_repeating_it(school: Server, shown: bytes, message: str) -> None:
    answer = post(school, COURSES, {"Authorization": b"Bearer " + shown})  # type: ignore[dict-item]  # bytes are possible
    assert refusal_of(answer) == (401, INVALID, "UNAUTHENTICATED", message)
    assert len(shown) < 8 or shown.decode("latin-1") not in str(answer.headers) + answer.text


@pytest.mark.parametrize("authorization", ["Basic YWRhOmFkYQ==", "", "Token x", "Bearerx"])
def test_another_way_of_saying_who_one_is_is_not_understood(school: Server, authorization: str) -> None:
    answer = post(school, COURSES, {"Authorization": authorization})
    assert refusal_of(answer) == (401, CHALLENGE, "UNAUTHENTICATED", "The `Authorization` must be `Bearer TOKEN`.")


@pytest.mark.parametrize("path", ["/graphql", "/students/1/courses"])
def test_two_tokens_are_none(school: Server, path: str) -> None:
    with closing(HTTPConnection("127.0.0.1", school.port, timeout=30)) as connection:
        connection.putrequest("GET", path)
        for _ in range(2):
            connection.putheader("Authorization", as_registrar()["Authorization"])
        connection.endheaders()
        assert connection.getresponse().status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_a_token_that_holds_opens_every_way(school: Server, scheme: str) -> None:
    headers = {"Authorization": as_registrar()["Authorization"].replace("Bearer", scheme)}
    assert ask(school, COURSES, headers) == {"courses": {"totalCount": 1}}
    statuses = [by(way, school, headers).status_code for way in WAYS]
    assert statuses == [415, 415, 200, 415, 200, 404, 415]  # now it is looked at


def test_health_metrics_and_the_page_of_graphiql_are_open(school: Server) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        assert school.get(path).status_code == 200
    page = HTTP.get(f"{school.url}/graphql", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_no_schema_is_told_to_strangers(school: Server) -> None:
    assert post(school, "{ __schema { types { name } } }").status_code == 401
    assert post(school, "{ __typename }").status_code == 401


async def closed_after(server: Server, payload: Any, headers: dict[str, str] | None = None) -> Any:
    async with websocket(server.port, additional_headers=headers or {}) as client:
        await client.send(type="connection_init", payload=payload)
        return await client.closed()


async def test_a_websocket_without_a_token_that_holds_is_closed(school: Server) -> None:
    expired = token(claims(exp=1e9)).decode()
    assert await closed_after(school, None) == (4403, NEEDED)
    assert await closed_after(school, {}) == (4403, NEEDED)
    assert await closed_after(school, {"token": expired}) == (4403, EXPIRED)
    assert await closed_after(school, {"Authorization": expired}) == (
        4403,
        "The `Authorization` must be `Bearer TOKEN`.",
    )
    assert await closed_after(school, None, bearer(expired.encode())) == (4403, EXPIRED)


async def acknowledged(client: WebSocketClient, payload: Any) -> None:
    await client.send(type="connection_init", payload=payload)
    assert await client.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("name", ["Authorization", "authorization", "token"])
async def test_a_websocket_with_a_token_is_its_students(school: Server, name: str) -> None:
    shown = token(claims(student_id=None, student_sourced_id="s-1")).decode()
    async with websocket(school.port) as client:
        await acknowledged(client, {name: shown if name == "token" else f"Bearer {shown}"})
        await client.subscribe("{ students { nodes { name } } }")
        received = await client.receive()
    assert received["payload"] == {"data": {"students": {"nodes": [{"name": "Ada"}]}}}


async def test_a_websocket_is_closed_and_its_operations_end_when_the_token_expires(school: Server) -> None:
    began = time.monotonic()
    shown = token(claims(role="staff", exp=int(time.time()) - EXPIRES_SOON)).decode()
    async with websocket(school.port) as client, websocket(school.port) as other:
        await acknowledged(client, {"token": shown})
        await acknowledged(other, as_registrar())
        await client.subscribe(ASSIGNMENTS)
        assert await client.closed() == (4403, "The token has expired")
        assert 1 < time.monotonic() - began < 10
        await other.send(type="ping")
        assert await other.receive() == {"type": "pong"}


async def test_an_event_stream_ends_without_being_complete_when_the_token_expires(school: Server) -> None:
    began = time.monotonic()
    headers = {"Accept": "text/event-stream"} | bearer(token(claims(role="staff", exp=int(time.time()) - EXPIRES_SOON)))
    async with asyncio.timeout(20), stream(school, headers=headers, json={"query": ASSIGNMENTS}) as answer:
        assert [event async for event in events(answer)] == []
    assert 1 < time.monotonic() - began < 10


def test_the_student_whom_the_schools_id_names_is_found(databases: Databases) -> None:
    with databases.migrated() as url, serving(url, jwt_secret=SECRET) as server:
        ask(
            server,
            'mutation { a: createStudent(input: {name: "Ada", sourcedId: "s-1"}) { __typename }'
            ' b: createStudent(input: {name: "Alan", sourcedId: "s-2"}) { __typename } }',
        )
        names = "{ students { nodes { name } } }"
        for sourced_id, seen in (("s-1", ["Ada"]), ("s-2", ["Alan"]), ("s-3", []), ("S-2", []), ("' OR 1=1", [])):
            shown = bearer(token(claims(student_id=None, student_sourced_id=sourced_id)))
            nodes = ask(server, names, shown)["students"]["nodes"]
            assert [node["name"] for node in nodes] == seen
        assert ask(server, names, bearer(token(claims(student_id=99)))) == {"students": {"nodes": []}}


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_strangers_see_the_catalogue_where_they_may_but_not_with_a_wrong_token(database_url: str) -> None:
    with serving(database_url, jwt_secret=SECRET, anonymous_sees_courses="on") as server:
        assert ask(server, COURSES, {}) == {"courses": {"totalCount": 0}}
        assert ask(server, "{ students { totalCount } }", {}) == {"students": {"totalCount": 0}}
        assert post(server, COURSES, bearer(b"x")).status_code == 401


def test_where_identity_is_off_no_header_is_looked_at(sqlite_server: Server) -> None:
    for authorization in ("Basic x", "Bearer x", ""):
        answer = post(sqlite_server, "{ __typename }", {"Authorization": authorization})
        assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


def issued(issuer: Issuer, key: KeyPair, **changes: Any) -> bytes:
    algorithm = "RS256" if key is RSA else "ES256"
    return token(claims(**{"iss": issuer.url, "aud": "school"} | changes), key=key, alg=algorithm, kid=key.kid)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_tokens_of_an_issuer_are_verified_with_the_keys_that_it_publishes(database_url: str) -> None:
    with issuing(RSA) as issuer, serving(database_url, oidc_issuer=issuer.url, jwt_audience="school") as server:
        assert ask(server, COURSES, bearer(issued(issuer, RSA))) == {"courses": {"totalCount": 0}}
        said = [
            refusal_of(post(server, COURSES, bearer(shown)))[3]
            for shown in (
                issued(issuer, RSA, aud="library"),
                issued(issuer, RSA, iss="https://evil.example.org"),
                issued(issuer, EC),
            )
        ]
        assert issuer.asked == [CONFIGURATION, JWKS]
    assert said == [
        "The token is not meant for this audience (`aud`).",
        "The token's issuer (`iss`) is not the one that is trusted here.",
        "The token is signed with a key (`kid`) that is not known here.",
    ]


async def no_student(_sourced_id: str) -> int | None:
    return None


async def test_while_no_key_can_be_had_clients_are_asked_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    with issuing(RSA) as issuer:
        keys = IssuerKeys(issuer.url, retry_seconds=0)
        tokens = Tokens(keys, ClaimRules(issuer=issuer.url, audience="school"), find_student_id=no_student)
        authenticate = BearerAuthentication(tokens, serves_anonymous=False)
        issuer.answers[JWKS] = (503, b"")
        with pytest.raises(HttpRefusal) as caught:
            await authenticate(b"Bearer " + issued(issuer, RSA))
        refused = caught.value
        assert (refused.status, refused.code, refused.headers) == (503, "OVERLOADED", ((b"retry-after", b"5"),))
        assert refused.message == "Who asks cannot be found out at the moment; try again later."
        assert issuer.url in caplog.text
        issuer.answers.clear()
        assert (await authenticate(b"Bearer " + issued(issuer, RSA))).subject == "ada"
        issuer.keys = (EC,)
        assert (await authenticate(b"Bearer " + issued(issuer, EC))).subject == "ada"
        await keys.close()
