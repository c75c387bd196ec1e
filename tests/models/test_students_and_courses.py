from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError, InvalidRequestError, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import selectinload

from gql_api.models import Course, Student, StudentCourses


async def test_a_student_has_courses_and_a_course_has_students(engine: AsyncEngine) -> None:
    ann, ben = Student(name="Ann"), Student(name="Ben")
    logic, music = Course(code="L1", title="Logic"), Course(code="M1", title="Music")
    async with AsyncSession(engine) as session, session.begin():
        session.add_all(
            [
                ann,
                ben,
                logic,
                music,
                StudentCourses(student=ann, course=logic),
                StudentCourses(student=ann, course=music),
                StudentCourses(student=ben, course=logic),
            ]
        )
    async with AsyncSession(engine) as session:
        students = (await session.scalars(select(Student).options(selectinload(Student.courses)))).all()
        courses = (await session.scalars(select(Course).options(selectinload(Course.students)))).all()
    assert {student.name: sorted(course.code for course in student.courses) for student in students} == {
        "Ann": ["L1", "M1"],
        "Ben": ["L1"],
    }
    assert {course.code: sorted(student.name for student in course.students) for course in courses} == {
        "L1": ["Ann", "Ben"],
        "M1": ["Ann"],
    }


@pytest.mark.parametrize(
    ("model", "relation"),
    [
        (Student, "courses"),
        (Student, "course_links"),
        (Course, "students"),
        (Course, "student_links"),
        (StudentCourses, "student"),
        (StudentCourses, "course"),
    ],
)
async def test_a_relation_is_never_loaded_by_accident(engine: AsyncEngine, model: Any, relation: str) -> None:
    async with AsyncSession(engine) as session, session.begin():
        session.add(StudentCourses(student=Student(name="Ann"), course=Course(code="L1", title="Logic")))
    async with AsyncSession(engine) as session:
        row = (await session.scalars(select(model))).one()
        with pytest.raises(InvalidRequestError, match="lazy='raise'"):
            getattr(row, relation)


@pytest.mark.parametrize(
    ("model", "first", "second"),
    [
        (Student, {"name": "Ann", "email": "a@example.org"}, {"name": "Ben", "email": "a@example.org"}),
        (Student, {"name": "Ann", "sourced_id": "s1"}, {"name": "Ben", "sourced_id": "s1"}),
        (Course, {"code": "L1", "title": "Logic"}, {"code": "L1", "title": "Music"}),
        (
            Course,
            {"code": "L1", "title": "Logic", "sourced_id": "c1"},
            {"code": "M1", "title": "Music", "sourced_id": "c1"},
        ),
    ],
)
async def test_addresses_codes_and_sourced_ids_are_taken_once(
    engine: AsyncEngine, model: Any, first: dict[str, str], second: dict[str, str]
) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(model).values(first))
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            await connection.execute(insert(model).values(second))


async def test_any_number_of_students_may_lack_an_address_and_a_sourced_id(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(Student), [{"name": "Ann"}, {"name": "Ben"}])
        assert (await connection.scalars(select(Student.email))).all() == [None, None]


@pytest.mark.parametrize("values", [{"credits": -1}, {"capacity": -1}])
async def test_credits_and_capacity_are_never_negative(engine: AsyncEngine, values: dict[str, int]) -> None:
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            await connection.execute(insert(Course).values(code="L1", title="Logic", **values))


@pytest.mark.parametrize("values", [{"credits": 0, "capacity": 0}, {"credits": None, "capacity": None}])
async def test_credits_and_capacity_may_be_zero_or_missing(engine: AsyncEngine, values: dict[str, int | None]) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(Course).values(code="L1", title="Logic", **values))
        row = (await connection.execute(select(Course.credits, Course.capacity))).one()
    assert row._asdict() == values


async def test_an_id_is_never_handed_out_twice(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        insert_student, insert_course = insert(Student).returning(Student.id), insert(Course).returning(Course.id)
        first = [
            await connection.scalar(insert_student.values(name="Ann")),
            await connection.scalar(insert_course.values(code="L1", title="Logic")),
        ]
        await connection.execute(delete(Student))
        await connection.execute(delete(Course))
        second = [
            await connection.scalar(insert_student.values(name="Ben")),
            await connection.scalar(insert_course.values(code="M1", title="Music")),
        ]
    assert (first, second) == ([1, 1], [2, 2])


async def test_texts_sort_by_code_point_on_both_databases(engine: AsyncEngine) -> None:
    names = ["Zoë", "Zoe", "ann", "Ann", "Änne", "a b", "ab", "Ω", "\U0001f600", "ﬀ"]
    async with engine.begin() as connection:
        await connection.execute(insert(Student), [{"name": name} for name in names])
        ordered = (await connection.scalars(select(Student.name).order_by(Student.name))).all()
    assert ordered == sorted(names)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=-11))),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
async def test_a_time_comes_back_as_the_same_moment_in_utc(engine: AsyncEngine, moment: datetime) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(Student).values(name="Ann", created_at=moment))
        stored = (await connection.scalars(select(Student.created_at).where(Student.created_at == moment))).one()
    assert stored == moment
    assert stored.utcoffset() == timedelta(0)


async def test_times_sort_as_moments_whatever_their_zone(engine: AsyncEngine) -> None:
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-9))
    moments = [
        datetime(2026, 1, 1, 12, 0, tzinfo=east),
        datetime(2026, 1, 1, 3, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, tzinfo=west),
    ]
    async with engine.begin() as connection:
        await connection.execute(
            insert(Student), [{"name": str(i), "created_at": moment} for i, moment in enumerate(moments)]
        )
        ordered = (await connection.scalars(select(Student.name).order_by(Student.created_at.desc()))).all()
    assert ordered == ["2", "1", "0"]


async def test_a_time_without_a_zone_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(StatementError, match="a time without a zone cannot be stored"):
        async with engine.begin() as connection:
            await connection.execute(insert(Student).values(name="Ann", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_a_row_is_stamped_by_the_databases_clock_in_utc(engine: AsyncEngine) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)  # SQLite's clock gives milliseconds, rounded
    async with engine.begin() as connection:
        await connection.execute(insert(Student).values(name="Ann"))
        await connection.execute(insert(Course).values(code="L1", title="Logic"))
        await connection.execute(insert(StudentCourses).values(student_id=1, course_id=1))
        stamps = [
            (await connection.scalars(select(column))).one()
            for column in (Student.created_at, Course.created_at, StudentCourses.assigned_at)
        ]
    after = datetime.now(UTC) + timedelta(milliseconds=2)
    assert all(before <= stamp <= after for stamp in stamps)
