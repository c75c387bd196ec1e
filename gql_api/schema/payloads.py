"""What mutations take and answer: an input each, and a union of the success and the rules that can forbid it."""

from datetime import datetime
from typing import Annotated, Final, TypeAlias

import strawberry

from gql_api.database.rows import CourseRow, StudentRow
from gql_api.schema.errors import (
    CapacityBelowSeatsTaken,
    CodeTaken,
    CourseFull,
    CourseNotFound,
    EmailTaken,
    InvalidInput,
    SourcedIdTaken,
    StudentNotFound,
)
from gql_api.schema.types import ASSIGNED_AT, SOURCED_ID, Course, Student

_LEFT_OUT: Final = "A field that is left out stays as it is; null clears one that may be null."


@strawberry.input(description="A new student.")
class CreateStudentInput:
    """A new student."""

    name: str = strawberry.field(description="The full name; 1 to 255 characters, one line; blanks around it are cut.")
    email: str | None = strawberry.field(
        default=None, description="One address of at most 254 characters; no other student may have the same."
    )
    sourced_id: str | None = strawberry.field(default=None, description=SOURCED_ID)


@strawberry.input(description=f"What to change about a student. {_LEFT_OUT}")
class UpdateStudentInput:
    """What to change about a student."""

    id: strawberry.ID = strawberry.field(description="The id of the student.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The full name; cannot be cleared.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="The e-mail address.")
    sourced_id: str | None = strawberry.field(default=strawberry.UNSET, description=SOURCED_ID)


@strawberry.input(description="Which student to delete.")
class DeleteStudentInput:
    """Which student to delete."""

    id: strawberry.ID = strawberry.field(description="The id of the student.")


@strawberry.input(description="A new course.")
class CreateCourseInput:
    """A new course."""

    code: str = strawberry.field(description="The short name; 1 to 255 characters; no other course may have the same.")
    title: str = strawberry.field(description="The full name; 1 to 255 characters, one line.")
    credits: int | None = strawberry.field(default=None, description="What the course counts; not negative.")
    capacity: int | None = strawberry.field(
        default=None, description="How many seats there are, 0 or more; null or left out: as many as are wanted."
    )
    sourced_id: str | None = strawberry.field(default=None, description=SOURCED_ID)


@strawberry.input(description=f"What to change about a course. {_LEFT_OUT}")
class UpdateCourseInput:
    """What to change about a course."""

    id: strawberry.ID = strawberry.field(description="The id of the course.")
    code: str | None = strawberry.field(default=strawberry.UNSET, description="The short name; cannot be cleared.")
    title: str | None = strawberry.field(default=strawberry.UNSET, description="The full name; cannot be cleared.")
    credits: int | None = strawberry.field(default=strawberry.UNSET, description="What the course counts.")
    capacity: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many seats there are: at least those that are taken; null: no limit."
    )
    sourced_id: str | None = strawberry.field(default=strawberry.UNSET, description=SOURCED_ID)


@strawberry.input(description="Which course to delete.")
class DeleteCourseInput:
    """Which course to delete."""

    id: strawberry.ID = strawberry.field(description="The id of the course.")


@strawberry.input(description="Who is to take what.")
class AssignCourseInput:
    """Who is to take what."""

    student_id: strawberry.ID = strawberry.field(description="The id of the student.")
    course_id: strawberry.ID = strawberry.field(description="The id of the course.")


@strawberry.input(description="Who is to take what no more.")
class UnassignCourseInput:
    """Who is to take what no more."""

    student_id: strawberry.ID = strawberry.field(description="The id of the student.")
    course_id: strawberry.ID = strawberry.field(description="The id of the course.")


@strawberry.input(description="Many assignments at once.")
class AssignCoursesInput:
    """Many assignments at once."""

    assignments: list[AssignCourseInput] = strawberry.field(description="1 to 1,000 pairs.")


@strawberry.type(description="The student was made.")
class CreateStudentSuccess:
    """The student was made."""

    student: StudentRow = strawberry.field(description="The new student.", graphql_type=Student)


@strawberry.type(description="The student is as asked.")
class UpdateStudentSuccess:
    """The student is as asked."""

    student: StudentRow = strawberry.field(description="The student as it is now.", graphql_type=Student)


