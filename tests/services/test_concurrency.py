import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeAlias

import pytest
from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import CapacityBelowSeatsTaken, CourseFull, CourseNotFound, EmailTaken, StudentNotFound
from gql_api.services.assignments import Assignment, assign_course, assign_courses, unassign_course
from gql_api.services.courses import delete_course, update_course
from gql_api.services.pairs import Pair
from gql_api.services.students import create_student, delete_student, update_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.database_fixtures import writing
from tests.services.held import held
from tests.services.stored import new_course, new_students, pairs

Assign: TypeAlias = Callable[..., Awaitable[Assignment]]

ONLY_POSTGRESQL = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


async def outcomes(tasks: list[Coroutine[Any, Any, Any]]) -> Counter[str]:
    """How often each came out, all of them at once."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return Counter(
        ("already" if result.already_assigned else "new") if isinstance(result, Assignment) else type(result).__name__
        for result in results
    )


async def while_open(
    engine: AsyncEngine,
    units_of_work: UnitsOfWork,
    first: Callable[[UnitOfWork], Awaitable[Any]],
    second: Callable[[UnitOfWork], Awaitable[Any]],
) -> Any:
    """Do the first, begin the second, see it wait, commit the first; what came of the second."""
    async with asyncio.timeout(20):
        async with held(engine) as uow:
            await first(uow)
            waiting = asyncio.create_task(units_of_work.run(second))
            await until_waiting(engine)
            assert not waiting.done()
            await uow.commit()
        return (await asyncio.gather(waiting, return_exceptions=True))[0]


async def until_waiting(engine: AsyncEngine) -> None:
    """Return when somebody waits for a lock; SQLite does not tell, there it is given a moment."""
    if engine.dialect.name == "sqlite":
        await asyncio.sleep(0.1)
        return
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        while not await autocommit.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.01)


async def test_fifty_callers_for_ten_seats_take_exactly_ten(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    course_id = await new_course(units_of_work, capacity=10)
    students = await new_students(units_of_work, 50)

    came_out = await outcomes(
        [
            units_of_work.run(partial(assign_course, student_id=student_id, course_id=course_id))
            for student_id in students
        ]
    )

    assert came_out == {"new": 10, "CourseFull": 40}
    assert len(await pairs(engine)) == 10


async def test_callers_through_several_instances_take_exactly_ten(
    database_url: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work, capacity=10)
    students = await new_students(units_of_work, 50)

    async with AsyncExitStack() as stack:
        instances = [await stack.enter_async_context(writing(database_url)) for _ in range(5)]
        came_out = await outcomes(
            [
                instances[i % 5].run(partial(assign_course, student_id=student_id, course_id=course_id))
                for i, student_id in enumerate(students)
            ]
        )

    assert came_out == {"new": 10, "CourseFull": 40}
    assert len(await pairs(engine)) == 10


@ONLY_POSTGRESQL
async def test_seats_are_exact_where_the_database_defaults_to_another_isolation_level(
    database_url: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work, capacity=10)
    students = await new_students(units_of_work, 50)
    async with engine.begin() as connection:
        name = await connection.scalar(func.current_database().select())
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"))

    async with writing(database_url) as others:
        came_out = await outcomes(
            [others.run(partial(assign_course, student_id=student_id, course_id=course_id)) for student_id in students]
        )

    assert came_out == {"new": 10, "CourseFull": 40}


@pytest.mark.parametrize("capacity", [None, 1, 5])
async def test_many_callers_with_the_same_pair_make_one_assignment(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    course_id = await new_course(units_of_work, capacity=capacity)
    [student_id] = await new_students(units_of_work, 1)
    use_case = partial(assign_course, student_id=student_id, course_id=course_id)

    came_out = await outcomes([units_of_work.run(use_case) for _ in range(30)])

    assert came_out == {"new": 1, "already": 29}
    assert await pairs(engine) == [(student_id, course_id)]


async def test_batches_and_single_callers_share_the_seats_exactly(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    courses = [await new_course(units_of_work, f"C{i}", capacity=7) for i in range(4)]
    students = await new_students(units_of_work, 20)
    everyone = [Pair(student_id, course_id) for student_id in students for course_id in courses]
    chance = random.Random(1)  # noqa: S311 - a reproducible choice

    async with asyncio.timeout(60):
        came_out = await outcomes(
            [
                *(units_of_work.run(partial(assign_course, **pair._asdict())) for pair in everyone),
                *(units_of_work.run(partial(assign_courses, pairs=chance.sample(everyone, 40))) for _ in range(10)),
                *(units_of_work.run(partial(unassign_course, **pair._asdict())) for pair in everyone[:20]),
            ]
        )

    assert came_out.keys() <= {"new", "already", "CourseFull", "list", "Unassignment"}
    seats_taken = Counter(course_id for _, course_id in await pairs(engine))
    assert max(seats_taken.values()) <= 7


async def one_at_a_time(uow: UnitOfWork, pair: Pair) -> Assignment:
    return await assign_course(uow, student_id=pair.student_id, course_id=pair.course_id)


async def in_a_batch(uow: UnitOfWork, pair: Pair) -> Assignment:
    [result] = await assign_courses(uow, [pair])
    if not isinstance(result, Assignment):
        raise result
    return result


@pytest.mark.parametrize("first", [one_at_a_time, in_a_batch])
@pytest.mark.parametrize("second", [one_at_a_time, in_a_batch])
async def test_the_last_seat_is_taken_once(
    engine: AsyncEngine, units_of_work: UnitsOfWork, first: Assign, second: Assign
) -> None:
    course_id = await new_course(units_of_work, capacity=1)
    ada, bob = await new_students(units_of_work, 2)

    result = await while_open(
        engine,
        units_of_work,
        partial(first, pair=Pair(ada, course_id)),
        partial(second, pair=Pair(bob, course_id)),
    )

    assert isinstance(result, CourseFull)
    assert await pairs(engine) == [(ada, course_id)]


@pytest.mark.parametrize("capacity", [None, 1])
@pytest.mark.parametrize("first", [one_at_a_time, in_a_batch])
@pytest.mark.parametrize("second", [one_at_a_time, in_a_batch])
async def test_a_pair_that_is_being_assigned_is_assigned_once(
    engine: AsyncEngine, units_of_work: UnitsOfWork, first: Assign, second: Assign, capacity: int | None
) -> None:
    course_id = await new_course(units_of_work, capacity=capacity)
    [student_id] = await new_students(units_of_work, 1)

    result = await while_open(
        engine,
        units_of_work,
        partial(first, pair=Pair(student_id, course_id)),
        partial(second, pair=Pair(student_id, course_id)),
    )

    assert isinstance(result, Assignment)
    assert result.already_assigned
    assert await pairs(engine) == [(student_id, course_id)]


async def test_a_batch_keeps_its_students_from_being_deleted(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    course_id = await new_course(units_of_work)
    [student_id] = await new_students(units_of_work, 1)

    deleted = await while_open(
        engine,
        units_of_work,
        partial(assign_courses, pairs=[Pair(student_id, course_id)]),
        partial(delete_student, student_id=student_id),
    )
    [student_id] = await new_students(units_of_work, 1)
    refused = await while_open(
        engine,
        units_of_work,
        partial(delete_student, student_id=student_id),
        partial(assign_courses, pairs=[Pair(student_id, course_id)]),
    )

    assert deleted.assignments_removed == 1
    assert [type(result) for result in refused] == [StudentNotFound]


async def test_a_seat_given_back_may_be_taken_by_one_who_waited(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work, capacity=1)
    ada, bob = await new_students(units_of_work, 2)
    await units_of_work.run(partial(assign_course, student_id=ada, course_id=course_id))

    async def swap(uow: UnitOfWork) -> None:
        await unassign_course(uow, student_id=ada, course_id=course_id)
        await assign_course(uow, student_id=ada, course_id=course_id)
        await unassign_course(uow, student_id=ada, course_id=course_id)

    result = await while_open(engine, units_of_work, swap, partial(assign_course, student_id=bob, course_id=course_id))

    assert isinstance(result, Assignment)
    assert await pairs(engine) == [(bob, course_id)]


async def test_a_capacity_set_meanwhile_holds_for_one_who_waited(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work)
    [student_id] = await new_students(units_of_work, 1)

    result = await while_open(
        engine,
        units_of_work,
        partial(update_course, course_id=course_id, capacity=0),
        partial(assign_course, student_id=student_id, course_id=course_id),
    )

    assert isinstance(result, CourseFull)
    assert await pairs(engine) == []


async def test_a_capacity_lifted_meanwhile_lets_in_one_who_waited(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work, capacity=0)
    [student_id] = await new_students(units_of_work, 1)

    result = await while_open(
        engine,
        units_of_work,
        partial(update_course, course_id=course_id, capacity=None),
        partial(assign_course, student_id=student_id, course_id=course_id),
    )

    assert isinstance(result, Assignment)
    assert (result.course.capacity, result.already_assigned) == (None, False)


@pytest.mark.parametrize("capacity", [None, 5])
async def test_a_new_capacity_counts_the_seat_that_is_being_taken(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    course_id = await new_course(units_of_work, capacity=capacity)
    [student_id] = await new_students(units_of_work, 1)

    result = await while_open(
        engine,
        units_of_work,
        partial(assign_course, student_id=student_id, course_id=course_id),
        partial(update_course, course_id=course_id, capacity=0),
    )

    assert isinstance(result, CapacityBelowSeatsTaken)
    assert (result.capacity, result.seats_taken) == (0, 1)


@pytest.mark.parametrize("capacity", [None, 5])
async def test_deleting_counts_the_seat_that_is_being_taken(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    course_id = await new_course(units_of_work, capacity=capacity)
    ada, bob = await new_students(units_of_work, 2)

    deleted_student = await while_open(
        engine,
        units_of_work,
        partial(assign_course, student_id=ada, course_id=course_id),
        partial(delete_student, student_id=ada),
    )
    deleted_course = await while_open(
        engine,
        units_of_work,
        partial(assign_course, student_id=bob, course_id=course_id),
        partial(delete_course, course_id=course_id),
    )

    assert (deleted_student.assignments_removed, deleted_course.assignments_removed) == (1, 1)
    assert await pairs(engine) == []


@pytest.mark.parametrize("capacity", [None, 5])
async def test_one_who_is_deleted_meanwhile_is_not_found(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    course_id = await new_course(units_of_work, capacity=capacity)
    [student_id] = await new_students(units_of_work, 1)
    assign = partial(assign_course, student_id=student_id, course_id=course_id)

    student_gone = await while_open(engine, units_of_work, partial(delete_student, student_id=student_id), assign)
    [student_id] = await new_students(units_of_work, 1)
    assign = partial(assign_course, student_id=student_id, course_id=course_id)
    course_gone = await while_open(engine, units_of_work, partial(delete_course, course_id=course_id), assign)

    assert (type(student_gone), type(course_gone)) == (StudentNotFound, CourseNotFound)
    assert await pairs(engine) == []


async def test_of_many_callers_one_gets_an_email_address(units_of_work: UnitsOfWork) -> None:
    use_case = partial(create_student, name="Ada", email="ada@example.org")

    came_out = await outcomes([units_of_work.run(use_case) for _ in range(20)])

    assert came_out == {"StudentRow": 1, EmailTaken.__name__: 19}


@ONLY_POSTGRESQL
async def test_students_of_a_course_without_capacity_wait_for_nobody(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work)
    ada, bob = await new_students(units_of_work, 2)

    async with asyncio.timeout(4), held(engine) as uow:  # shorter than the wait for a lock may be
        await assign_course(uow, student_id=ada, course_id=course_id)
        await units_of_work.run(partial(assign_course, student_id=bob, course_id=course_id))
        assert await pairs(engine) == [(bob, course_id)]


@ONLY_POSTGRESQL
async def test_a_deadlock_is_resolved_by_doing_one_of_the_two_again(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    ada, bob = await new_students(units_of_work, 2)
    both_hold_one = asyncio.Barrier(2)
    begun = 0

    async def rename(uow: UnitOfWork, *, first: int, second: int) -> None:
        nonlocal begun
        begun += 1
        await update_student(uow, student_id=first, name=f"{first} before {second}")
        if begun <= 2:
            await both_hold_one.wait()
        await update_student(uow, student_id=second, name=f"{first} before {second}")

    async with asyncio.timeout(20):
        await asyncio.gather(
            units_of_work.run(partial(rename, first=ada, second=bob)),
            units_of_work.run(partial(rename, first=bob, second=ada)),
        )

    assert begun == 3
    async with engine.connect() as connection:
        names = (await connection.scalars(text("SELECT DISTINCT name FROM students"))).all()
    assert names in (["1 before 2"], ["2 before 1"])
