import asyncio
import sqlite3
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import Timeouts
from gql_api.database.transactions import create_transactions
from gql_api.errors import DatabaseUnusable, EmailTaken
from gql_api.models import Student
from gql_api.services.assignments import assign_course
from gql_api.services.students import create_student
from gql_api.services.unit_of_work import ATTEMPTS_MAX, Overtaken, UnitOfWork, UnitsOfWork
from tests.database_fixtures import writing
from tests.services.stop import STOPS
from tests.services.stored import everything, new_course, new_students, pairs


async def names(engine: AsyncEngine) -> list[str]:
    return [row[1] for row in (await everything(engine))["students"]]


async def test_what_a_use_case_did_is_kept(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await units_of_work.run(partial(create_student, name="Ada"))
    assert await names(engine) == ["Ada"]


async def test_an_error_keeps_nothing(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    async def two_of_one_email(uow: UnitOfWork) -> None:
        await create_student(uow, name="Ada", email="ada@example.org")
        await create_student(uow, name="Bob", email="ada@example.org")

    with pytest.raises(EmailTaken):
        await units_of_work.run(two_of_one_email)
    assert await names(engine) == []


async def test_after_a_statement_that_failed_nothing_can_be_kept(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    async def go_on_all_the_same(uow: UnitOfWork) -> None:
        await create_student(uow, name="Ada", email="ada@example.org")
        with pytest.raises(EmailTaken):
            await create_student(uow, name="Bob", email="ada@example.org")
        with pytest.raises(RuntimeError, match="was given up after a statement that failed"):
            await uow.execute(text("SELECT 1"))

    with pytest.raises(RuntimeError, match="was given up after a statement that failed"):
        await units_of_work.run(go_on_all_the_same)
    assert await names(engine) == []


async def test_a_unit_of_work_ends_with_its_use_case(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    kept: list[UnitOfWork] = []

    async def keep(uow: UnitOfWork) -> None:
        kept.append(uow)
        await create_student(uow, name="Ada")

    await units_of_work.run(keep)
    with pytest.raises(RuntimeError, match="has ended"):
        await create_student(kept[0], name="Bob")
    assert await names(engine) == ["Ada"]


async def test_a_unit_of_work_sees_its_own_work_and_others_do_not(
    dialect: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    stop = STOPS[dialect]()

    async def create_and_look(uow: UnitOfWork) -> Any:
        await create_student(uow, name="Ada")
        await stop.here()
        return (await uow.execute(select(Student.name))).scalar_one()

    looking = asyncio.create_task(units_of_work.run(create_and_look))
    await stop.reached()
    async with engine.connect() as other:
        reading = await other.execution_options(isolation_level="AUTOCOMMIT")
        assert (await reading.execute(text("SELECT name FROM students"))).all() == []
    stop.go_on()
    assert await looking == "Ada"


async def test_whoever_waits_for_events_is_woken_after_the_commit_by_the_event_loop(
    database_url: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id, [student_id] = await new_course(units_of_work), await new_students(units_of_work, 1)
    woken: list[asyncio.Task[list[tuple[int, int]]]] = []
    transactions = create_transactions(database_url)
    waking = UnitsOfWork(transactions, on_announced=lambda: woken.append(asyncio.create_task(pairs(engine))))
    assign = partial(assign_course, student_id=student_id, course_id=course_id)

    for use_case in (partial(create_student, name="Bob"), assign, assign):
        await waking.run(use_case)

    assert [await stored for stored in woken] == [[(student_id, course_id)]]
    await transactions.close()


async def test_who_was_overtaken_begins_again(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    attempts = 0

    async def overtaken_twice(uow: UnitOfWork) -> int:
        nonlocal attempts
        attempts += 1
        await create_student(uow, name=f"Attempt {attempts}")
        if attempts <= 2:
            raise Overtaken
        return attempts

    assert await units_of_work.run(overtaken_twice) == 3
    assert await names(engine) == ["Attempt 3"]


async def test_attempts_are_bounded(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    attempts = 0

    async def always_overtaken(uow: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        await create_student(uow, name="Ada")
        raise Overtaken

    with pytest.raises(DatabaseUnusable, match="Too many others"):
        await units_of_work.run(always_overtaken)
    assert attempts == ATTEMPTS_MAX
    assert await names(engine) == []


async def test_other_errors_are_not_tried_again(units_of_work: UnitsOfWork) -> None:
    attempts = 0

    async def nonsense(uow: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        await uow.execute(text("SELECT FROM WHERE"))

    with pytest.raises((asyncpg.PostgresError, sqlite3.Error)):
        await units_of_work.run(nonsense)
    assert attempts == 1


async def test_who_gets_no_connection_in_time_is_told_so(database_url: str, dialect: str, engine: AsyncEngine) -> None:
    stop = STOPS[dialect]()

    async def take_long(uow: UnitOfWork) -> None:
        await create_student(uow, name="Ada")
        await stop.here()

    async with writing(database_url, pool_size=1, timeouts=Timeouts(pool_seconds=0.05)) as units_of_work:
        long = asyncio.create_task(units_of_work.run(take_long))
        await stop.reached()
        with pytest.raises(DatabaseUnusable, match="No connection to the database became free in time"):
            await units_of_work.run(partial(create_student, name="Bob"))
        stop.go_on()
        await long
        await units_of_work.run(partial(create_student, name="Cy"))
    assert await names(engine) == ["Ada", "Cy"]


async def test_every_connection_comes_back(database_url: str, engine: AsyncEngine) -> None:
    async def fail(uow: UnitOfWork, number: int) -> None:
        await create_student(uow, name=f"Student {number}")
        if number % 2:
            raise KeyError(number)

    async with writing(database_url, pool_size=2) as units_of_work:
        results = await asyncio.gather(
            *(units_of_work.run(partial(fail, number=i)) for i in range(20)), return_exceptions=True
        )
    assert [type(result) for result in results] == [type(None), KeyError] * 10
    assert len(await names(engine)) == 10


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_writers_of_an_sqlite_file_come_in_the_order_of_arrival(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    async with asyncio.TaskGroup() as writers:
        for i in range(30):
            writers.create_task(units_of_work.run(partial(create_student, name=f"Student {i}")))
    assert await names(engine) == [f"Student {i}" for i in range(30)]
