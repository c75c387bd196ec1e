"""A database that goes away while it is served, and comes back: clean answers meanwhile, nothing to be mended after."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gql_api.database.address import parse_database_url
from gql_api.database.migrate import upgrade_to_head
from gql_api.schema.error_format import OUTCOME_UNKNOWN
from tests.integration.graphql_client import Answer, GraphQLClient
from tests.integration.school import School
from tests.integration.stored import connected, everything
from tests.postgresql_instance import PostgresqlInstance
from tests.server import Server, serving, wait_for

QUERY = "query ($id: ID!) { student(id: $id) { name courses { nodes { title students { totalCount } } } } }"
NOT_NULL_QUERY = "{ students { nodes { name } } }"
RENAME = 'mutation ($id: ID!) { updateCourse(input: {id: $id, title: "Renamed"}) { __typename } }'
AWAY = {"status": "not ready", "reason": "The database cannot be used."}


@pytest.fixture(scope="module")
def postgresql(database_directory: Path) -> Iterator[PostgresqlInstance]:
    instance = PostgresqlInstance(database_directory / "stoppable")
    asyncio.run(upgrade_to_head(instance.url))
    yield instance
    instance.remove()


@pytest.fixture(scope="module", params=["1", "2"], ids=["one-worker", "two-workers"])
def server(postgresql: PostgresqlInstance, request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(postgresql.url, "--workers", request.param) as server:
        yield server


@pytest.fixture
def school(client: GraphQLClient) -> School:
    return School.founded(client)


def is_refused_for_now(answer: Answer) -> bool:
    assert answer.codes
    assert set(answer.codes) == {"OVERLOADED"}
    assert set(answer.messages) == {"This cannot be done at the moment; try again later."}
    assert all(len(error["extensions"]["requestId"]) == 32 for error in answer.body["errors"])
    assert "data" not in answer.body
    return answer.status == 503


def is_back(server: Server) -> bool | None:
    return server.get("/health/ready").status_code == 200 or None


def test_while_the_database_is_away_every_answer_is_clean_and_once_it_is_back_all_is_as_before(
    postgresql: PostgresqlInstance, server: Server, client: GraphQLClient, school: School
) -> None:
    ada, course = school.ada["id"], school.full["id"]
    before = client.execute(QUERY, id=ada).data
    with connected(postgresql.url) as database:
        stored = everything(database)

    with postgresql.away():
        for _ in range(3):
            live, ready, health = server.get("/health/live"), server.get("/health/ready"), server.get("/health")
            assert (live.status_code, live.json()) == (200, {"status": "live"})
            assert (ready.status_code, ready.json()) == (health.status_code, health.json()) == (503, AWAY)
            assert is_refused_for_now(client.execute(QUERY, id=ada))
            assert is_refused_for_now(client.execute(NOT_NULL_QUERY))
            assert is_refused_for_now(client.execute(RENAME, id=course))
            rest = server.get(f"/students/{school.ada['databaseId']}/courses")
            assert (rest.status_code, rest.json()["code"]) == (503, "OVERLOADED")
            assert "postgres" not in rest.text
        assert client.execute("{ __typename }").data == {"__typename": "Query"}
        assert client.execute("{ __schema { queryType { name } } }").data
        assert client.execute('{ student(id: "nonsense") { name } }').codes == ["BAD_USER_INPUT"]
        assert "cannot be reached" in server.log

    wait_for(lambda: is_back(server), timeout_seconds=10)
    for _ in range(30):  # more than there are connections: none of the broken ones is left
        assert client.execute(QUERY, id=ada).data == before
        assert client.execute(RENAME, id=ada).codes == ["BAD_USER_INPUT"]
    with connected(postgresql.url) as database:
        assert everything(database) == stored
    assert client.execute(RENAME, id=course).data == {"updateCourse": {"__typename": "UpdateCourseSuccess"}}


def test_a_change_that_the_database_dies_under_is_made_if_it_was_acknowledged_and_only_then(
    postgresql: PostgresqlInstance, server: Server, client: GraphQLClient, school: School
) -> None:
    with ThreadPoolExecutor(1) as pool, connected(postgresql.url) as database:
        database.run("BEGIN")
        database.run("SELECT id FROM courses FOR UPDATE")
        in_flight = pool.submit(client.execute, RENAME, id=school.full["id"])
        wait_for(lambda: _someone_waits(postgresql.url), timeout_seconds=10)
        with postgresql.away():
            answer = in_flight.result(timeout=30)
    # PostgreSQL ends its sessions one after the other: where the lock's holder goes first the change comes through, and
    # where its own session goes while it commits nobody knows.
    acknowledged = not answer.codes
    unknown = answer.messages == [OUTCOME_UNKNOWN]
    assert acknowledged or unknown or is_refused_for_now(answer)
    wait_for(lambda: is_back(server), timeout_seconds=10)
    document = "query ($id: ID!) { course(id: $id) { title } }"
    titles = {"Renamed", "Full"} if unknown else {"Renamed" if acknowledged else "Full"}
    assert client.execute(document, id=school.full["id"]).data["course"]["title"] in titles


def _someone_waits(url: str) -> bool | None:
    with connected(url) as database:
        waiting = database.run("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return bool(waiting) or None


def test_connections_that_were_cut_are_replaced_without_a_client_noticing(
    postgresql: PostgresqlInstance, client: GraphQLClient, school: School
) -> None:
    answers: list[Any] = []
    for _ in range(5):
        for _ in range(5):
            answers.append(client.execute(QUERY, id=school.ada["id"]).codes)
            answers.append(client.execute(RENAME, id=school.full["id"]).codes)
        with connected(postgresql.url) as database:
            database.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'gql-api' AND pid <> pg_backend_pid()"
            )
        time.sleep(0.2)
    assert [codes for codes in answers if codes] == []


def test_a_database_that_hangs_counts_as_away_within_seconds(postgresql: PostgresqlInstance, server: Server) -> None:
    assert is_back(server)
    with postgresql.hanging():
        ready = server.get("/health/ready", timeout_seconds=10)
        assert (ready.status_code, ready.json()) == (503, AWAY)
        assert server.get("/health/live", timeout_seconds=2).status_code == 200
    wait_for(lambda: is_back(server), timeout_seconds=10)


def test_a_full_pool_does_not_make_the_database_seem_away(postgresql: PostgresqlInstance, school: School) -> None:
    with serving(postgresql.url, pool_size=2) as server, ThreadPoolExecutor(8) as pool:
        with connected(postgresql.url) as database:
            database.run("BEGIN")
            database.run("SELECT id FROM courses FOR UPDATE")
            body = {"query": RENAME, "variables": {"id": school.full["id"]}}
            waiting = [pool.submit(httpx.post, f"{server.url}/graphql", json=body, timeout=60) for _ in range(8)]
            wait_for(lambda: _someone_waits(postgresql.url), timeout_seconds=10)
            assert server.get("/health/ready").status_code == 200
            database.run("ROLLBACK")
        assert {answer.result(timeout=30).json()["data"]["updateCourse"]["__typename"] for answer in waiting} == {
            "UpdateCourseSuccess"
        }


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_file_that_was_deleted_under_the_server_is_noticed(database_url: str) -> None:
    file = parse_database_url(database_url).file
    with serving(database_url) as server, GraphQLClient(server) as client:
        assert client.execute(NOT_NULL_QUERY).data == {"students": {"nodes": []}}
        assert is_back(server)
        file.unlink()
        ready = server.get("/health/ready")
        assert (ready.status_code, ready.json()) == (503, AWAY)
        assert server.get("/health/live").status_code == 200
        assert not file.exists()
