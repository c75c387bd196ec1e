"""The audit of a server that asks for tokens: every way in tells it who acts, and under which request."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.statements import Entity
from gql_api.identity import Role
from gql_api.identity.minting import mint
from gql_api.schema.global_id import encode_id
from tests.http.websocket_client import ASSIGNMENTS, WebSocketClient, websocket
from tests.integration.stored import connected
from tests.server import Server, serving

SECRET = "s" * 32
STUDENT, COURSE = encode_id(Entity.STUDENT, 1), encode_id(Entity.COURSE, 1)
ASSIGN = (
    f'mutation {{ assignCourse(input: {{studentId: "{STUDENT}", courseId: "{COURSE}"}})'
    " { ... on AssignCourseSuccess { alreadyAssigned } } }"
)
UNASSIGN = {
    "query": f'mutation {{ unassignCourse(input: {{studentId: "{STUDENT}", courseId: "{COURSE}"}})'
    " { ... on UnassignCourseSuccess { wasAssigned } } }"
}


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    """A server of this test's own, with a student and a course."""
    with connected(database_url) as database:
        database.run("INSERT INTO students (id, name) VALUES (1, 'Ada')")
        database.run("INSERT INTO courses (id, code, title) VALUES (1, 'A', 'Algebra')")
    with serving(database_url, jwt_secret=SECRET) as server:
        yield server


def token(role: Role, subject: str) -> str:
    return mint(SECRET, role, subject=subject, seconds=600)


def headers(role: Role, subject: str, request_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(role, subject)}", "X-Request-ID": request_id}


async def entries(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        columns = "actor, role, request_id, action, student_id, course_id"
        found = await connection.execute(text(f"SELECT {columns} FROM audit_entries ORDER BY id"))  # noqa: S608
        return [tuple(row) for row in found]


async def test_every_way_in_leaves_its_entry(server: Server, engine: AsyncEngine) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        by_rest = headers(Role.REGISTRAR, "rosa", "r-1")
        assert (await http.post("/students/1/courses", json={"courseId": 1}, headers=by_rest)).status_code == 201
        read = {"query": "{ courses { nodes { students { nodes { name } } } } }"}
        answer = (await http.post("/graphql", json=read, headers=headers(Role.STAFF, "steve", "r-2"))).json()
        assert answer["data"]["courses"]["nodes"][0]["students"]["nodes"] == [{"name": "Ada"}]
        answer = (await http.post("/graphql", json=UNASSIGN, headers=headers(Role.REGISTRAR, "ruth", "r-3"))).json()
        assert answer["data"]["unassignCourse"] == {"wasAssigned": True}
    async with socket_of(server, "olga", "r-4") as client:
        await client.subscribe(ASSIGN, id_="change")
        assert [(await client.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await client.subscribe(ASSIGNMENTS, id_="follow", courseId=COURSE)
        while ("olga", "registrar", "r-4", "FOLLOW_ASSIGNMENTS", None, 1) not in await entries(engine):  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # the event is in another process
    assert await entries(engine) == [
        ("rosa", "registrar", "r-1", "ASSIGN_COURSE", 1, 1),
        ("steve", "staff", "r-2", "READ_CLASS_LIST", None, 1),
        ("ruth", "registrar", "r-3", "UNASSIGN_COURSE", 1, 1),
        ("olga", "registrar", "r-4", "ASSIGN_COURSE", 1, 1),
        ("olga", "registrar", "r-4", "FOLLOW_ASSIGNMENTS", None, 1),
    ]


@asynccontextmanager
async def socket_of(server: Server, subject: str, request_id: str) -> AsyncIterator[WebSocketClient]:
    """A WebSocket of a registrar, who has shown the token."""
    async with websocket(server.port, additional_headers={"X-Request-ID": request_id}) as client:
        await client.send(type="connection_init", payload={"token": token(Role.REGISTRAR, subject)})
        assert (await client.receive())["type"] == "connection_ack"
        yield client


async def test_who_may_not_leaves_no_entry(server: Server, engine: AsyncEngine) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=headers(Role.STAFF, "steve", "r-1")) as http:
        assert (await http.post("/students/1/courses", json={"courseId": 1})).status_code == 403
        assert (await http.post("/graphql", json={"query": ASSIGN})).json()["errors"]
    assert await entries(engine) == []
