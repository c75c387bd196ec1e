"""Whatever makes the database slow, locked or silent: an answer within the deadline, and service after it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from gql_api.database.address import Dialect, parse_database_url
from tests.database.lock_holder import write_lock_held_by_another_process
from tests.integration.graphql_client import GraphQLClient, answer_of
from tests.integration.school import new_course
from tests.integration.stored import connected
from tests.postgresql_instance import PostgresqlInstance
from tests.server import Server, serving, wait_for

DEADLINE_SECONDS = 0.8
ANSWER_SECONDS_MAX = DEADLINE_SECONDS + 2.2
"""On a machine that is busy with other tests; less than any wait for a lock or a connection takes."""
RETURN_SECONDS_MAX = 1.0
CALLERS = 6

READ = "{ students(first: 1) { nodes { name } } }"
RENAME = 'mutation ($id: ID!) { updateCourse(input: {id: $id, title: "Renamed"}) { __typename } }'


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Another process keeps all courses from being changed."""
    address = parse_database_url(database_url)
    if address.dialect is Dialect.SQLITE:
        with write_lock_held_by_another_process(address.file):
            yield
        return
    with connected(database_url) as database:
        database.run("BEGIN")
        database.run("SELECT id FROM courses FOR UPDATE")
        yield


def refusal(server: Server, document: str, **variables: str) -> str:
    """The code of a request that cannot be answered; it has to be clean, retryable and in time."""
    began = time.monotonic()
    response = httpx.post(
        f"{server.url}/graphql",
        json={"query": document, "variables": variables},
        headers={"Accept": "application/graphql-response+json"},
        timeout=30,
    )
    seconds = time.monotonic() - began
    answer = answer_of(response)
    assert seconds < ANSWER_SECONDS_MAX, answer
    [code] = answer.codes
    assert (answer.status, code) in {(503, "OVERLOADED"), (504, "DEADLINE_EXCEEDED")}
    assert response.headers["retry-after"] == "1"
    return code


def is_served(client: GraphQLClient, document: str, **variables: str) -> bool | None:
    return client.execute(document, **variables).status == 200 or None


@pytest.mark.parametrize("pool_size", [1, 10], ids=["pool-of-one", "pool-of-ten"])
def test_a_lock_that_is_not_given_back_and_a_pool_that_is_exhausted_by_it_are_told_in_time(
    database_url: str, pool_size: int
) -> None:
    with (
        serving(database_url, operation_timeout_seconds=DEADLINE_SECONDS, pool_size=pool_size) as server,
        GraphQLClient(server) as client,
        ThreadPoolExecutor(CALLERS) as callers,
    ):
        course = new_course(client)["id"]
        with locked(database_url):
            waiting = [callers.submit(refusal, server, RENAME, id=course) for _ in range(CALLERS)]
            assert {call.result() for call in waiting} <= {"DEADLINE_EXCEEDED", "OVERLOADED"}
            assert client.execute(READ).status == 200
        wait_for(lambda: is_served(client, RENAME, id=course), timeout_seconds=RETURN_SECONDS_MAX)
        for _ in range(2 * pool_size):  # nothing of the pool is lost
            assert client.execute(RENAME, id=course).status == 200


def test_a_database_that_hangs_is_told_in_time_and_served_when_it_goes_on(postgresql: PostgresqlInstance) -> None:
    with (
        serving(postgresql.url, operation_timeout_seconds=DEADLINE_SECONDS, pool_size=2) as server,
        GraphQLClient(server) as client,
        ThreadPoolExecutor(CALLERS) as callers,
    ):
        course = new_course(client)["id"]
        assert client.execute(READ).status == 200
        with postgresql.hanging():
            waiting = [callers.submit(refusal, server, READ) for _ in range(CALLERS)]
            waiting += [callers.submit(refusal, server, RENAME, id=course) for _ in range(CALLERS)]
            assert {call.result() for call in waiting} <= {"DEADLINE_EXCEEDED", "OVERLOADED"}
        wait_for(lambda: is_served(client, READ), timeout_seconds=RETURN_SECONDS_MAX)
        wait_for(lambda: is_served(client, RENAME, id=course), timeout_seconds=RETURN_SECONDS_MAX)
        for _ in range(6):
            assert client.execute(READ).status == client.execute(RENAME, id=course).status == 200
