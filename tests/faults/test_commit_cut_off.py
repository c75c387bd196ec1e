"""A line that is cut while a transaction is being committed: told as it is, since only the database knows the end."""

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gql_api.errors import DatabaseUnusable
from gql_api.services.students import create_student
from tests.database_fixtures import PostgresqlDatabases, writing
from tests.faults.cutting_proxy import Cut, CuttingProxy, cutting_proxy
from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_student, unique
from tests.integration.stored import connected
from tests.server import Server, serving, wait_for

CREATE = 'mutation ($email: String) { createStudent(input: {name: "Ada", email: $email}) { __typename } }'
UNKNOWN = (
    "The database broke off at the very end: this was done wholly, or not at all. Look which, before it is done again."
)
TRY_AGAIN = "This cannot be done at the moment; try again later."
FIVE_WAIT_FOR_THE_TABLE = """
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND relation = 'students'::regclass AND NOT granted OFFSET 4
"""


@pytest.fixture(scope="module")
def proxy(postgresql_databases: PostgresqlDatabases) -> Iterator[CuttingProxy]:
    with (
        postgresql_databases.migrated() as url,
        tempfile.TemporaryDirectory() as directory,
        cutting_proxy(url, Path(directory)) as proxy,
    ):
        yield proxy


@pytest.fixture(scope="module")
def server(proxy: CuttingProxy) -> Iterator[Server]:
    with serving(proxy.url) as server:
        yield server


def emails(client: GraphQLClient) -> list[str]:
    """Of the students who have one."""
    nodes = client.execute("{ students(first: 500) { nodes { email } } }").data["students"]["nodes"]
    return [node["email"] for node in nodes if node["email"] is not None]


@pytest.mark.parametrize("cut", Cut)
def test_whether_it_was_committed_is_not_guessed(
    proxy: CuttingProxy, server: Server, client: GraphQLClient, cut: Cut
) -> None:
    email = f"ada-{uuid4()}@example.org"
    proxy.arm(b"COMMIT", cut)
    answer = client.execute(CREATE, email=email)
    assert (answer.status, answer.body["data"], answer.messages) == (200, None, [UNKNOWN])
    extensions = answer.body["errors"][0]["extensions"]
    assert extensions == {"code": "OVERLOADED", "outcome": "UNKNOWN", "requestId": extensions["requestId"]}
    assert extensions["requestId"] in server.log
    assert emails(client).count(email) == (cut is Cut.AFTER)
    client.execute(CREATE, email=email)  # whoever looks, or just does it again, has it once
    assert emails(client).count(email) == 1


@pytest.mark.parametrize("cut", Cut)
def test_an_assignment_that_was_cut_off_can_be_sent_again(
    proxy: CuttingProxy, server: Server, client: GraphQLClient, cut: Cut
) -> None:
    student, course = new_student(client)["databaseId"], new_course(client, capacity=1)["databaseId"]
    url = f"{server.url}/students/{student}/courses"
    for word in (b"COMMIT", b"student_courses"):
        proxy.arm(word, cut)
        statuses = [httpx.post(url, json={"courseId": course}, timeout=20).status_code for _ in range(2)]
        assert set(statuses) <= {200, 201, 503}
        assert statuses[-1] in {200, 201}
    assert len(httpx.get(url, timeout=20).json()["courses"]) == 1


@pytest.mark.parametrize("cut", Cut)
def test_a_transaction_whose_line_is_cut_as_it_begins_begins_on_another(
    proxy: CuttingProxy, client: GraphQLClient, cut: Cut
) -> None:
    email = f"cleo-{cut.value}@example.org"
    proxy.arm(b"BEGIN", cut)
    assert client.execute(CREATE, email=email).data == {"createStudent": {"__typename": "CreateStudentSuccess"}}
    assert emails(client).count(email) == 1


def test_when_all_idle_lines_are_dead_nobody_notices(
    proxy: CuttingProxy, server: Server, client: GraphQLClient
) -> None:
    def create(email: str) -> dict[str, Any]:
        with GraphQLClient(server) as caller:
            return caller.execute(CREATE, email=email).data

    emails(client)  # so that there is a line to read on
    with ThreadPoolExecutor(10) as callers, connected(server.database_url) as database:
        database.run("BEGIN")
        database.run("LOCK TABLE students IN SHARE MODE")  # so that all five are writing at the same moment
        waiting = [callers.submit(create, f"{unique('dan')}@example.org") for _ in range(5)]
        wait_for(lambda: database.run(FIVE_WAIT_FOR_THE_TABLE) or None, timeout_seconds=10)
        database.run("ROLLBACK")
        assert len([call.result() for call in waiting]) == 5
    assert proxy.let_all_die() >= 6
    before = len(emails(client))
    assert client.execute(CREATE, email="eve@example.org").data
    assert len(emails(client)) == before + 1


async def test_a_pool_does_not_grow_by_what_it_could_not_replace(proxy: CuttingProxy) -> None:
    async with writing(proxy.url, pool_size=1) as units_of_work:
        create = partial(create_student, name="Fay")
        await units_of_work.run(create)
        lines = proxy.lines
        for _ in range(3):
            proxy.arm(b"BEGIN", Cut.BEFORE)
            proxy.lets_in = False
            try:
                with pytest.raises(DatabaseUnusable):
                    await units_of_work.run(create)
            finally:
                proxy.lets_in = True
            await units_of_work.run(create)
        await asyncio.gather(*(units_of_work.run(create) for _ in range(10)))
        assert proxy.lines <= lines


def test_a_line_cut_before_the_commit_is_told_as_nothing_done(proxy: CuttingProxy, client: GraphQLClient) -> None:
    proxy.arm(b"bob@example.org", Cut.AFTER)  # a value of the INSERT
    answer = client.execute(CREATE, email="bob@example.org")
    assert (answer.status, answer.codes, answer.messages) == (503, ["OVERLOADED"], [TRY_AGAIN])
    assert "bob@example.org" not in emails(client)


@pytest.mark.parametrize("cut", Cut)
def test_a_read_whose_line_is_cut_is_read_again_without_the_client_noticing(
    proxy: CuttingProxy, client: GraphQLClient, cut: Cut
) -> None:
    before = emails(client)
    for field in ("name", "createdAt"):  # a statement that was not prepared yet is sent as text
        proxy.arm(b"SELECT students", cut)
        assert len(client.execute(f"{{ students {{ nodes {{ {field} }} }} }}").data["students"]["nodes"]) >= len(before)
    assert emails(client) == before
