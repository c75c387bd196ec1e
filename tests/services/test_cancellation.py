"""Who is cancelled is gone at once; what was begun is undone, what was sent to be kept is kept, and nothing is left."""

import asyncio
import time
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.address import parse_database_url
from gql_api.services.courses import update_course
from gql_api.services.students import create_student
from gql_api.services.unit_of_work import UnitOfWork
from tests.database.lock_holder import write_lock_held_by_another_process
from tests.database_fixtures import writing
from tests.services.stop import STOPS
from tests.services.stored import everything, new_course

ALMOST_ENDLESS = {
    "postgresql": text("SELECT pg_sleep(60)"),
    "sqlite": text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000000) SELECT count(*) FROM n"
    ),
}
AT_ONCE_SECONDS = 0.5
SLOW_COMMIT = (
    "CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER take_long AFTER INSERT ON students DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION take_long()",
)


async def cancelled(task: asyncio.Task[Any]) -> float:
    """Cancel a task; how many seconds it took to end."""
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


@pytest.mark.parametrize("pause_seconds", [0, 0.001, 0.2])
async def test_a_statement_in_the_midst_of_a_transaction_is_given_up_and_the_connection_is_handed_out_clean(
    database_url: str, dialect: str, engine: AsyncEngine, pause_seconds: float
) -> None:
    async def never_end(uow: UnitOfWork) -> None:
        await create_student(uow, name="Ann")
        await uow.execute(ALMOST_ENDLESS[dialect])

    async with writing(database_url, pool_size=1) as units_of_work:
        await new_course(units_of_work)
        before = await everything(engine)
        for _ in range(3):
            task = asyncio.create_task(units_of_work.run(never_end))
            await asyncio.sleep(pause_seconds)
            assert await cancelled(task) < AT_ONCE_SECONDS
            async with asyncio.timeout(2):
                await units_of_work.run(partial(update_course, course_id=1, title="Algebra"))
    assert await everything(engine) == before


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_who_waits_for_the_lock_of_another_process_is_gone_at_once_all_the_same(
    database_url: str, engine: AsyncEngine
) -> None:
    async with writing(database_url, busy_timeout_seconds=3) as units_of_work:
        await new_course(units_of_work)
        before = await everything(engine)
        with write_lock_held_by_another_process(parse_database_url(database_url).file):
            task = asyncio.create_task(units_of_work.run(partial(update_course, course_id=1, title="Held")))
            await asyncio.sleep(0.1)
            assert await cancelled(task) < AT_ONCE_SECONDS
        assert await everything(engine) == before
        await units_of_work.run(partial(update_course, course_id=1, title="Algebra"))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_what_was_sent_to_be_kept_is_kept_though_nobody_waits_for_it_any_more(
    database_url: str, engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        for statement in SLOW_COMMIT:
            await connection.exec_driver_sql(statement)

    async with writing(database_url, pool_size=1) as units_of_work:
        task = asyncio.create_task(units_of_work.run(partial(create_student, name="Ann")))
        await asyncio.sleep(0.2)
        assert await cancelled(task) < AT_ONCE_SECONDS / 2
        async with asyncio.timeout(2):
            await new_course(units_of_work)
    assert [row[1] for row in (await everything(engine))["students"]] == ["Ann"]


async def test_who_leaves_before_anything_was_sent_to_be_kept_leaves_nothing(
    database_url: str, dialect: str, engine: AsyncEngine
) -> None:
    stop = STOPS[dialect]()

    async def create(uow: UnitOfWork) -> None:
        await create_student(uow, name="Ann")
        await stop.here()

    async with writing(database_url, pool_size=1) as units_of_work:
        task = asyncio.create_task(units_of_work.run(create))
        await stop.reached()
        assert await cancelled(task) < AT_ONCE_SECONDS
        stop.go_on()
        await new_course(units_of_work)
    assert (await everything(engine))["students"] == []


async def test_who_leaves_the_line_is_passed_over(database_url: str, dialect: str, engine: AsyncEngine) -> None:
    stop = STOPS[dialect]()

    async def take_long(uow: UnitOfWork) -> None:
        await create_student(uow, name="Ann")
        await stop.here()

    async with writing(database_url, pool_size=1) as units_of_work:
        long = asyncio.create_task(units_of_work.run(take_long))
        await stop.reached()
        task = asyncio.create_task(units_of_work.run(partial(create_student, name="Bob")))
        await asyncio.sleep(0.05)
        assert await cancelled(task) < AT_ONCE_SECONDS
        stop.go_on()
        await long
        await new_course(units_of_work)
    assert [row[1] for row in (await everything(engine))["students"]] == ["Ann"]
