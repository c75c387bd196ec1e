"""A course that is full when a seat is asked for, and gone when the answer is put together."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from gql_api.database.statements import Entity
from gql_api.errors import CourseFull
from gql_api.schema.global_id import encode_id
from gql_api.services.actor import Actor
from gql_api.services.courses import create_course, delete_course
from gql_api.services.students import create_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.schema.api import Api

ResultT = TypeVar("ResultT")


class Overtaken(UnitsOfWork):
    """Units of work of one whom another caller overtakes: who deletes the course as soon as it was found full."""

    async def run_alone(
        self, use_case: Callable[[UnitOfWork], Awaitable[ResultT]], *, actor: Actor | None = None
    ) -> ResultT:
        try:
            return await super().run_alone(use_case, actor=actor)
        except CourseFull as full:
            await super().run(partial(delete_course, course_id=full.course_id))
            raise


class OvertakenApi(Api):
    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.units_of_work = self._units_of_work = Overtaken(self._transactions)


async def test_the_answer_is_that_there_is_no_such_course(database_url: str) -> None:
    async with OvertakenApi(database_url) as api:
        student = await api.units_of_work.run(partial(create_student, name="Ada"))
        course = await api.units_of_work.run(partial(create_course, code="C", title="T", capacity=0))
        answer = await api.execute(
            "mutation ($student: ID!, $course: ID!) {"
            " assignCourse(input: {studentId: $student, courseId: $course}) {"
            " ... on CourseFull { capacity course { title } } } }",
            student=encode_id(Entity.STUDENT, student.id),
            course=encode_id(Entity.COURSE, course.id),
        )
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert (error["message"], error["extensions"]) == ("No course has this id.", {"code": "BAD_USER_INPUT"})
    assert error["path"] == ["assignCourse", "course"]
