"""When all places are taken: who waits, who is refused, and what is answered all the same."""

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from tests.http.test_metrics import counted
from tests.http.websocket_client import ASSIGNMENTS, assign, initialised, new_course, new_student
from tests.integration.slow_statements import writers_held_up
from tests.server import Server, serving, wait_for

ADD = 'mutation ($code: String!) { createCourse(input: {code: $code, title: "Logic"}) { __typename } }'
OVERLOADED = {
    "message": "The server has too much to do at the moment; try again later.",
    "extensions": {"code": "OVERLOADED"},
}
PREFLIGHTED = {"GraphQL-Require-Preflight": "1"}
TIMEOUT_SECONDS = 30


@contextmanager
def occupied(database_url: str, *, executing: int, waiting: int) -> Iterator[Server]:
    """A server whose places are all taken, as is the line for them, by changes that another holds up."""
    with (
        serving(database_url, operations_max=executing, operations_waiting_max=waiting) as server,
        ThreadPoolExecutor(executing + waiting) as pool,
    ):
        with writers_held_up(database_url):
            changing = [pool.submit(post, server, ADD, code=f"C-{n}") for n in range(executing + waiting)]
            wait_for(lambda: occupancy(server)[:2] == (executing, waiting) or None, timeout_seconds=10)
            yield server
        for answer in changing:
            assert answer.result().json() == {"data": {"createCourse": {"__typename": "CreateCourseSuccess"}}}
        assert occupancy(server)[:2] == (0, 0)
        assert post(server).json() == {"data": {"__typename": "Query"}}


def post(server: Server, document: str = "{ __typename }", **variables: Any) -> httpx.Response:
    body = {"query": document, "variables": variables}
    return httpx.post(f"{server.url}/graphql", json=body, timeout=TIMEOUT_SECONDS)


def occupancy(server: Server) -> tuple[float, float, float]:
    """How many execute, wait, and were refused."""
    names = ("executing", "waiting", "refused_total")
    executing, waiting, refused = (counted(server)[f"gql_api_operations_{name}"] for name in names)
    return executing, waiting, refused


def is_refused(answer: httpx.Response) -> bool:
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {"errors": [OVERLOADED]}
    return answer.headers["cache-control"] == "no-store"


def test_who_finds_no_place_is_refused_at_once_whatever_the_form_of_the_request(database_url: str) -> None:
    with occupied(database_url, executing=1, waiting=1) as server:
        graphql = f"{server.url}/graphql"
        began = time.monotonic()
        answer = post(server)
        assert is_refused(answer)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert "x-request-id" not in answer.headers  # nobody has looked at the request
        ours = {"Accept": "application/graphql-response+json"}
        answer = httpx.post(graphql, json={"query": "{ __typename }"}, headers=ours)
        assert is_refused(answer)
        assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
        assert is_refused(httpx.post(graphql, content=b"not even JSON", headers={"Content-Type": "application/json"}))
        assert is_refused(httpx.post(graphql, json={}, headers={"Origin": "https://app.example.org"}))
        assert is_refused(httpx.get(graphql, params={"query": "{ __typename }"}, headers=PREFLIGHTED))
        assert is_refused(
            httpx.post(graphql, json={"query": "{ __typename }"}, headers={"Accept": "text/event-stream"})
        )
        with httpx.Client() as http:  # over one connection, as a proxy does
            assert all(is_refused(http.post(graphql, json={"query": "{ __typename }"})) for _ in range(20))
        assert time.monotonic() - began < 3
        assert occupancy(server) == (1, 1, 26)


def test_rest_is_refused_likewise(database_url: str) -> None:
    with occupied(database_url, executing=1, waiting=0) as server:
        url = f"{server.url}/students/1/courses"
        for answer in (httpx.get(url), httpx.post(url, json={"courseId": 1})):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json() == {
                "type": "urn:problem-type:overloaded",
                "title": "Too much to do",
                "status": 503,
                "detail": OVERLOADED["message"],
                "code": "OVERLOADED",
            }


def test_an_operation_over_websocket_is_refused_likewise_and_the_connection_stays(database_url: str) -> None:
    async def ask() -> list[dict[str, Any]]:
        async with initialised(server.port) as client:
            answers = []
            for id_ in ("1", "2"):
                await client.subscribe("{ __typename }", id_=id_)
                answers.append(await client.receive())
            return answers

    with occupied(database_url, executing=1, waiting=0) as server:
        assert asyncio.run(ask()) == [{"id": id_, "type": "error", "payload": [OVERLOADED]} for id_ in ("1", "2")]


def test_health_metrics_and_graphiql_are_never_refused(database_url: str) -> None:
    with occupied(database_url, executing=1, waiting=0) as server:
        assert is_refused(post(server))
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            assert server.get(path).status_code == 200
        assert httpx.get(f"{server.url}/graphql", headers={"Accept": "text/html"}).status_code == 200


def test_a_body_that_is_slow_to_come_holds_no_place(database_url: str) -> None:
    with serving(database_url, operations_max=1, operations_waiting_max=0) as server:
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
            slow.sendall(head + b'{"query":')
            time.sleep(0.2)
            assert post(server).status_code == 200
            slow.sendall(b'"{ __typename }"}')
            assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_subscription_that_waits_for_events_holds_no_place(database_url: str) -> None:
    async def subscribe() -> None:
        async with initialised(server.port) as client:
            await client.subscribe(ASSIGNMENTS)
            await asyncio.sleep(0.2)
            student, course = await new_student(server.port), await new_course(server.port, "C-1")
            await assign(server.port, student, course)
            event = (await client.receive())["payload"]["data"]["courseAssignments"]
            assert (event["kind"], event["student"]["id"]) == ("ASSIGNED", student)

    with serving(database_url, operations_max=1, operations_waiting_max=0) as server:
        asyncio.run(subscribe())
        assert occupancy(server)[:2] == (0, 0)
