import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.database_fixtures import SqliteDatabases
from tests.http.websocket_client import ASSIGNMENTS, graphql, initialised, new_student, websocket
from tests.server import Server, serving


@pytest.fixture
def dialect() -> str:
    """The protocol does not depend on the database."""
    return "sqlite"


@pytest.fixture(scope="module")
def strict_server(sqlite_databases: SqliteDatabases) -> Iterator[Server]:
    """A server with small limits."""
    limits: dict[str, Any] = {
        "websocket_init_timeout_seconds": 1,
        "websocket_connections_max": 3,
        "websocket_operations_max": 2,
        "request_body_bytes_max": 2048,
        "websocket_origins": "https://app.example.org",
    }
    with sqlite_databases.migrated() as url, serving(url, **limits) as server:
        yield server


INIT = {"type": "connection_init"}
QUERY = {"query": "{ __typename }"}
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": ASSIGNMENTS}}


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        (["{"], 4400, "The message is not acceptable JSON"),
        ([b"{}"], 4400, "Messages must be text, not binary"),
        (["[]"], 4400, "The message must be an object with a 'type'"),
        ([{"type": 1}], 4400, "The message must be an object with a 'type'"),
        ([{"type": "start"}], 4400, "There is no message of type 'start'"),
        ([{"type": "connection_init", "payload": 7}], 4400, "The 'payload' of a 'connection_init' message must be"),
        ([INIT, {"type": "subscribe", "payload": QUERY}], 4400, "The 'id' of a 'subscribe' message must be a string"),
        ([INIT, {"id": "", "type": "subscribe", "payload": QUERY}], 4400, "The 'id' of a 'subscribe' message must be"),
        ([INIT, {"id": "1", "type": "subscribe"}], 4400, "A 'subscribe' message must have a 'payload'"),
        ([INIT, {"id": "1", "type": "subscribe", "payload": {}}], 4400, "The request names no document"),
        (
            [INIT, {"id": "1", "type": "subscribe", "payload": {"query": 7}}],
            4400,
            "The parameter 'query' must be a str",
        ),
        ([INIT, {"type": "complete"}], 4400, "The 'id' of a 'complete' message must be a string"),
        ([{"id": "1", "type": "subscribe", "payload": QUERY}], 4401, "Unauthorized"),
        ([INIT, SUBSCRIBE, SUBSCRIBE], 4409, "Subscriber for 1 already exists"),
        ([INIT, INIT], 4429, "Too many initialisation requests"),
    ],
)
async def test_a_breach_of_the_protocol_closes_the_connection_with_its_code(
    server: Server, messages: list[Any], code: int, reason: str
) -> None:
    async with websocket(server.port) as client:
        for message in messages:
            await client.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
        found_code, found_reason = await client.closed()
        assert (found_code, (found_reason or "")[: len(reason)]) == (code, reason)


async def test_who_does_not_initialise_in_time_is_closed_with_4408(strict_server: Server) -> None:
    async with websocket(strict_server.port) as client:
        await client.send(type="ping")
        assert await client.receive() == {"type": "pong"}
        assert await client.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws"])
async def test_other_subprotocols_are_closed_with_4406(server: Server, subprotocol: str | None) -> None:
    async with websocket(server.port, subprotocol=subprotocol) as client:
        assert await client.closed() == (4406, "The subprotocol must be graphql-transport-ws")


async def test_a_message_that_is_too_large_closes_the_connection_with_1009(strict_server: Server) -> None:
    async with initialised(strict_server.port) as client:
        await client.send(type="ping", payload={"text": "x" * 4000})
        assert (await client.closed())[0] == 1009


@pytest.mark.parametrize("payload", [None, {"text": "hello"}])
async def test_a_ping_is_answered_with_its_payload(server: Server, payload: dict[str, str] | None) -> None:
    given = {} if payload is None else {"payload": payload}
    async with initialised(server.port) as client:
        await client.send(type="ping", **given)
        assert await client.receive() == {"type": "pong", **given}
        await client.send(type="pong")


