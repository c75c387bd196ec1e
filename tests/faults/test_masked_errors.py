"""What nobody foresaw, made to happen in the database: masked on every route, under an id that the log knows."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.http.websocket_client import initialised
from tests.integration.graphql_client import INTERNAL, GraphQLClient
from tests.integration.school import School
from tests.integration.stored import Database, connected
from tests.server import Server, serving

HIDDEN = "xyzzy-23"
CODE = "INTERNAL_SERVER_ERROR"
QUERY = "{ students { nodes { createdAt } } }"
CREATE = 'mutation { createStudent(input: {name: "Eve"}) { __typename } }'

BREAK = {
    "sqlite": (
        f"UPDATE students SET created_at = '{HIDDEN}'",  # noqa: S608 - a constant
        f"UPDATE student_courses SET assigned_at = '{HIDDEN}'",  # noqa: S608 - a constant
        f"CREATE TRIGGER injected BEFORE INSERT ON students BEGIN SELECT RAISE(ABORT, '{HIDDEN}'); END",
        f"CREATE TRIGGER injected2 BEFORE INSERT ON student_courses BEGIN SELECT RAISE(ABORT, '{HIDDEN}'); END",
        "ALTER TABLE alembic_version RENAME COLUMN version_num TO version",
    ),
    "postgresql": (
        f"ALTER TABLE students ALTER COLUMN created_at TYPE text USING '{HIDDEN}'",
        f"CREATE FUNCTION fail(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE '{HIDDEN}'; END $$",
        "ALTER TABLE courses RENAME TO kept",
        "CREATE VIEW courses AS"
        " SELECT id, code, fail(title) AS title, credits, capacity, sourced_id, created_at FROM kept",
        f"CREATE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE '{HIDDEN}'; END $$",
        "CREATE TRIGGER injected BEFORE INSERT ON students FOR EACH ROW EXECUTE FUNCTION injected()",
        "CREATE TRIGGER injected BEFORE INSERT ON student_courses FOR EACH ROW EXECUTE FUNCTION injected()",
        "ALTER TABLE alembic_version RENAME COLUMN version_num TO version",
    ),
}


def request(server: Server, id_: str, method: str, path: str, **options: Any) -> httpx.Response:
    headers = {"X-Request-ID": id_, **options.pop("headers", {})}
    return httpx.request(method, server.url + path, headers=headers, timeout=30, **options)


def post(server: Server, id_: str) -> str:
    return request(server, id_, "POST", "/graphql", json={"query": QUERY}).text


def mutate(server: Server, id_: str) -> str:
    return request(server, id_, "POST", "/graphql", json={"query": CREATE}).text


def get(server: Server, id_: str) -> str:
    headers = {"GraphQL-Require-Preflight": "1"}
    return request(server, id_, "GET", "/graphql", params={"query": QUERY}, headers=headers).text


def server_sent_events(server: Server, id_: str) -> str:
    headers = {"Accept": "text/event-stream"}
    return request(server, id_, "POST", "/graphql", json={"query": QUERY}, headers=headers).text


def websocket(server: Server, id_: str) -> str:
    async def ask() -> str:
        async with initialised(server.port, additional_headers={"X-Request-ID": id_}) as client:
            await client.subscribe(QUERY)
            return json.dumps(await client.receive())

    return asyncio.run(ask())


def read_courses(server: Server, id_: str) -> str:
    response = request(server, id_, "GET", "/students/1/courses")
    assert response.status_code == 500
    return response.text


def assign(server: Server, id_: str) -> str:
    response = request(server, id_, "POST", "/students/2/courses", json={"courseId": 2})
    assert response.status_code == 500
    return response.text


def readiness(server: Server, id_: str) -> str:
    response = request(server, id_, "GET", "/health/ready")
    assert response.status_code == 500
    assert response.headers["x-request-id"] == id_
    return response.text


ROUTES: tuple[Callable[[Server, str], str], ...] = (
    post,
    mutate,
    get,
    server_sent_events,
    websocket,
    read_courses,
    assign,
    readiness,
)


def test_what_nobody_foresaw_is_masked_on_every_route_under_an_id_that_the_log_knows(
    database_url: str, dialect: str
) -> None:
    with serving(database_url, may_fail=True) as server:
        with GraphQLClient(server) as client:
            School.founded(client)
        with connected(database_url) as database:
            break_it(database, dialect)
        for route in ROUTES:
            id_ = f"asked-by-{route.__name__}"
            shown = route(server, id_)
            assert CODE in shown, route
            assert id_ in shown
            assert HIDDEN not in shown
            assert INTERNAL.search(shown.replace(CODE, "")) is None, shown
            assert f"request {id_}" in server.log
        assert HIDDEN in server.log


def break_it(database: Database, dialect: str) -> None:
    for statement in BREAK[dialect]:
        database.run(statement)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_what_is_not_there_says_nothing_of_what_is(server: Server) -> None:
    for method, path in (
        ("GET", "/nothing"),
        ("POST", "/health"),
        ("DELETE", "/metrics"),
        ("PUT", "/graphql"),
        ("PATCH", "/students/1/courses"),
        ("GET", "/graphiql/../pyproject.toml"),
        ("GET", "/graphiql/%2e%2e/%2e%2e/pyproject.toml"),
        ("GET", "/graphiql/nothing.js"),
    ):
        response = request(server, "x", method, path)
        assert response.status_code in {404, 405}, path
        assert INTERNAL.search(response.text) is None, response.text
