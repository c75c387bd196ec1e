import pytest
from sqlalchemy import Select, delete, event, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from gql_api.models import Course, Student, StudentCourses


@pytest.fixture
async def assigned(engine: AsyncEngine) -> AsyncEngine:
    """Two students, two courses, everyone in everything."""
    async with engine.begin() as connection:
        await connection.execute(insert(Student), [{"name": "Ann"}, {"name": "Ben"}])
        await connection.execute(insert(Course), [{"code": "L1", "title": "Logic"}, {"code": "M1", "title": "Music"}])
        await connection.execute(
            insert(StudentCourses),
            [{"student_id": student, "course_id": course} for student in (1, 2) for course in (1, 2)],
        )
    return engine


async def pairs(engine: AsyncEngine) -> list[tuple[int, int]]:
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(StudentCourses.student_id, StudentCourses.course_id).order_by(text("1, 2"))
        )
        return [(student_id, course_id) for student_id, course_id in rows]


async def test_a_student_takes_a_course_once(assigned: AsyncEngine) -> None:
    with pytest.raises(IntegrityError):
        async with assigned.begin() as connection:
            await connection.execute(insert(StudentCourses).values(student_id=1, course_id=2))


@pytest.mark.parametrize("pair", [(3, 1), (1, 3), (3, 3)])
async def test_an_assignment_needs_its_student_and_its_course(assigned: AsyncEngine, pair: tuple[int, int]) -> None:
    with pytest.raises(IntegrityError):
        async with assigned.begin() as connection:
            await connection.execute(insert(StudentCourses).values(student_id=pair[0], course_id=pair[1]))


async def test_a_deleted_student_leaves_his_courses_and_a_deleted_course_its_students(assigned: AsyncEngine) -> None:
    async with assigned.begin() as connection:
        await connection.execute(delete(Student).where(Student.id == 1))
    assert await pairs(assigned) == [(2, 1), (2, 2)]
    async with assigned.begin() as connection:
        await connection.execute(delete(Course).where(Course.id == 2))
        assert (await connection.scalars(select(Student.name))).all() == ["Ben"]
        assert (await connection.scalars(select(Course.code))).all() == ["L1"]
    assert await pairs(assigned) == [(2, 1)]


async def test_deleting_an_entity_leaves_its_assignments_to_the_database(assigned: AsyncEngine) -> None:
    statements: list[str] = []
    event.listen(
        assigned.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement.split(" WHERE")[0]),
    )
    async with AsyncSession(assigned) as session, session.begin():
        student, course = await session.get_one(Student, 1), await session.get_one(Course, 1)
        statements.clear()
        await session.delete(student)
        await session.delete(course)
    assert sorted(statements) == ["DELETE FROM courses", "DELETE FROM students"]
    assert await pairs(assigned) == [(2, 2)]


async def plan(connection: AsyncConnection, statement: Select[tuple[int]]) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    sql = statement.compile(connection.sync_connection, compile_kwargs={"literal_binds": True})
    return "\n".join(str(row[-1]) for row in await connection.exec_driver_sql(f"{explain} {sql}"))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            select(StudentCourses.student_id)
            .where(StudentCourses.course_id == 7)
            .order_by(StudentCourses.student_id)
            .limit(20),
            "student_courses_course_id_student_id_idx",
        ),
        (
            select(StudentCourses.course_id)
            .where(StudentCourses.student_id == 7)
            .order_by(StudentCourses.course_id)
            .limit(20),
            {"sqlite": "PRIMARY KEY", "postgresql": "student_courses_pkey"},
        ),
    ],
)
async def test_both_directions_are_read_from_an_index_without_sorting(
    engine: AsyncEngine, dialect: str, statement: Select[tuple[int]], index: str | dict[str, str]
) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
    async with engine.begin() as connection:
        for insertion in (
            "INSERT INTO students (name) {} SELECT 'S' FROM n",
            "INSERT INTO courses (code, title) {} SELECT 'C' || i, 'C' FROM n",
            "INSERT INTO student_courses (student_id, course_id) {} SELECT s.id, c.id FROM students s, courses c",
        ):
            await connection.execute(text(insertion.format("" if "student_courses" in insertion else numbers)))
        await connection.execute(text("ANALYZE"))
        found = await plan(connection, statement)
    assert (index if isinstance(index, str) else index[dialect]) in found
    assert not any(word in found for word in ("Sort", "Seq Scan", "Bitmap", "TEMP B-TREE", "SCAN "))
