import asyncio

from tests.http.websocket_client import ASSIGNMENTS, assign, initialised, new_course, new_student, unassign
from tests.server import Server

SETTLED_SECONDS = 1.0
"""After so long a subscription that was sent is under way: the protocol does not acknowledge it."""


async def test_a_subscriber_is_told_what_is_assigned_and_unassigned(server: Server) -> None:
    student, course = await new_student(server.port, "Ann"), await new_course(server.port, "WS-1")
    async with initialised(server.port) as client:
        await client.subscribe(ASSIGNMENTS, studentId=student)
        await asyncio.sleep(SETTLED_SECONDS)
        await assign(server.port, student, course)
        await assign(server.port, student, course)  # is no event: nothing changes
        await unassign(server.port, student, course)
        told = [await client.receive() for _ in range(2)]
    assert [message["payload"]["data"]["courseAssignments"] | {"id": ""} for message in told] == [
        {"id": "", "kind": kind, "student": {"id": student, "name": "Ann"}, "course": {"id": course, "code": "WS-1"}}
        for kind in ("ASSIGNED", "UNASSIGNED")
    ]
