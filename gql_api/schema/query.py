"""The root of queries."""

from collections.abc import Awaitable, Iterable
from typing import Annotated, Any, Final

import strawberry

from gql_api.database.lists import Page
from gql_api.database.statements import Entity, Listing
from gql_api.errors import BadUserInput
from gql_api.schema.connections import PageArguments, root_page, selected_row
from gql_api.schema.context import Info
from gql_api.schema.global_id import decode_id, decode_key
from gql_api.schema.types import (
    After,
    Before,
    Course,
    CourseConnection,
    CourseOrders,
    First,
    Last,
    Node,
    Student,
    StudentConnection,
    StudentOrders,
    WhichCourses,
    WhichStudents,
)

NODES_MAX: Final = 500
"""Ids that `nodes` takes at once."""


@strawberry.type(description="What can be read.")
class Query:
    """What can be read."""

    @strawberry.field(
        description="The object with this id; null if there is none (any more).", graphql_type=Node | None
    )
    def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of any object.")],  # noqa: A002
    ) -> Any:
        """Look an object of any type up."""
        entity, key = decode_id(id, argument="id")
        return selected_row(info, entity, key)

    @strawberry.field(
        description="The objects with these ids, in their order; null in the place of each that is not there. "
        "At most 500 ids.",
        graphql_type=list[Node | None],
    )
    def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Ids of any objects.")]
    ) -> Any:
        """Look many objects up; all of one type are one statement."""
        if len(ids) > NODES_MAX:
            raise BadUserInput(f"`ids` has {len(ids)} elements; at most {NODES_MAX} are allowed.")
        named = [decode_id(id_, argument="ids") for id_ in ids]
        return _all([selected_row(info, entity, key) for entity, key in named])

    @strawberry.field(description="The student with this id; null if there is none.", graphql_type=Student | None)
    def student(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of a Student.")],  # noqa: A002
    ) -> Any:
        """Look a student up."""
        return _named_row(info, Entity.STUDENT, id)

    @strawberry.field(description="The course with this id; null if there is none.", graphql_type=Course | None)
    def course(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of a Course.")],  # noqa: A002
    ) -> Any:
        """Look a course up."""
        return _named_row(info, Entity.COURSE, id)

    @strawberry.field(description="All students, by id unless ordered otherwise.", graphql_type=StudentConnection)
    async def students(  # noqa: PLR0917 - GraphQL passes arguments by name
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: WhichStudents = strawberry.UNSET,  # noqa: A002 - the argument's name in the API
        order_by: StudentOrders = strawberry.UNSET,
    ) -> Page:
        """Read a page of all students."""
        return await root_page(
            Listing.STUDENTS, info, PageArguments.given(first, after, last, before, filter, order_by)
        )

    @strawberry.field(description="All courses, by id unless ordered otherwise.", graphql_type=CourseConnection)
    async def courses(  # noqa: PLR0917 - GraphQL passes arguments by name
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: WhichCourses = strawberry.UNSET,  # noqa: A002 - the argument's name in the API
        order_by: CourseOrders = strawberry.UNSET,
    ) -> Page:
        """Read a page of all courses."""
        return await root_page(Listing.COURSES, info, PageArguments.given(first, after, last, before, filter, order_by))


def _named_row(info: Info, entity: Entity, id_: str) -> Awaitable[Any | None]:
    return selected_row(info, entity, decode_key(id_, entity, argument="id"))


async def _all(lookups: Iterable[Awaitable[Any]]) -> list[Any]:
    return [await lookup for lookup in lookups]
