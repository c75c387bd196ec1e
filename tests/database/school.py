"""Small schools that are hard to list: equal names, missing values, equal times, letters of many alphabets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from hypothesis import strategies as st
from sqlalchemy import Connection, Table, delete, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.models import Course, Student, StudentCourses

Row: TypeAlias = Mapping[str, Any]

TEXTS = (
    "Ada", "ada", "ADA", "Adam", "a", "A", "Zoë", "ZOË", "zoe", "Élan", "élan", "ß", "ẞ", "straße", "STRASSE",
    "İ", "i", "I", "\u0131", "Σίσυφος", "ΣΊΣΥΦΟΣ", "Жанна", "жанна", "ǅ", "ǆ", "\u212aelvin", "kelvin",
    "100%", "100", "1000", "a_b", "aXb", "a\\b", "a\\%b", "ab", "%", "_", "\\", "\\\\", "'", "''", '"', "; --",
    "𐐀𐐨", "𐐨𐐀", "中村", " ", "  a", "a ", "\x01", "\x7f", "\uffff", "\U0010ffff", "e\u0301", "\u00e9",
)  # fmt: skip

MOMENTS = (
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2024, 3, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 11, 22, 10, tzinfo=UTC),
)

texts = st.sampled_from(TEXTS) | st.text(
    st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), min_size=1, max_size=4
)
moments = st.sampled_from(MOMENTS)


@dataclass(frozen=True)
class School:
    """All rows of the three tables; columns as stored."""

    students: tuple[Row, ...]
    courses: tuple[Row, ...]
    assignments: tuple[Row, ...]

    async def store(self, engine: AsyncEngine) -> None:
        """Make the database hold exactly this."""

        def write(connection: Connection) -> None:
            for model in (StudentCourses, Student, Course):
                connection.execute(delete(model))
            for model, rows in ((Student, self.students), (Course, self.courses), (StudentCourses, self.assignments)):
                table = model.__table__
                assert isinstance(table, Table)
                if rows:
                    connection.execute(insert(table), [dict(row) for row in rows])

        async with engine.begin() as connection:
            await connection.run_sync(write)

    def rows_of(self, listing: str, parent_id: int | None = None) -> list[Row]:
        """The rows of a list, in no order; nested ones carry `assigned_at`."""
        match listing:
            case "Query.students":
                return list(self.students)
            case "Query.courses":
                return list(self.courses)
            case "Student.courses":
                return self._linked(self.courses, "course_id", "student_id", parent_id)
            case "Course.students":
                return self._linked(self.students, "student_id", "course_id", parent_id)
        raise ValueError(listing)

    def _linked(self, rows: tuple[Row, ...], child: str, parent: str, parent_id: int | None) -> list[Row]:
        by_id = {row["id"]: row for row in rows}
        return [
            {**by_id[link[child]], "assigned_at": link["assigned_at"]}
            for link in self.assignments
            if link[parent] == parent_id
        ]


def _unique(column: str) -> Any:
    return lambda row: object() if row[column] is None else row[column]


@st.composite
def schools(draw: st.DrawFn, *, students_max: int = 9, courses_max: int = 6, id_max: int = 2**40) -> School:
    ids = st.integers(1, 40) | st.just(id_max)
    students = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": ids,
                    "name": st.sampled_from(TEXTS[:6]) | texts,
                    "email": st.none() | texts,
                    "sourced_id": st.none() | texts,
                    "created_at": moments,
                }
            ),
            max_size=students_max,
            unique_by=(lambda row: row["id"], _unique("email"), _unique("sourced_id")),
        )
    )
    courses = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": ids,
                    "code": texts,
                    "title": st.sampled_from(TEXTS[:6]) | texts,
                    "credits": st.none() | st.sampled_from([0, 1, 5, 2**31 - 1]),
                    "capacity": st.none() | st.sampled_from([0, 1, 40, 2**31 - 1]),
                    "sourced_id": st.none() | texts,
                    "created_at": moments,
                }
            ),
            max_size=courses_max,
            unique_by=(lambda row: row["id"], _unique("code"), _unique("sourced_id")),
        )
    )
    pairs = [(student["id"], course["id"]) for student in students for course in courses]
    linked = draw(st.lists(st.tuples(st.sampled_from(pairs), moments), unique_by=lambda link: link[0])) if pairs else []
    assignments = [
        {"student_id": student_id, "course_id": course_id, "assigned_at": moment}
        for (student_id, course_id), moment in linked
    ]
    return School(tuple(students), tuple(courses), tuple(assignments))