async def test_a_query_gives_one_result_and_ends(server: Server) -> None:
    async with initialised(server.port) as client:
        await client.subscribe(
            "query ($id: ID!) { student(id: $id) { name } }", id=await new_student(server.port, "Bo")
        )
        assert [await client.receive() for _ in range(2)] == [
            {"id": "1", "type": "next", "payload": {"data": {"student": {"name": "Bo"}}}},
            {"id": "1", "type": "complete"},
        ]


async def test_a_mutation_changes_what_it_says(server: Server) -> None:
    async with initialised(server.port) as client:
        await client.subscribe(
            'mutation { createStudent(input: {name: "Cy"}) { ... on CreateStudentSuccess { student { id name } } } }'
        )
        made = (await client.receive())["payload"]["data"]["createStudent"]["student"]
        assert made["name"] == "Cy"
        assert await client.receive() == {"id": "1", "type": "complete"}
    found = await graphql(server.port, "query ($id: ID!) { student(id: $id) { id name } }", id=made["id"])
    assert found == {"student": made}


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($id: ID!) { courseAssignments(studentId: $id) { id } }", {}, "BAD_USER_INPUT"),
        (ASSIGNMENTS, {"studentId": "nobody"}, "BAD_USER_INPUT"),
        (ASSIGNMENTS, {"after": "nothing"}, "BAD_USER_INPUT"),
        (ASSIGNMENTS, {"after": "ZXZ0OTk5OTk5OTk5"}, "BAD_USER_INPUT"),  # evt999999999, which no test reaches
    ],
)
async def test_what_cannot_be_executed_ends_with_an_error(
    server: Server, query: str, variables: dict[str, Any], code: str
) -> None:
    async with initialised(server.port) as client:
        await client.subscribe(query, **variables)
        told = await client.receive()
        assert (told["id"], told["type"]) == ("1", "error")
        assert [error["extensions"]["code"] for error in told["payload"]] == [code]
        await client.subscribe("{ __typename }")  # the id is free again
        assert (await client.receive())["payload"] == {"data": {"__typename": "Query"}}


async def test_operations_beyond_the_limit_are_refused_one_by_one(strict_server: Server) -> None:
    async with initialised(strict_server.port) as client:
        for id_ in ("1", "2", "3"):
            await client.subscribe(ASSIGNMENTS, id_=id_)
        told = await client.receive()
        assert (told["id"], told["type"], told["payload"][0]["extensions"]) == ("3", "error", {"code": "RATE_LIMITED"})
        await client.send(id="1", type="complete")
        await client.subscribe("{ __typename }", id_="3")
        assert (await client.receive())["id"] == "3"


async def test_connections_beyond_the_limit_are_refused(strict_server: Server) -> None:
    async with initialised(strict_server.port), initialised(strict_server.port), initialised(strict_server.port):
        with pytest.raises(InvalidStatus) as refused:
            async with websocket(strict_server.port):
                pass
    assert refused.value.response.status_code == 503
    async with initialised(strict_server.port):
        pass


@pytest.mark.parametrize(
    "origin", [None, "http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "https://app.example.org"]
)
async def test_pages_of_the_same_host_and_of_allowed_origins_may_connect(
    strict_server: Server, origin: str | None
) -> None:
    async with initialised(strict_server.port, origin=origin and origin.format(port=strict_server.port)):
        pass


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:1", "null", "https://app.example.org.evil.example", "http://["]
)
async def test_pages_of_other_origins_may_not_connect(strict_server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with websocket(strict_server.port, origin=origin):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_shutdown_closes_with_1012(sqlite_databases: SqliteDatabases, workers: str) -> None:
    with sqlite_databases.migrated() as url, serving(url, "--workers", workers) as server:
        async with initialised(server.port) as client:
            await client.subscribe(ASSIGNMENTS)
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            assert (await client.closed())[0] == 1012
            await stopping


async def test_a_client_that_vanishes_leaves_nothing_behind(strict_server: Server) -> None:
    for _ in range(4):  # one more than may be connected at once
        async with initialised(strict_server.port) as client:
            await client.subscribe(ASSIGNMENTS)
            transport_socket: socket.socket = client.connection.transport.get_extra_info("socket")
            assert transport_socket.fileno() >= 0
            client.connection.transport.abort()
            await asyncio.sleep(0.2)
