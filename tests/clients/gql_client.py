"""Ask, assign and listen, with the Python package gql[httpx,websockets]."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLSchema, build_schema

RETRY_SECONDS = 1.0

ASSIGNMENTS = """
subscription ($studentId: ID, $after: ID) {
  courseAssignments(studentId: $studentId, after: $after) { id kind student { name } course { title } }
}
"""


def connect(url: str, schema: GraphQLSchema | None = None) -> Client:
    """With a schema, documents are checked before they are sent."""
    return Client(transport=HTTPXAsyncTransport(url), schema=schema)


def read_schema(sdl: str) -> GraphQLSchema:
    """The schema of `schema.graphql`."""
    return build_schema(sdl)


async def course_assignments(url: str, student_id: str, after: str | None) -> AsyncGenerator[dict[str, Any], None]:
    """Events without gaps or repeats: a new connection resumes after the last event that was seen."""
    while True:
        try:
            async with Client(transport=WebsocketsTransport(url.replace("http", "ws", 1))) as session:
                request = gql(ASSIGNMENTS)
                request.variable_values = {"studentId": student_id, "after": after}
                async for data in session.subscribe(request):
                    after = data["courseAssignments"]["id"]
                    yield data["courseAssignments"]
        except (TransportConnectionFailed, OSError):
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return
