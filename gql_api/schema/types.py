"""Students and courses as clients see them, and the lists that lead from one to the other.

The sources of `Student` and `Course` are the rows that the database gave; no object is made for them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from gql_api.database.lists import Page, count_seats_taken
from gql_api.database.rows import CourseRow, StudentRow, keys_of
from gql_api.database.statements import Entity, Listing
from gql_api.execution import batched, by_class
from gql_api.schema.connections import Connection, Edge, EdgeOfPage, PageArguments, edges_of, nested_pages
from gql_api.schema.context import Info
from gql_api.schema.global_id import encode_id, encode_ids
from gql_api.schema.inputs import CourseFilter, CourseOrder, StudentFilter, StudentOrder

First = Annotated[
    int | None,
    strawberry.argument(description="The first so many rows of the range: 0 to 500, by default 20. Not with `last`."),
]
After = Annotated[str | None, strawberry.argument(description="A cursor: the range begins behind its place.")]
Last = Annotated[
    int | None, strawberry.argument(description="The last so many rows of the range: 0 to 500. Not with `first`.")
]
Before = Annotated[str | None, strawberry.argument(description="A cursor: the range ends before its place.")]
WhichStudents = Annotated[StudentFilter | None, strawberry.argument(description="Which students; by default all.")]
WhichCourses = Annotated[CourseFilter | None, strawberry.argument(description="Which courses; by default all.")]
StudentOrders = Annotated[
    list[StudentOrder] | None,
    strawberry.argument(description="The keys to order by, most significant first; by default the id."),
]
CourseOrders = Annotated[
    list[CourseOrder] | None,
    strawberry.argument(description="The keys to order by, most significant first; by default the id."),
]

ID = "Opaque and unique among all objects of this API. Pass it unchanged; do not take it apart."
DATABASE_ID = "The integer key, as the REST endpoints use it; unique among objects of this type."
SOURCED_ID = "The `sourcedId` by which OneRoster bundles name this record, if it has one; unique in its type."
CREATED_AT = "When the record was made."
ASSIGNED_AT = "When the student was assigned to the course."


@strawberry.interface(description="Anything that has a global id and can be fetched again by it.")
class Node:
    """Anything that has a global id."""

    @batched(description=ID, graphql_type=strawberry.ID)
    def id(rows: Sequence[StudentRow | CourseRow]) -> list[str]:  # noqa: N805 - all the sources at once
        """Encode the keys of rows of any type."""
        return [encode_id(Entity.STUDENT if isinstance(row, StudentRow) else Entity.COURSE, row.id) for row in rows]


@strawberry.type(description="A student in a list.")
class StudentEdge(Edge):
    """A student in a list."""

    node: "Student" = strawberry.field(description="The student.")


@strawberry.type(description="A course in a list.")
class CourseEdge(Edge):
    """A course in a list."""

    node: "Course" = strawberry.field(description="The course.")


@strawberry.type(description="A student's assignment to a course, seen from the course.")
class CourseStudentEdge(Edge):
    """A student's assignment to a course, seen from the course."""

    node: "Student" = strawberry.field(description="The student.")
    assigned_at: datetime = strawberry.field(description=ASSIGNED_AT)


@strawberry.type(description="A student's assignment to a course, seen from the student.")
class StudentCourseEdge(Edge):
    """A student's assignment to a course, seen from the student."""

    node: "Course" = strawberry.field(description="The course.")
    assigned_at: datetime = strawberry.field(description=ASSIGNED_AT)


@strawberry.type(description="A page of students.")
class StudentConnection(Connection):
    """A page of students."""

    @batched(description="The students of the page, each with its place in the list.", graphql_type=list[StudentEdge])
    def edges(pages: Sequence[Page]) -> list[list[EdgeOfPage]]:  # noqa: N805
        """Give the edges of each page."""
        return list(map(edges_of, pages))

    nodes: list["Student"] = strawberry.field(description="The students of the page.")


@strawberry.type(description="A page of courses.")
class CourseConnection(Connection):
    """A page of courses."""

    @batched(description="The courses of the page, each with its place in the list.", graphql_type=list[CourseEdge])
    def edges(pages: Sequence[Page]) -> list[list[EdgeOfPage]]:  # noqa: N805
        """Give the edges of each page."""
        return list(map(edges_of, pages))

    nodes: list["Course"] = strawberry.field(description="The courses of the page.")


@strawberry.type(description="A page of the students of a course.")
class CourseStudentConnection(Connection):
    """A page of the students of a course."""

    @batched(
        description="The students of the page, each with its place in the list and the time of the assignment.",
        graphql_type=list[CourseStudentEdge],
    )
    def edges(pages: Sequence[Page]) -> list[list[EdgeOfPage]]:  # noqa: N805
        """Give the edges of each page."""
        return list(map(edges_of, pages))

    nodes: list["Student"] = strawberry.field(description="The students of the page.")


