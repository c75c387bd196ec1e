from collections.abc import Sequence
from typing import NamedTuple, cast

import strawberry

from gql_api.execution import BreadthFirstExecutor, batched


class CourseRow(NamedTuple):
    title: str


class StudentRow(NamedTuple):
    name: str
    courses: int


batches: list[tuple[tuple[str, ...], int]] = []


@strawberry.type
class Course:
    title: str


@strawberry.type
class Student:
    name: str

    @batched
    @staticmethod
    async def courses(students: Sequence[StudentRow], first: int = 9) -> list[list[Course]]:
        batches.append((tuple(student.name for student in students), first))
        return [
            [cast("Course", CourseRow(f"{student.name} {number}")) for number in range(min(first, student.courses))]
            for student in students
        ]


@strawberry.type
class Query:
    @batched
    @staticmethod
    async def students(roots: Sequence[None]) -> list[list[Student]]:
        rows = [StudentRow("Ada", 1), StudentRow("Bob", 0), StudentRow("Cy", 3)]
        return [cast("list[Student]", rows) for _ in roots]


async def test_a_batched_field_is_resolved_once_for_a_level() -> None:
    schema = strawberry.Schema(Query, execution_context_class=BreadthFirstExecutor)
    batches.clear()

    result = await schema.execute("{ students { name courses(first: 2) { title } } }")

    assert result.errors is None
    assert result.data == {
        "students": [
            {"name": "Ada", "courses": [{"title": "Ada 0"}]},
            {"name": "Bob", "courses": []},
            {"name": "Cy", "courses": [{"title": "Cy 0"}, {"title": "Cy 1"}]},
        ]
    }
    assert batches == [(("Ada", "Bob", "Cy"), 2)]
