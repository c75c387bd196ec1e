import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.database_fixtures import SqliteDatabases
from tests.http.websocket_client import ASSIGNMENTS, TIMEOUT_SECONDS, assign, new_course, new_student
from tests.server import Server, serving

ACCEPT = {"Accept": "text/event-stream"}


@pytest.fixture
def dialect() -> str:
    """The protocol does not depend on the database."""
    return "sqlite"


@asynccontextmanager
async def stream(server: Server, method: str = "POST", headers: dict[str, str] = ACCEPT, **request: Any) -> Any:
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client,
        client.stream(method, f"{server.url}/graphql", headers=headers, **request) as answer,
    ):
        yield answer


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream, as (name, data); comments are left out."""
    name = ""
    async for line in answer.aiter_lines():
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            yield name, json.loads(value) if value.strip() else None


async def test_a_query_gives_one_result_and_ends(server: Server) -> None:
    async with stream(server, json={"query": "{ __typename }"}) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.headers["cache-control"] == "no-store"
        assert [event async for event in events(answer)] == [
            ("next", {"data": {"__typename": "Query"}}),
            ("complete", None),
        ]


async def test_a_mutation_is_carried_out(server: Server) -> None:
    query = 'mutation { createStudent(input: {name: ""}) { __typename } }'
    async with stream(server, json={"query": query}) as answer:
        assert [event async for event in events(answer)] == [
            ("next", {"data": {"createStudent": {"__typename": "InvalidInput"}}}),
            ("complete", None),
        ]


async def test_a_subscriber_is_told_what_is_assigned(server: Server) -> None:
    student, course = await new_student(server.port, "Ann"), await new_course(server.port, "SSE-1")
    async with stream(server, json={"query": ASSIGNMENTS, "variables": {"courseId": course}}) as answer:
        await asyncio.sleep(1)
        await assign(server.port, student, course)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            name, payload = await anext(events(answer))
    assert name == "next"
    assert payload["data"]["courseAssignments"] | {"id": ""} == {
        "id": "",
        "kind": "ASSIGNED",
        "student": {"id": student, "name": "Ann"},
        "course": {"id": course, "code": "SSE-1"},
    }


async def test_what_is_not_valid_is_told_in_the_stream(server: Server) -> None:
    async with stream(server, json={"query": "{ nothing }"}) as answer:
        told = [event async for event in events(answer)]
    assert [name for name, _ in told] == ["next", "complete"]
    assert [error["extensions"]["code"] for error in told[0][1]["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize("proof", [{"Apollo-Require-Preflight": "1"}, {"Sec-Fetch-Site": "same-origin"}])
async def test_a_get_that_is_no_forgery_is_answered(server: Server, proof: dict[str, str]) -> None:
    async with stream(server, "GET", ACCEPT | proof, params={"query": "{ __typename }"}) as answer:
        assert [event async for event in events(answer)][-1] == ("complete", None)


@pytest.mark.parametrize("proof", [{}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_get_that_may_be_a_forgery_is_refused(server: Server, proof: dict[str, str]) -> None:
    async with stream(server, "GET", ACCEPT | proof, params={"query": "{ __typename }"}) as answer:
        assert answer.status_code == 400


async def test_a_get_does_not_mutate(server: Server) -> None:
    query = 'mutation { createStudent(input: {name: "No"}) { __typename } }'
    proof = {"Apollo-Require-Preflight": "1"}
    async with stream(server, "GET", ACCEPT | proof, params={"query": query}) as answer:
        told = [event async for event in events(answer)]
    assert [error["extensions"]["code"] for error in told[0][1]["errors"]] == ["BAD_REQUEST"]


async def test_a_malformed_request_is_answered_with_its_status(server: Server) -> None:
    async with stream(server, content=b"{", headers=ACCEPT | {"Content-Type": "application/json"}) as answer:
        assert answer.status_code == 400


async def test_a_shutdown_ends_the_stream_at_once(sqlite_databases: SqliteDatabases) -> None:
    with sqlite_databases.migrated() as url, serving(url) as server:
        async with stream(server, json={"query": ASSIGNMENTS}) as answer, asyncio.timeout(TIMEOUT_SECONDS):
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            assert [event async for event in events(answer)] == []
            await stopping
        assert "timeout graceful shutdown exceeded" not in server.log
