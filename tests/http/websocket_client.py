"""A client of `graphql-transport-ws`, over a real WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

TIMEOUT_SECONDS = 30

ASSIGNMENTS = """
    subscription ($studentId: ID, $courseId: ID, $after: ID) {
      courseAssignments(studentId: $studentId, courseId: $courseId, after: $after) {
        id kind student { id name } course { id code }
      }
    }
"""


class WebSocketClient:
    """Sends and receives the protocol's messages; what it waits for has to come within TIMEOUT_SECONDS."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            message: dict[str, Any] = json.loads(await self.connection.recv())
            return message

    async def initialise(self) -> None:
        await self.send(type="connection_init")
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, query: str, *, id_: str = "1", **variables: Any) -> None:
        await self.send(id=id_, type="subscribe", payload={"query": query, "variables": variables})

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait until the server has closed; the code and the reason."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def websocket(
    port: int, *, origin: str | None = None, subprotocol: str | None = "graphql-transport-ws", **options: Any
) -> AsyncIterator[WebSocketClient]:
    """A connection that has said nothing yet."""
    async with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=None if subprotocol is None else [Subprotocol(subprotocol)],
        origin=None if origin is None else Origin(origin),
        open_timeout=TIMEOUT_SECONDS,
        **options,
    ) as connection:
        yield WebSocketClient(connection)


@asynccontextmanager
async def initialised(port: int, **options: Any) -> AsyncIterator[WebSocketClient]:
    """A connection that was acknowledged."""
    async with websocket(port, **options) as client:
        await client.initialise()
        yield client


async def graphql(port: int, query: str, **variables: Any) -> Any:
    """The data of an operation over HTTP."""
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        answer = await client.post(f"http://127.0.0.1:{port}/graphql", json={"query": query, "variables": variables})
    response = answer.json()
    assert "errors" not in response, response
    return response["data"]


async def new_student(port: int, name: str = "Ann") -> str:
    """The id of a new student."""
    query = (
        "mutation ($n: String!) { createStudent(input: {name: $n}) { ... on CreateStudentSuccess { student { id } } } }"
    )
    return str((await graphql(port, query, n=name))["createStudent"]["student"]["id"])


async def new_course(port: int, code: str) -> str:
    """The id of a new course."""
    query = (
        'mutation ($c: String!) { createCourse(input: {code: $c, title: "Logic"})'
        " { ... on CreateCourseSuccess { course { id } } } }"
    )
    return str((await graphql(port, query, c=code))["createCourse"]["course"]["id"])


async def assign(port: int, student_id: str, course_id: str) -> None:
    """Assign a student to a course."""
    query = "mutation ($s: ID!, $c: ID!) { assignCourse(input: {studentId: $s, courseId: $c}) { __typename } }"
    assert await graphql(port, query, s=student_id, c=course_id) == {
        "assignCourse": {"__typename": "AssignCourseSuccess"}
    }


async def unassign(port: int, student_id: str, course_id: str) -> None:
    """Let a student leave a course."""
    query = "mutation ($s: ID!, $c: ID!) { unassignCourse(input: {studentId: $s, courseId: $c}) { __typename } }"
    await graphql(port, query, s=student_id, c=course_id)
