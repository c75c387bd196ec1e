"""Nothing is half done: the failures are the database's own, in the midst of each use case."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import Timeouts
from gql_api.database.failure import ConstraintViolated
from gql_api.errors import DatabaseUnusable
from gql_api.services.assignments import assign_course, assign_courses, unassign_course
from gql_api.services.courses import delete_course, update_course
from gql_api.services.pairs import Pair
from gql_api.services.students import create_student, delete_student, update_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.database_fixtures import writing
from tests.services.held import held
from tests.services.stored import everything, new_course, new_students, pairs, recorded_statements

ONLY_POSTGRESQL = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
ONLY_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


class Change(NamedTuple):
    """A change of a row that the database itself is made to refuse or to skip."""

    event: str
    table: str
    condition: str


async def fail_at(engine: AsyncEngine, change: Change) -> None:
    """From now on such a change is an error."""
    await trigger(engine, change, postgresql="RAISE EXCEPTION 'injected';", sqlite="SELECT RAISE(ABORT, 'injected');")


async def skip(engine: AsyncEngine, change: Change) -> None:
    """From now on such a change does nothing, silently."""
    await trigger(engine, change, postgresql="RETURN NULL;", sqlite="SELECT RAISE(IGNORE);")


async def trigger(engine: AsyncEngine, change: Change, *, postgresql: str, sqlite: str) -> None:
    event, table, condition = change
    if engine.dialect.name == "sqlite":
        statements = [f"CREATE TRIGGER injected BEFORE {event} ON {table} WHEN {condition} BEGIN {sqlite} END"]
    else:
        statements = [
            f"CREATE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {postgresql} END $$",
            f"CREATE TRIGGER injected BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition})"
            " EXECUTE FUNCTION injected()",
        ]
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def two_students_in_two_courses(units_of_work: UnitsOfWork) -> None:
    """Students 1 and 2, courses 1 (with a capacity) and 2 (without); student 1 takes both."""
    await new_students(units_of_work, 2)
    await new_course(units_of_work, "A", capacity=5)
    await new_course(units_of_work, "B")
    await units_of_work.run(partial(assign_courses, pairs=[Pair(1, 1), Pair(1, 2)]))


@pytest.mark.parametrize(
    ("refused", "use_case"),
    [
        (Change("INSERT", "student_courses", "NEW.student_id = 2"), partial(assign_course, student_id=2, course_id=1)),
        (Change("INSERT", "student_courses", "NEW.student_id = 2"), partial(assign_course, student_id=2, course_id=2)),
        (
            Change("INSERT", "student_courses", "NEW.student_id = 2 AND NEW.course_id = 2"),
            partial(assign_courses, pairs=[Pair(2, 1), Pair(2, 2)]),
        ),
        (Change("DELETE", "student_courses", "OLD.course_id = 2"), partial(unassign_course, student_id=1, course_id=2)),
        (Change("DELETE", "student_courses", "OLD.course_id = 2"), partial(delete_student, student_id=1)),
        (Change("DELETE", "students", "OLD.id = 1"), partial(delete_student, student_id=1)),
        (Change("DELETE", "courses", "OLD.id = 1"), partial(delete_course, course_id=1)),
        (Change("UPDATE", "courses", "NEW.capacity = 1"), partial(update_course, course_id=1, title="New", capacity=1)),
        (Change("UPDATE", "students", "NEW.email IS NOT NULL"), partial(update_student, student_id=1, email="a@b")),
        (Change("INSERT", "students", "NEW.email IS NOT NULL"), partial(create_student, name="Ada", email="a@b")),
    ],
)
async def test_a_statement_that_fails_leaves_everything_as_it_was(
    engine: AsyncEngine,
    units_of_work: UnitsOfWork,
    refused: Change,
    use_case: Callable[[UnitOfWork], Awaitable[Any]],
) -> None:
    await two_students_in_two_courses(units_of_work)
    await fail_at(engine, refused)
    before = await everything(engine)

    with pytest.raises((ConstraintViolated, asyncpg.RaiseError)):
        await units_of_work.run(use_case)

    assert await everything(engine) == before
    await units_of_work.run(partial(create_student, name="The next one"))


@pytest.mark.parametrize(
    "use_case",
    [partial(assign_course, student_id=2, course_id=2), partial(assign_courses, pairs=[Pair(2, 1), Pair(2, 2)])],
)
async def test_an_insert_that_stores_nothing_is_never_told_as_an_assignment(
    engine: AsyncEngine, units_of_work: UnitsOfWork, use_case: Callable[[UnitOfWork], Awaitable[Any]]
) -> None:
    await two_students_in_two_courses(units_of_work)
    await skip(engine, Change("INSERT", "student_courses", "NEW.student_id = 2 AND NEW.course_id = 2"))
    before = await everything(engine)

    with pytest.raises(DatabaseUnusable, match="Too many others"):
        await units_of_work.run(use_case)

    assert await everything(engine) == before


@ONLY_POSTGRESQL
@pytest.mark.parametrize("then", ["commit", "statement"])
async def test_a_connection_killed_before_the_commit_leaves_everything_as_it_was(
    engine: AsyncEngine, units_of_work: UnitsOfWork, then: str
) -> None:
    await two_students_in_two_courses(units_of_work)
    before = await everything(engine)

    async def killed(uow: UnitOfWork) -> None:
        await assign_course(uow, student_id=2, course_id=1)
        process_id = (await uow.execute(select(func.pg_backend_pid()))).scalar_one()
        async with engine.connect() as other:
            assert await other.scalar(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process_id})
        if then == "statement":
            await assign_course(uow, student_id=2, course_id=2)

    with pytest.raises(DatabaseUnusable):
        await units_of_work.run(killed)

    assert await everything(engine) == before
    for _ in range(12):  # more than the pool has connections
        await units_of_work.run(partial(assign_course, student_id=2, course_id=1))


HOLD = """
import asyncio, sys
from gql_api.database.engine import create_engine
from gql_api.services.assignments import assign_courses
from gql_api.services.pairs import Pair
from tests.services.held import held

