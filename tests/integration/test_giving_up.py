"""Operations that take too long, and clients that leave: the work stops, in the database as well."""

import socket
import sqlite3
import time
from contextlib import closing
from typing import Any

import httpx
import orjson
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gql_api.database.address import Dialect, parse_database_url
from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_student
from tests.integration.slow_statements import readers_held_up, wait_for_waiting, writers_held_up
from tests.server import Server, serving

READ = "{ students { nodes { name } } }"
RENAME = 'mutation ($id: ID!) { updateCourse(input: {id: $id, title: "Renamed"}) { __typename } }'
DEADLINE = {
    "message": "This took longer than 0.3 seconds and was given up.",
    "extensions": {"code": "DEADLINE_EXCEEDED"},
}
ONLY_POSTGRESQL = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
ONLY_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@pytest.fixture
def course(client: GraphQLClient) -> dict[str, Any]:
    return new_course(client, title="As it was")


def title(client: GraphQLClient, course: dict[str, Any]) -> str:
    found: str = client.execute("query ($id: ID!) { course(id: $id) { title } }", id=course["id"]).data["course"][
        "title"
    ]
    return found


def post(server: Server, document: str, *, timeout: str | None = None, **variables: Any) -> httpx.Response:
    headers = {"Accept": "application/graphql-response+json"} | ({"Request-Timeout": timeout} if timeout else {})
    return httpx.post(
        f"{server.url}/graphql", json={"query": document, "variables": variables}, headers=headers, timeout=30
    )


def left_behind(server: Server, document: str, **variables: Any) -> socket.socket:
    """The connection of a client that has sent an operation and can leave."""
    body = orjson.dumps({"query": document, "variables": variables})
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_a_change_that_takes_longer_than_its_client_wants_to_wait_is_given_up_and_changes_nothing(
    server: Server, client: GraphQLClient, course: dict[str, Any]
) -> None:
    with writers_held_up(server.database_url):
        began = time.monotonic()
        answer = post(server, RENAME, timeout="0.3", id=course["id"])
        assert time.monotonic() - began < 1.5
    assert (answer.status_code, answer.json()) == (504, {"errors": [DEADLINE]})
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    for _ in range(12):  # more than there are connections: none is missing, none is in a transaction
        assert title(client, course) == "As it was"
        assert client.execute(
            "mutation ($id: ID!) { updateCourse(input: {id: $id, credits: 3}) { __typename } }", id=course["id"]
        ).data


def test_rest_gives_up_likewise(server: Server, client: GraphQLClient, course: dict[str, Any]) -> None:
    student = new_student(client)
    url = f"{server.url}/students/{student['databaseId']}/courses"
    headers = {"Request-Timeout": "0.3"}
    if parse_database_url(server.database_url).dialect is Dialect.SQLITE:
        with writers_held_up(server.database_url):
            answer = httpx.post(url, json={"courseId": course["databaseId"]}, headers=headers)
    else:
        with readers_held_up(server.database_url):
            answer = httpx.get(url, headers=headers)
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:problem-type:deadline-exceeded",
        "title": "Deadline exceeded",
        "status": 504,
        "detail": DEADLINE["message"],
        "code": "DEADLINE_EXCEEDED",
    }
    assert server.get(f"/students/{student['databaseId']}/courses").json() == {"courses": [], "nextCursor": None}


def test_the_server_has_a_deadline_of_its_own_which_a_client_cannot_put_off(database_url: str) -> None:
    with serving(database_url, operation_timeout_seconds=0.3) as server, GraphQLClient(server) as client:
        course = new_course(client, title="As it was")
        with writers_held_up(database_url):
            for timeout in (None, "60"):
                answer = post(server, RENAME, timeout=timeout, id=course["id"])
                assert (answer.status_code, answer.json()) == (504, {"errors": [DEADLINE]})
        assert title(client, course) == "As it was"


