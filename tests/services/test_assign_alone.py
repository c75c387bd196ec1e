"""Assigning as a unit of work of its own: one statement on PostgreSQL, and nothing else than in a transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import CourseFull, CourseNotFound, DomainError, StudentNotFound
from gql_api.services.actor import Actor
from gql_api.services.assignments import Assignment, assign_course
from gql_api.services.courses import delete_course, update_course
from gql_api.services.students import delete_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.services.held import held
from tests.services.stored import Entry, audited, everything, new_course, new_students, pairs, recorded_statements
from tests.services.test_concurrency import ONLY_POSTGRESQL, outcomes, until_waiting

END_THE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


async def assign_alone(units_of_work: UnitsOfWork, student_id: int, course_id: int) -> Assignment:
    return await units_of_work.run_alone(partial(assign_course, student_id=student_id, course_id=course_id))


async def test_it_gives_and_stores_what_a_transaction_does(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    limited, unlimited = await new_course(units_of_work, capacity=2), await new_course(units_of_work, "ALG-2")
    one, other = await new_students(units_of_work, 2)
    for course_id in (limited, unlimited):
        alone = await assign_alone(units_of_work, one, course_id)
        usual = await units_of_work.run(partial(assign_course, student_id=other, course_id=course_id))
        again = await units_of_work.run(partial(assign_course, student_id=one, course_id=course_id))
        assert (alone.course, alone.already_assigned) == (usual.course, False)
        assert (alone.student, alone.course, alone.assigned_at) == (again.student, again.course, again.assigned_at)
        assert await assign_alone(units_of_work, one, course_id) == again
    assert await pairs(engine) == [(one, limited), (one, unlimited), (other, limited), (other, unlimited)]
    async with engine.connect() as connection:
        events = await connection.execute(text("SELECT student_id, course_id, student_name FROM assignment_events"))
        assert sorted(map(tuple, events)) == [
            (one, limited, "Student 0"),
            (one, unlimited, "Student 0"),
            (other, limited, "Student 1"),
            (other, unlimited, "Student 1"),
        ]


async def test_the_audit_tells_of_it_once(engine: AsyncEngine, units_of_work: UnitsOfWork, dialect: str) -> None:
    course_id, [student_id] = await new_course(units_of_work, capacity=1), await new_students(units_of_work, 1)
    use_case = partial(assign_course, student_id=student_id, course_id=course_id)
    with recorded_statements() as in_transaction:
        await units_of_work.run_alone(use_case, actor=Actor("ruth", "registrar"))
        await units_of_work.run_alone(use_case, actor=Actor("rosa", "registrar"))
    assert await audited(engine) == [Entry("ruth", "registrar", "ASSIGN_COURSE", student_id, course_id, None)]
    assert dialect == "sqlite" or in_transaction == []


@ONLY_POSTGRESQL
async def test_on_postgresql_it_takes_one_statement_and_no_transaction(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id, [student_id] = await new_course(units_of_work, capacity=1), await new_students(units_of_work, 1)
    with recorded_statements() as in_transaction:
        await assign_alone(units_of_work, student_id, course_id)
        await assign_alone(units_of_work, student_id, course_id)
    assert in_transaction == []
    assert await pairs(engine) == [(student_id, course_id)]


async def test_it_refuses_as_a_transaction_does(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    full, [student_id] = await new_course(units_of_work, capacity=0), await new_students(units_of_work, 1)
    before = await everything(engine)
    refusals: list[tuple[int, int, type[DomainError]]] = [
        (student_id, full, CourseFull),
        (student_id + 1, full, StudentNotFound),
        (student_id, full + 1, CourseNotFound),
    ]
    for student, course, fact in refusals:
        with pytest.raises(fact):
            await assign_alone(units_of_work, student, course)
    assert await everything(engine) == before


async def test_fifty_callers_for_ten_seats_take_exactly_ten(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    course_id, students = await new_course(units_of_work, capacity=10), await new_students(units_of_work, 50)
    came_out = await outcomes([assign_alone(units_of_work, student_id, course_id) for student_id in students])
    assert came_out == {"new": 10, "CourseFull": 40}
    assert len(await pairs(engine)) == 10


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    ("meanwhile", "outcome"),
    [
        (
            lambda student_id, course_id: partial(assign_course, student_id=student_id, course_id=course_id),
            "CourseFull",
        ),
        (lambda _student_id, course_id: partial(update_course, course_id=course_id, capacity=0), "CourseFull"),
        (lambda _student_id, course_id: partial(update_course, course_id=course_id, capacity=None), "new"),
        (lambda _student_id, course_id: partial(delete_course, course_id=course_id), "CourseNotFound"),
    ],
    ids=["the last seat is taken", "the capacity shrinks", "the capacity is lifted", "the course is deleted"],
)
async def test_who_waits_for_the_course_sees_what_was_done_to_it_meanwhile(
    engine: AsyncEngine,
    units_of_work: UnitsOfWork,
    meanwhile: Callable[[int, int], Callable[[UnitOfWork], Awaitable[Any]]],
    outcome: str,
) -> None:
    course_id, [first, second] = await new_course(units_of_work, capacity=1), await new_students(units_of_work, 2)
    async with asyncio.timeout(20), held(engine) as uow:
        await meanwhile(first, course_id)(uow)
        waiting = asyncio.create_task(outcomes([assign_alone(units_of_work, second, course_id)]))
        await until_waiting(engine)
        await uow.commit()
        assert await waiting == {outcome: 1}


@ONLY_POSTGRESQL
async def test_a_student_who_is_deleted_meanwhile_is_not_found(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    course_id, [student_id] = await new_course(units_of_work), await new_students(units_of_work, 1)
    async with asyncio.timeout(20), held(engine) as uow:
        await delete_student(uow, student_id=student_id)
        waiting = asyncio.create_task(outcomes([assign_alone(units_of_work, student_id, course_id)]))
        await until_waiting(engine)
        await uow.commit()
        assert await waiting == {"StudentNotFound": 1}


async def test_a_unit_of_work_that_may_hold_more_runs_nothing_alone(units_of_work: UnitsOfWork) -> None:
    async def use_case(uow: UnitOfWork) -> None:
        await uow.execute_alone(text("SELECT 1"), {})

    with pytest.raises(RuntimeError, match="may hold more"):
        await units_of_work.run(use_case)


@ONLY_POSTGRESQL
async def test_a_connection_that_broke_while_it_was_idle_is_replaced(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id, [student_id] = await new_course(units_of_work), await new_students(units_of_work, 1)
    async with engine.connect() as connection:
        await connection.execute(text(END_THE_OTHERS))
    assert (await assign_alone(units_of_work, student_id, course_id)).already_assigned is False
