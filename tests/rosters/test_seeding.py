import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import create_engine
from gql_api.database.verify import verify
from gql_api.errors import CourseFull, DatabaseNotEmpty
from gql_api.rosters.importing import import_bundle
from gql_api.rosters.seeding import DEMO, seed, seed_demo
from gql_api.rosters.synthetic import Population
from gql_api.services.assignments import assign_course
from gql_api.services.courses import create_course
from gql_api.services.students import create_student
from gql_api.services.tables import COURSES, STUDENT_COURSES
from gql_api.services.unit_of_work import UnitsOfWork
from tests.database_fixtures import PostgresqlDatabases, SqliteDatabases
from tests.rosters.sample_bundle import sample, written
from tests.rosters.stored import every_row

POPULATION = Population(students=2_000, courses=50, per_student=3, seed=5)


def rows_after_seeding(url: str) -> list[list[tuple[Any, ...]]]:
    async def seed_and_read() -> list[list[tuple[Any, ...]]]:
        engine = create_engine(url)
        try:
            await seed(engine, POPULATION)
            return await every_row(engine)
        finally:
            await engine.dispose()

    return asyncio.run(seed_and_read())


def test_both_databases_get_the_same_rows(
    sqlite_databases: SqliteDatabases, postgresql_databases: PostgresqlDatabases
) -> None:
    with sqlite_databases.migrated() as url:
        on_sqlite = rows_after_seeding(url)
    with postgresql_databases.migrated() as url:
        on_postgresql = rows_after_seeding(url)
    assert on_sqlite == on_postgresql
    assert [len(rows) for rows in on_sqlite][:2] == [2_000, 50]
    assert [row[0] for row in on_sqlite[0]] == list(range(1, 2_001))


async def test_what_was_seeded_is_what_was_invented(engine: AsyncEngine) -> None:
    assignments = await seed(engine, POPULATION)
    _, _, links = await every_row(engine)
    assert links == [tuple(assignment) for assignment in POPULATION.invent_assignments()]
    assert assignments == len(links)


async def test_a_seeded_database_is_sound(engine: AsyncEngine) -> None:
    await seed(engine, POPULATION)
    report = await verify(engine)
    assert report.is_sound, str(report)


async def test_ids_go_on_after_the_seeded_ones(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await seed(engine, POPULATION)
    student = await units_of_work.run(lambda uow: create_student(uow, name="Next"))
    course = await units_of_work.run(lambda uow: create_course(uow, code="NEXT", title="Next"))
    assert (student.id, course.id) == (2_001, 51)


async def test_only_an_empty_database_is_seeded(engine: AsyncEngine, tmp_path: Path) -> None:
    await import_bundle(engine, written(sample(), tmp_path))
    before = await every_row(engine)
    with pytest.raises(DatabaseNotEmpty) as refused:
        await seed(engine, POPULATION)
    assert refused.value.message == (
        "The database has students already; only an empty one is seeded, "
        "so that what was invented never mixes with what was not."
    )
    assert await every_row(engine) == before


async def test_a_database_with_courses_alone_is_not_empty(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await units_of_work.run(lambda uow: create_course(uow, code="ONE", title="One"))
    with pytest.raises(DatabaseNotEmpty, match="has courses already"):
        await seed(engine, POPULATION)


async def test_nothing_can_be_seeded_too(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    assert await seed(engine, Population(0, 0, 0, seed=1)) == 0
    student = await units_of_work.run(lambda uow: create_student(uow, name="First"))
    assert student.id == 1


async def test_the_demo_has_full_courses_that_refuse_another_student(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    assert await seed_demo(engine) is True
    seats_taken = select(func.count()).where(STUDENT_COURSES.c.course_id == COURSES.c.id).scalar_subquery()
    async with engine.connect() as connection:
        full = (await connection.scalars(select(COURSES.c.id).where(COURSES.c.capacity == seats_taken))).all()
        unlimited = await connection.scalar(select(func.count()).where(COURSES.c.capacity.is_(None)))
    assert (len(full), unlimited) == (3, 18)
    newcomer = await units_of_work.run(lambda uow: create_student(uow, name="Newcomer"))
    assert newcomer.id == DEMO.students + 1
    with pytest.raises(CourseFull):
        await units_of_work.run(lambda uow: assign_course(uow, student_id=newcomer.id, course_id=full[0]))


async def test_the_demo_is_seeded_once(engine: AsyncEngine) -> None:
    assert await seed_demo(engine) is True
    before = await every_row(engine)
    assert await seed_demo(engine) is False
    assert await every_row(engine) == before
