"""The root of subscriptions: events as they are committed.

The sources of `CourseAssignmentEvent` are the events that the log has read, with the rows of their student and course:
an event costs no look-up, however many subscribers it is told.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Final

import strawberry

from gql_api.database.event_log import Event, EventKind
from gql_api.database.statements import Entity
from gql_api.events import Interest
from gql_api.execution import batched
from gql_api.schema.class_lists import note_following
from gql_api.schema.context import Info
from gql_api.schema.global_id import decode_event_id, decode_key, encode_event_id
from gql_api.schema.types import ASSIGNED_AT, Course, Student

EVENT_ID = "Its place in the order of all events, the same for every subscriber; opaque. Pass it as `after` to resume."

_NOT_GIVEN: Final = (None, strawberry.UNSET)


@strawberry.enum(description="What happened to an assignment.")
class CourseAssignmentEventKind(Enum):
    """What happened to an assignment; the values are those of `EventKind`."""

    ASSIGNED = strawberry.enum_value(EventKind.ASSIGNED.value, description="The student was assigned to the course.")
    UNASSIGNED = strawberry.enum_value(EventKind.UNASSIGNED.value, description="The assignment was removed.")


@strawberry.type(description="A student was assigned to a course, or is no longer.")
class CourseAssignmentEvent:
    """An assignment was made or removed."""

    @batched(description=EVENT_ID, graphql_type=strawberry.ID)
    def id(events: Sequence[Event]) -> list[str]:  # noqa: N805 - all the sources at once
        """Encode the positions."""
        return [encode_event_id(event.position) for event in events]

    kind: CourseAssignmentEventKind = strawberry.field(
        description="What happened; deleting a student or a course removes the assignments, too."
    )
    student: Student = strawberry.field(
        description="The student, as of when the event was told. One deleted since has the last `name` and "
        "`createdAt`, and null for the rest."
    )
    course: Course = strawberry.field(
        description="The course, as of when the event was told. One deleted since has the last `code`, `title` and "
        "`createdAt`, and null for the rest."
    )
    assigned_at: datetime = strawberry.field(description=ASSIGNED_AT)
    occurred_at: datetime = strawberry.field(description="When this was done.")


@strawberry.type(description="What can be listened to. Over WebSocket (graphql-transport-ws) and Server-Sent Events.")
class Subscription:
    """What can be listened to."""

    @strawberry.subscription(
        description="Assignments made and removed from now on, each told once, in the order in which they were "
        "committed, wherever that was done.",
        graphql_type=CourseAssignmentEvent,
    )
    async def course_assignments(
        self,
        info: Info,
        student_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this student.")
        ] = strawberry.UNSET,
        course_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this course.")
        ] = strawberry.UNSET,
        after: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Tell first what happened after the event with this id, without gaps or repeats. An error "
                "if that event is not kept any more."
            ),
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[Any, None]:
        """Hand on what the broker hands out."""
        interest = Interest(
            None if student_id in _NOT_GIVEN else decode_key(student_id, Entity.STUDENT, argument="studentId"),
            None if course_id in _NOT_GIVEN else decode_key(course_id, Entity.COURSE, argument="courseId"),
        )
        position = None if after in _NOT_GIVEN else decode_event_id(after, argument="after")
        visibility = info.context.reader.visibility
        await note_following(info.context, student_id=interest.student_id, course_id=interest.course_id)
        async with info.context.broker.subscribe(interest, visibility=visibility, after=position) as events:
            async for event in events:
                yield event