@strawberry.type(description="The student is gone.")
class DeleteStudentSuccess:
    """The student is gone."""

    deleted_id: strawberry.ID = strawberry.field(description="The id that the student had; it is never used again.")
    assignments_removed: int = strawberry.field(description="How many assignments went with the student.")


@strawberry.type(description="The course was made.")
class CreateCourseSuccess:
    """The course was made."""

    course: CourseRow = strawberry.field(description="The new course.", graphql_type=Course)


@strawberry.type(description="The course is as asked.")
class UpdateCourseSuccess:
    """The course is as asked."""

    course: CourseRow = strawberry.field(description="The course as it is now.", graphql_type=Course)


@strawberry.type(description="The course is gone.")
class DeleteCourseSuccess:
    """The course is gone."""

    deleted_id: strawberry.ID = strawberry.field(description="The id that the course had; it is never used again.")
    assignments_removed: int = strawberry.field(description="How many assignments went with the course.")


@strawberry.type(description="The student takes the course.")
class AssignCourseSuccess:
    """The student takes the course."""

    student: StudentRow = strawberry.field(description="The student.", graphql_type=Student)
    course: CourseRow = strawberry.field(description="The course.", graphql_type=Course)
    assigned_at: datetime = strawberry.field(description=f"{ASSIGNED_AT} The first time, if asked more than once.")
    already_assigned: bool = strawberry.field(description="Whether this was so before it was asked for.")


@strawberry.type(description="The student does not take the course.")
class UnassignCourseSuccess:
    """The student does not take the course."""

    student: StudentRow = strawberry.field(description="The student.", graphql_type=Student)
    course: CourseRow = strawberry.field(description="The course.", graphql_type=Course)
    was_assigned: bool = strawberry.field(description="Whether the student took the course before.")


CreateStudentResult: TypeAlias = Annotated[
    CreateStudentSuccess | EmailTaken | SourcedIdTaken | InvalidInput,
    strawberry.union("CreateStudentResult", description="The new student, or why there is none."),
]
UpdateStudentResult: TypeAlias = Annotated[
    UpdateStudentSuccess | StudentNotFound | EmailTaken | SourcedIdTaken | InvalidInput,
    strawberry.union("UpdateStudentResult", description="The student as it is now, or why it is as it was."),
]
DeleteStudentResult: TypeAlias = Annotated[
    DeleteStudentSuccess | StudentNotFound,
    strawberry.union("DeleteStudentResult", description="What was deleted, or why nothing was."),
]
CreateCourseResult: TypeAlias = Annotated[
    CreateCourseSuccess | CodeTaken | SourcedIdTaken | InvalidInput,
    strawberry.union("CreateCourseResult", description="The new course, or why there is none."),
]
UpdateCourseResult: TypeAlias = Annotated[
    UpdateCourseSuccess | CourseNotFound | CapacityBelowSeatsTaken | CodeTaken | SourcedIdTaken | InvalidInput,
    strawberry.union("UpdateCourseResult", description="The course as it is now, or why it is as it was."),
]
DeleteCourseResult: TypeAlias = Annotated[
    DeleteCourseSuccess | CourseNotFound,
    strawberry.union("DeleteCourseResult", description="What was deleted, or why nothing was."),
]
AssignCourseResult: TypeAlias = Annotated[
    AssignCourseSuccess | StudentNotFound | CourseNotFound | CourseFull,
    strawberry.union("AssignCourseResult", description="The assignment, or why there is none."),
]
UnassignCourseResult: TypeAlias = Annotated[
    UnassignCourseSuccess | StudentNotFound | CourseNotFound,
    strawberry.union("UnassignCourseResult", description="What was given up, or why nothing was."),
]


@strawberry.type(description="All pairs were tried, in one transaction.")
class AssignCoursesSuccess:
    """All pairs were tried, in one transaction."""

    results: list[AssignCourseResult] = strawberry.field(
        description="What became of each pair, in the order of the pairs. A pair that could not be assigned "
        "does not keep the others from it."
    )
    assigned_count: int = strawberry.field(description="How many students take a course that they did not take before.")


AssignCoursesResult: TypeAlias = Annotated[
    AssignCoursesSuccess | InvalidInput,
    strawberry.union("AssignCoursesResult", description="What became of the assignments, or why none was tried."),
]