@pytest.mark.parametrize("value", ["", "soon", "0", "0.0", "-1", "1e3", "nan", "inf", "1,5", "1" * 20])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(server: Server, value: str) -> None:
    message = "The header Request-Timeout must be a number of seconds above 0, such as 2.5."
    headers = {"Request-Timeout": value}
    answer = httpx.post(f"{server.url}/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}
    rest = httpx.get(f"{server.url}/students/1/courses", headers=headers)
    assert (rest.status_code, rest.json()["detail"]) == (400, message)


@ONLY_POSTGRESQL
@pytest.mark.parametrize("change", [False, True], ids=["query", "mutation"])
def test_a_client_that_leaves_takes_its_statement_along(
    server: Server, client: GraphQLClient, course: dict[str, Any], *, change: bool
) -> None:
    held_up = writers_held_up if change else readers_held_up
    with held_up(server.database_url):
        connections = [
            left_behind(server, RENAME, id=course["id"]) if change else left_behind(server, READ) for _ in range(3)
        ]
        wait_for_waiting(server.database_url, 3)
        for connection in connections:
            connection.close()
        wait_for_waiting(server.database_url, 0, timeout_seconds=1)
    for _ in range(12):
        assert title(client, course) == "As it was"
    assert client.execute(RENAME, id=course["id"]).data


@ONLY_POSTGRESQL
def test_a_client_whose_request_was_long_takes_its_statement_along(server: Server) -> None:
    # Above the 64 KiB at which uvicorn pauses reading, and little enough to arrive before the application is called.
    with readers_held_up(server.database_url):
        connection = left_behind(server, READ, padding="x" * 65_700)
        wait_for_waiting(server.database_url, 1)
        connection.close()
        wait_for_waiting(server.database_url, 0, timeout_seconds=1)


@ONLY_POSTGRESQL
def test_completing_and_closing_over_websocket_take_the_statement_along(
    server: Server, client: GraphQLClient, course: dict[str, Any]
) -> None:
    def subscribe(id_: str) -> None:
        payload = {"query": RENAME, "variables": {"id": course["id"]}}
        connection.send(orjson.dumps({"id": id_, "type": "subscribe", "payload": payload}).decode())
        wait_for_waiting(server.database_url, 1)

    with writers_held_up(server.database_url):
        subprotocol = Subprotocol("graphql-transport-ws")
        with connect(f"ws://127.0.0.1:{server.port}/graphql", subprotocols=[subprotocol]) as connection:
            connection.send('{"type":"connection_init"}')
            connection.recv(timeout=10)
            subscribe("1")
            connection.send('{"id":"1","type":"complete"}')
            wait_for_waiting(server.database_url, 0, timeout_seconds=1)
            subscribe("2")
        wait_for_waiting(server.database_url, 0, timeout_seconds=1)
    assert title(client, course) == "As it was"


@ONLY_POSTGRESQL
def test_an_event_stream_that_is_left_takes_its_statement_along(server: Server) -> None:
    with readers_held_up(server.database_url):
        headers = {"Accept": "text/event-stream"}
        with httpx.stream("POST", f"{server.url}/graphql", json={"query": READ}, headers=headers):
            wait_for_waiting(server.database_url, 1)
        wait_for_waiting(server.database_url, 0, timeout_seconds=1)


@ONLY_SQLITE
def test_a_client_that_leaves_takes_its_change_along(
    server: Server, client: GraphQLClient, course: dict[str, Any]
) -> None:
    with writers_held_up(server.database_url):
        connection = left_behind(server, RENAME, id=course["id"])
        time.sleep(0.3)
        connection.close()
        time.sleep(0.2)
    assert client.execute(
        "mutation ($id: ID!) { updateCourse(input: {id: $id, credits: 3}) { __typename } }", id=course["id"]
    ).data
    assert title(client, course) == "As it was"


SLOW_NAMES = 20_000
SLOW_READ = "{ students(filter: {or: [%s]}) { nodes { name } } }" % ", ".join(  # noqa: UP031 - braces
    f'{{name: {{contains: "nobody-{number}"}}}}' for number in range(40)
)


@ONLY_SQLITE
@pytest.mark.parametrize("leaves", [True, False], ids=["leaves", "times-out"])
def test_a_slow_statement_leaves_the_only_reader_at_once(database_url: str, *, leaves: bool) -> None:
    with closing(sqlite3.connect(parse_database_url(database_url).file)) as database, database:
        names = ((f"Ångström {number}", "2026-01-01 00:00:00.000000") for number in range(SLOW_NAMES))
        database.executemany("INSERT INTO students (name, created_at) VALUES (?, ?)", names)
    with (
        serving(database_url, sqlite_reader_threads=1, operation_timeout_seconds=60) as server,
        GraphQLClient(server) as client,
    ):
        assert client.execute("{ students(first: 1) { nodes { name } } }").data
        began = time.monotonic()
        if leaves:
            connection = left_behind(server, SLOW_READ)
            time.sleep(0.3)
            connection.close()
        else:
            assert post(server, SLOW_READ, timeout="0.3").status_code == 504
        assert client.execute("{ students(first: 1) { nodes { name } } }").data
        given_up_seconds = time.monotonic() - began
        began = time.monotonic()
        assert client.execute(SLOW_READ).data == {"students": {"nodes": []}}
        assert given_up_seconds < (time.monotonic() - began) / 2 + 0.3