async def hold():
    async with held(create_engine(sys.argv[1])) as uow:
        await assign_courses(uow, [Pair(2, 1), Pair(2, 2)])
        print("holding", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def test_a_process_killed_before_the_commit_leaves_everything_as_it_was(
    database_url: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    await two_students_in_two_courses(units_of_work)
    before = await everything(engine)

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"holding\n"
        process.kill()
        await process.wait()

    # The dead process's locks are gone: this does not wait for them.
    await units_of_work.run(partial(update_course, course_id=1, capacity=1))
    await units_of_work.run(partial(update_course, course_id=1, capacity=5))
    assert await everything(engine) == before


async def test_cancelling_one_who_waits_leaves_nothing_and_gives_the_connection_back(
    database_url: str, engine: AsyncEngine
) -> None:
    async with writing(database_url, pool_size=2, busy_timeout_seconds=0.3) as units_of_work:
        await cancel_one_who_waits(engine, units_of_work)


async def cancel_one_who_waits(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await two_students_in_two_courses(units_of_work)
    before = await everything(engine)

    for _ in range(3):
        async with held(engine) as uow:
            await update_course(uow, course_id=1, capacity=5)
            waiting = asyncio.create_task(units_of_work.run(partial(assign_course, student_id=2, course_id=1)))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    assert await everything(engine) == before
    await asyncio.gather(*(units_of_work.run(partial(assign_course, student_id=2, course_id=1)) for _ in range(6)))
    assert await pairs(engine) == [(1, 1), (1, 2), (2, 1)]


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and let it hear of it."""
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("place", range(1, 6))
async def test_cancelling_any_statement_leaves_nothing_and_no_lock(
    engine: AsyncEngine, units_of_work: UnitsOfWork, place: int
) -> None:
    await two_students_in_two_courses(units_of_work)
    before = await everything(engine)
    wanted = partial(assign_courses, pairs=[Pair(2, 1), Pair(2, 2)])
    task = asyncio.create_task(units_of_work.run(wanted))

    loop = asyncio.get_running_loop()

    def cancel_at(number: int) -> None:
        if number != place:
            return
        if threading.current_thread() is threading.main_thread():
            task.cancel()
        else:
            asyncio.run_coroutine_threadsafe(cancelled(task), loop).result(10)

    with recorded_statements(before=cancel_at):
        [outcome] = await asyncio.gather(task, return_exceptions=True)

    assert isinstance(outcome, asyncio.CancelledError)  # kept until the end, with the statement it holds on to
    assert await everything(engine) == before
    await units_of_work.run(wanted)


async def test_a_lock_held_too_long_is_told_and_changes_nothing(
    database_url: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    await two_students_in_two_courses(units_of_work)
    before = await everything(engine)
    wanted = partial(assign_course, student_id=2, course_id=1)

    async with writing(database_url, busy_timeout_seconds=0.1, timeouts=Timeouts(lock_seconds=0.1)) as impatient:
        async with held(engine) as uow:
            await update_course(uow, course_id=1, title="Held")
            with pytest.raises(DatabaseUnusable, match="is locked"):
                await impatient.run(wanted)

        assert await everything(engine) == before
        await impatient.run(wanted)


@ONLY_SQLITE
async def test_a_full_disk_is_told_and_leaves_everything_as_it_was(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    await new_students(units_of_work, 1)
    before = await everything(engine)

    async def too_many(uow: UnitOfWork) -> None:
        await uow.execute(text("PRAGMA max_page_count = 1"))  # raised by SQLite to what the file has
        for i in range(10_000):
            await create_student(uow, name=f"Student {i} " + "x" * 200)

    with pytest.raises(DatabaseUnusable, match="disk is full"):
        await units_of_work.run(too_many)

    assert await everything(engine) == before


@ONLY_SQLITE
async def test_a_database_that_may_not_be_written_is_told(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    async def write(uow: UnitOfWork) -> None:
        await uow.execute(text("PRAGMA query_only = ON"))
        await create_student(uow, name="Ada")

    with pytest.raises(DatabaseUnusable, match="is read-only"):
        await units_of_work.run(write)
    assert (await everything(engine))["students"] == []


@ONLY_POSTGRESQL
async def test_a_standby_or_read_only_database_is_told(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    async def write(uow: UnitOfWork) -> None:
        await uow.execute(text("SET TRANSACTION READ ONLY"))
        await create_student(uow, name="Ada")

    with pytest.raises(DatabaseUnusable, match="is read-only"):
        await units_of_work.run(write)
    assert (await everything(engine))["students"] == []
