"""Statements that the database gives up or undoes: done again where that can help, otherwise told as what will pass."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import Timeouts
from gql_api.database.readers import create_reader
from gql_api.errors import DatabaseUnusable
from gql_api.services.assignments import assign_course
from gql_api.services.students import create_student, update_student
from gql_api.services.unit_of_work import ATTEMPTS_MAX, UnitsOfWork
from tests.database_fixtures import writing
from tests.services.stored import new_course, new_students, pairs

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

IMPATIENT = Timeouts(statement_seconds=0.2, lock_seconds=0)

# Sequences are not rolled back, so each attempt counts.
_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('attempts') <= {times} THEN RAISE EXCEPTION 'injected' USING ERRCODE = '{sqlstate}'; END IF;
    RETURN NEW;
END $$
"""
_TRIGGER = """
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON student_courses DEFERRABLE INITIALLY {when}
    FOR EACH ROW EXECUTE FUNCTION refuse()
"""


async def refuse(engine: AsyncEngine, *, times: int, sqlstate: str, when: str) -> None:
    """Let the first so many attempts to assign anyone fail, at the statement or at the commit."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SEQUENCE attempts"))
        await connection.execute(text(_REFUSE.format(times=times, sqlstate=sqlstate)))
        await connection.execute(text(_TRIGGER.format(when=when)))


async def attempts(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT last_value FROM attempts"))).scalar_one())


@pytest.mark.parametrize("when", ["IMMEDIATE", "DEFERRED"])
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
async def test_what_others_undid_is_done_again_from_the_beginning(
    engine: AsyncEngine, units_of_work: UnitsOfWork, sqlstate: str, when: str
) -> None:
    await new_students(units_of_work, 1)
    await new_course(units_of_work, capacity=1)
    await refuse(engine, times=ATTEMPTS_MAX - 1, sqlstate=sqlstate, when=when)
    assignment = await units_of_work.run(partial(assign_course, student_id=1, course_id=1))
    assert not assignment.already_assigned
    assert await attempts(engine) == ATTEMPTS_MAX
    assert await pairs(engine) == [(1, 1)]


async def test_attempts_are_bounded_and_then_nothing_was_done(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await new_students(units_of_work, 1)
    await new_course(units_of_work)
    await refuse(engine, times=100, sqlstate="40001", when="DEFERRED")
    with pytest.raises(DatabaseUnusable, match="Too many others"):
        await units_of_work.run(partial(assign_course, student_id=1, course_id=1))
    assert await attempts(engine) == ATTEMPTS_MAX
    assert await pairs(engine) == []


async def test_a_change_that_takes_too_long_is_given_up_and_told(
    database_url: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    await new_students(units_of_work, 1)
    rename = partial(update_student, student_id=1, name="Ada")
    async with writing(database_url, timeouts=IMPATIENT) as impatient:
        async with engine.begin() as other:
            await other.execute(text("SELECT id FROM students FOR UPDATE"))
            with pytest.raises(DatabaseUnusable, match="took too long"):
                await impatient.run(rename)
        await impatient.run(rename)


def _slow(_dialect_name: str) -> Select[Any]:
    return select(func.pg_sleep(30))


def _at_once(_dialect_name: str) -> Select[Any]:
    return select(func.count())


async def test_a_read_that_takes_too_long_is_given_up_and_told(database_url: str) -> None:
    reader = create_reader(
        database_url,
        pool_size=1,
        sqlite_reader_threads=1,
        sqlite_inline_seconds=0,
        busy_timeout_seconds=1,
        timeouts=IMPATIENT,
    )
    with pytest.raises(DatabaseUnusable, match="took too long"):
        await reader.fetch(_slow, values={})
    assert await reader.fetch(_at_once, values={})
    await reader.close()


async def test_a_statement_that_a_migration_made_stale_is_prepared_anew(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    [ada, bob] = await new_students(units_of_work, 2)
    # Twice, so that the statement is prepared on the one connection that is in use.
    for _ in range(2):
        await units_of_work.run(partial(update_student, student_id=ada, name="Ada"))
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE students ALTER COLUMN name TYPE varchar(200)"))
    renamed = await units_of_work.run(partial(update_student, student_id=bob, name="Bob"))
    assert renamed.name == "Bob"


async def test_a_database_that_lacks_a_table_is_told_as_its_state(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE students RENAME TO pupils"))
    with pytest.raises(DatabaseUnusable, match="not at head"):
        await units_of_work.run(partial(create_student, name="Ada"))
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE pupils RENAME TO students"))
    assert (await units_of_work.run(partial(create_student, name="Ada"))).name == "Ada"
