"""A line that is cut while a transaction is being committed: told as it is, since only the database knows the end."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.database_fixtures import PostgresqlDatabases
from tests.faults.cutting_proxy import Cut, CuttingProxy, cutting_proxy
from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_student
from tests.server import Server, serving

CREATE = 'mutation ($email: String) { createStudent(input: {name: "Ada", email: $email}) { __typename } }'
UNKNOWN = (
    "The database broke off at the very end: this was done wholly, or not at all. Look which, before it is done again."
)
TRY_AGAIN = "This cannot be done at the moment; try again later."


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
