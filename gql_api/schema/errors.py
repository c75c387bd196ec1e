"""Domain errors as types of the API: one per rule, each with its facts.

A service raises a fact; the field that called it answers with the type of that name, because a handler of the schema
translates wherever the type is a member of the field's result union.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import strawberry

from gql_api import errors as domain
from gql_api.database.statements import Entity
from gql_api.schema.connections import selected_row
from gql_api.schema.context import Info
from gql_api.schema.types import Course


@strawberry.interface(
    description="Why something was not done. Every member of a result union that is not the success is an `Error`: "
    "a client that selects `... on Error { message }` is ready for those that will be added."
)
class Error:
    """Why something was not done."""

    message: str = strawberry.field(description="What was wrong, in a sentence that can be shown to a person.")


@strawberry.type(description="No student has the id that was given.")
class StudentNotFound(Error):
    """No student has the id that was given."""


@strawberry.type(description="No course has the id that was given.")
class CourseNotFound(Error):
    """No course has the id that was given."""


@strawberry.type(description="All seats of the course are taken.")
class CourseFull(Error):
    """All seats of the course are taken."""

    course_id: strawberry.Private[int]
    capacity: int = strawberry.field(description="How many seats the course has.")

    @strawberry.field(description="The course.", graphql_type=Course)
    async def course(self, info: Info) -> Any:
        """Look the course up.

        Raises:
            CourseNotFound: it was deleted after it had refused the student.
        """
        course = await selected_row(info, Entity.COURSE, self.course_id)
        if course is None:
            raise domain.CourseNotFound
        return course


@strawberry.type(description="The new capacity is smaller than the number of seats that are taken.")
class CapacityBelowSeatsTaken(Error):
    """The new capacity is smaller than the number of seats that are taken."""

    capacity: int = strawberry.field(description="The capacity that was asked for.")
    seats_taken: int = strawberry.field(description="How many students are assigned to the course.")


@strawberry.type(description="Another student has this e-mail address.")
class EmailTaken(Error):
    """Another student has this e-mail address."""

    email: str = strawberry.field(description="The address in question.")


@strawberry.type(description="Another course has this code.")
class CodeTaken(Error):
    """Another course has this code."""

    code: str = strawberry.field(description="The code in question.")


@strawberry.type(description="Another record of the same type has this `sourcedId`.")
class SourcedIdTaken(Error):
    """Another record of the same type has this `sourcedId`."""

    sourced_id: str = strawberry.field(description="The `sourcedId` in question.")


@strawberry.type(description="A value that no record may hold.")
class InvalidInput(Error):
    """A value that no record may hold."""

    field: str = strawberry.field(description="The field of the input that holds it, for example `capacity`.")


_TYPES: Final[dict[type[domain.DomainError], Callable[[Any], Error]]] = {
    domain.StudentNotFound: lambda error: StudentNotFound(message=error.message),
    domain.CourseNotFound: lambda error: CourseNotFound(message=error.message),
    domain.CourseFull: lambda error: CourseFull(
        message=error.message, course_id=error.course_id, capacity=error.capacity
    ),
    domain.CapacityBelowSeatsTaken: lambda error: CapacityBelowSeatsTaken(
        message=error.message, capacity=error.capacity, seats_taken=error.seats_taken
    ),
    domain.EmailTaken: lambda error: EmailTaken(message=error.message, email=error.email),
    domain.CodeTaken: lambda error: CodeTaken(message=error.message, code=error.code),
    domain.SourcedIdTaken: lambda error: SourcedIdTaken(message=error.message, sourced_id=error.sourced_id),
    domain.InvalidInput: lambda error: InvalidInput(message=error.message, field=error.field),
}


def typed(error: domain.DomainError) -> Error:
    """The type by which clients see a fact."""
    return _TYPES[type(error)](error)


@dataclass(frozen=True)
class _AnswersWithType:
    """Answers a fact with the type of its name, at fields whose result union has that type."""

    exception_type: type[domain.DomainError]
    error_type: type[Error]

    def handle(self, exception: domain.DomainError, **_where: Any) -> Error:
        """Translate the fact."""
        return typed(exception)


def error_handlers() -> list[strawberry.ExceptionHandler[Any]]:
    """One handler for each fact."""
    types = {type_.__name__: type_ for type_ in Error.__subclasses__()}
    return [_AnswersWithType(fact, types[fact.__name__]) for fact in _TYPES]
