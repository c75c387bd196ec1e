"""The root of mutations: ids in, one unit of work each, typed results out.

Each field runs one use case of services/ in a unit of work of its own, committed before the field is answered. What a
rule forbids comes back as a member of the result union (schema/errors.py); nothing has been changed then.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, TypeVar

import strawberry

from gql_api.database.statements import Entity
from gql_api.errors import DomainError
from gql_api.schema.context import Info
from gql_api.schema.errors import typed
from gql_api.schema.global_id import decode_key
from gql_api.schema.payloads import (
    AssignCourseInput,
    AssignCourseResult,
    AssignCoursesInput,
    AssignCoursesResult,
    AssignCoursesSuccess,
    AssignCourseSuccess,
    CreateCourseInput,
    CreateCourseResult,
    CreateCourseSuccess,
    CreateStudentInput,
    CreateStudentResult,
    CreateStudentSuccess,
    DeleteCourseInput,
    DeleteCourseResult,
    DeleteCourseSuccess,
    DeleteStudentInput,
    DeleteStudentResult,
    DeleteStudentSuccess,
    UnassignCourseInput,
    UnassignCourseResult,
    UnassignCourseSuccess,
    UpdateCourseInput,
    UpdateCourseResult,
    UpdateCourseSuccess,
    UpdateStudentInput,
    UpdateStudentResult,
    UpdateStudentSuccess,
)
from gql_api.services.assignments import Assignment, assign_course, assign_courses, unassign_course
from gql_api.services.courses import create_course, delete_course, update_course
from gql_api.services.input_rules import UNCHANGED
from gql_api.services.pairs import Pair
from gql_api.services.students import create_student, delete_student, update_student
from gql_api.services.unit_of_work import UnitOfWork

ResultT = TypeVar("ResultT")

CreateStudent = Annotated[CreateStudentInput, strawberry.argument(description="The new student.")]
UpdateStudent = Annotated[UpdateStudentInput, strawberry.argument(description="Which student, and what is to change.")]
DeleteStudent = Annotated[DeleteStudentInput, strawberry.argument(description="Which student.")]
CreateCourse = Annotated[CreateCourseInput, strawberry.argument(description="The new course.")]
UpdateCourse = Annotated[UpdateCourseInput, strawberry.argument(description="Which course, and what is to change.")]
DeleteCourse = Annotated[DeleteCourseInput, strawberry.argument(description="Which course.")]
AssignCourse = Annotated[AssignCourseInput, strawberry.argument(description="Which student, and to which course.")]
UnassignCourse = Annotated[
    UnassignCourseInput, strawberry.argument(description="Which student, and from which course.")
]
AssignCourses = Annotated[AssignCoursesInput, strawberry.argument(description="Which students, and to which courses.")]


@strawberry.type(description="What can be changed. The fields of one request are carried out one after another.")
class Mutation:
    """What can be changed."""

    @strawberry.mutation(description="Make a student.", graphql_type=CreateStudentResult)
    async def create_student(self, info: Info, input: CreateStudent) -> Any:  # noqa: A002 - its name in the API
        """Make a student."""
        use_case = partial(create_student, name=input.name, email=input.email, sourced_id=input.sourced_id)
        return CreateStudentSuccess(student=await _run(info, use_case))

    @strawberry.mutation(description="Change a student.", graphql_type=UpdateStudentResult)
    async def update_student(self, info: Info, input: UpdateStudent) -> Any:  # noqa: A002
        """Change a student."""
        use_case = partial(
            update_student,
            student_id=decode_key(input.id, Entity.STUDENT, argument="id"),
            **_given(input, "name", "email", "sourced_id"),
        )
        return UpdateStudentSuccess(student=await _run(info, use_case))

    @strawberry.mutation(
        description="Delete a student, together with the student's assignments: the seats are free again.",
        graphql_type=DeleteStudentResult,
    )
    async def delete_student(self, info: Info, input: DeleteStudent) -> Any:  # noqa: A002
        """Delete a student."""
        key = decode_key(input.id, Entity.STUDENT, argument="id")
        deleted = await _run(info, partial(delete_student, student_id=key))
        return DeleteStudentSuccess(deleted_id=input.id, assignments_removed=deleted.assignments_removed)

    @strawberry.mutation(description="Make a course.", graphql_type=CreateCourseResult)
    async def create_course(self, info: Info, input: CreateCourse) -> Any:  # noqa: A002
        """Make a course."""
        use_case = partial(
            create_course,
            code=input.code,
            title=input.title,
            credits=input.credits,
            capacity=input.capacity,
            sourced_id=input.sourced_id,
        )
        return CreateCourseSuccess(course=await _run(info, use_case))

    @strawberry.mutation(description="Change a course.", graphql_type=UpdateCourseResult)
    async def update_course(self, info: Info, input: UpdateCourse) -> Any:  # noqa: A002
        """Change a course."""
        use_case = partial(
            update_course,
            course_id=decode_key(input.id, Entity.COURSE, argument="id"),
            **_given(input, "code", "title", "credits", "capacity", "sourced_id"),
        )
        return UpdateCourseSuccess(course=await _run(info, use_case))

    @strawberry.mutation(
        description="Delete a course, together with the assignments to it; its students stay.",
        graphql_type=DeleteCourseResult,
    )
    async def delete_course(self, info: Info, input: DeleteCourse) -> Any:  # noqa: A002
        """Delete a course."""
        key = decode_key(input.id, Entity.COURSE, argument="id")
        deleted = await _run(info, partial(delete_course, course_id=key))
        return DeleteCourseSuccess(deleted_id=input.id, assignments_removed=deleted.assignments_removed)

    @strawberry.mutation(
        description="Assign a student to a course. Asking again changes nothing and gives the same answer, with the "
        "first `assignedAt`. A course never has more students than its capacity, however many ask at once.",
        graphql_type=AssignCourseResult,
    )
    async def assign_course(self, info: Info, input: AssignCourse) -> Any:  # noqa: A002
        """Assign a student to a course."""
        student_id, course_id = _pair(input)
        use_case = partial(assign_course, student_id=student_id, course_id=course_id)
        return _assigned(await _run(info, use_case))

    @strawberry.mutation(
        description="Let a student leave a course; the seat is free again. Asking again changes nothing.",
        graphql_type=UnassignCourseResult,
    )
    async def unassign_course(self, info: Info, input: UnassignCourse) -> Any:  # noqa: A002
        """Let a student leave a course."""
        student_id, course_id = _pair(input)
        use_case = partial(unassign_course, student_id=student_id, course_id=course_id)
        done = await _run(info, use_case)
        return UnassignCourseSuccess(student=done.student, course=done.course, was_assigned=done.was_assigned)

    @strawberry.mutation(
        description="Assign many students to many courses in one transaction, each pair as `assignCourse` would.",
        graphql_type=AssignCoursesResult,
    )
    async def assign_courses(self, info: Info, input: AssignCourses) -> Any:  # noqa: A002
        """Assign many students to many courses."""
        pairs = [_pair(pair, at=f"assignments[{place}].") for place, pair in enumerate(input.assignments)]
        outcomes = await _run(info, partial(assign_courses, pairs=pairs))
        results: list[Any] = [
            typed(outcome) if isinstance(outcome, DomainError) else _assigned(outcome) for outcome in outcomes
        ]
        return AssignCoursesSuccess(
            results=results,
            assigned_count=sum(isinstance(done, AssignCourseSuccess) and not done.already_assigned for done in results),
        )


async def _run(info: Info, use_case: Callable[[UnitOfWork], Awaitable[ResultT]]) -> ResultT:
    """Do one thing wholly."""
    attempts: list[UnitOfWork] = []

    async def noted(uow: UnitOfWork) -> ResultT:
        attempts.append(uow)
        return await use_case(uow)

    try:
        return await info.context.units_of_work.run_alone(noted, actor=info.context.actor)
    finally:
        info.context.reader.statements += sum(uow.statements for uow in attempts)


def _given(input_: Any, *names: str) -> dict[str, Any]:
    values = {name: getattr(input_, name) for name in names}
    return {name: UNCHANGED if value is strawberry.UNSET else value for name, value in values.items()}


def _pair(input_: AssignCourseInput | UnassignCourseInput, *, at: str = "") -> Pair:
    return Pair(
        decode_key(input_.student_id, Entity.STUDENT, argument=f"{at}studentId"),
        decode_key(input_.course_id, Entity.COURSE, argument=f"{at}courseId"),
    )


def _assigned(assignment: Assignment) -> AssignCourseSuccess:
    return AssignCourseSuccess(
        student=assignment.student,
        course=assignment.course,
        assigned_at=assignment.assigned_at,
        already_assigned=assignment.already_assigned,
    )