@strawberry.type(description="A page of the courses of a student.")
class StudentCourseConnection(Connection):
    """A page of the courses of a student."""

    @batched(
        description="The courses of the page, each with its place in the list and the time of the assignment.",
        graphql_type=list[StudentCourseEdge],
    )
    def edges(pages: Sequence[Page]) -> list[list[EdgeOfPage]]:  # noqa: N805
        """Give the edges of each page."""
        return list(map(edges_of, pages))

    nodes: list["Course"] = strawberry.field(description="The courses of the page.")


@strawberry.type(description="A person who takes courses.")
class Student(Node):
    """A person who takes courses; its sources are rows."""

    @batched(description=ID, graphql_type=strawberry.ID)
    def id(students: Sequence[StudentRow]) -> list[str]:  # noqa: N805 - all the sources at once
        """Encode the keys."""
        return encode_ids(Entity.STUDENT, keys_of(students))

    @batched(description=DATABASE_ID, graphql_type=int)
    def database_id(students: Sequence[StudentRow]) -> Sequence[int]:  # noqa: N805
        """Give the keys."""
        return keys_of(students)

    name: str = strawberry.field(description="The full name; 1 to 255 characters.")
    email: str | None = strawberry.field(description="The e-mail address, if known; no other student has the same.")
    sourced_id: str | None = strawberry.field(description=SOURCED_ID)
    created_at: datetime = strawberry.field(description=CREATED_AT)

    @batched(description="The courses the student is assigned to.", graphql_type=StudentCourseConnection)
    async def courses(  # noqa: PLR0917 - GraphQL passes arguments by name
        students: Sequence[StudentRow],  # noqa: N805
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: WhichCourses = strawberry.UNSET,  # noqa: A002 - the argument's name in the API
        order_by: CourseOrders = strawberry.UNSET,
    ) -> Sequence[Page]:
        """Read a page of each student's courses."""
        arguments = PageArguments.given(first, after, last, before, filter, order_by)
        return await nested_pages(Listing.COURSES_OF_STUDENT, info, keys_of(students), arguments)

    @classmethod
    @by_class
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell rows of students from other nodes."""
        return isinstance(value, StudentRow)


@strawberry.type(description="Something that students are assigned to.")
class Course(Node):
    """Something that students are assigned to; its sources are rows."""

    @batched(description=ID, graphql_type=strawberry.ID)
    def id(courses: Sequence[CourseRow]) -> list[str]:  # noqa: N805
        """Encode the keys."""
        return encode_ids(Entity.COURSE, keys_of(courses))

    @batched(description=DATABASE_ID, graphql_type=int)
    def database_id(courses: Sequence[CourseRow]) -> Sequence[int]:  # noqa: N805
        """Give the keys."""
        return keys_of(courses)

    code: str = strawberry.field(description="The short name, for example `MATH-101`; no other course has the same.")
    title: str = strawberry.field(description="The full name; 1 to 255 characters.")
    credits: int | None = strawberry.field(description="What the course counts, in credits; null if it is not known.")
    capacity: int | None = strawberry.field(description="How many seats there are; null: as many as are wanted.")
    sourced_id: str | None = strawberry.field(description=SOURCED_ID)
    created_at: datetime = strawberry.field(description=CREATED_AT)

    @batched(description="How many students are assigned to the course; never more than `capacity`.")
    async def seats_taken(courses: Sequence[CourseRow], info: Info) -> list[int]:  # noqa: N805
        """Count the assignments of all courses of the level in one statement."""
        keys = keys_of(courses)
        counts = await count_seats_taken(info.context.reader, keys)
        return [counts.get(key, 0) for key in keys]

    @batched(description="The students who are assigned to the course.", graphql_type=CourseStudentConnection)
    async def students(  # noqa: PLR0917 - GraphQL passes arguments by name
        courses: Sequence[CourseRow],  # noqa: N805
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: WhichStudents = strawberry.UNSET,  # noqa: A002 - the argument's name in the API
        order_by: StudentOrders = strawberry.UNSET,
    ) -> Sequence[Page]:
        """Read a page of each course's students."""
        arguments = PageArguments.given(first, after, last, before, filter, order_by)
        return await nested_pages(Listing.STUDENTS_OF_COURSE, info, keys_of(courses), arguments)

    @classmethod
    @by_class
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Tell rows of courses from other nodes."""
        return isinstance(value, CourseRow)
