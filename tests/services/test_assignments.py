from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.rows import CourseRow, StudentRow
from gql_api.errors import CourseFull, CourseNotFound, StudentNotFound
from gql_api.services.assignments import Assignment, Unassignment, assign_course, unassign_course
from gql_api.services.courses import create_course
from gql_api.services.students import create_student
from gql_api.services.unit_of_work import UnitsOfWork
from tests.services.stored import RECORDING, everything, new_course, new_students, pairs, recorded_statements

NOT_KEYS = [0, -1, 2**63, 10**30]


async def assigned(units_of_work: UnitsOfWork, student_id: int, course_id: int) -> Assignment:
    return await units_of_work.run(partial(assign_course, student_id=student_id, course_id=course_id))


async def unassigned(units_of_work: UnitsOfWork, student_id: int, course_id: int) -> Unassignment:
    return await units_of_work.run(partial(unassign_course, student_id=student_id, course_id=course_id))


async def ada_and_algebra(units_of_work: UnitsOfWork, capacity: int | None) -> tuple[StudentRow, CourseRow]:
    return (
        await units_of_work.run(partial(create_student, name="Ada", email="ada@example.org", sourced_id="s-1")),
        await units_of_work.run(
            partial(create_course, code="ALG", title="Algebra", credits=5, capacity=capacity, sourced_id="c-1")
        ),
    )


@pytest.mark.parametrize("capacity", [None, 1])
async def test_assigning_gives_the_student_the_course_and_the_time(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    student, course = await ada_and_algebra(units_of_work, capacity)

    assignment = await assigned(units_of_work, student.id, course.id)

    assert assignment == Assignment(student, course, assignment.assigned_at, already_assigned=False)
    assert assignment.assigned_at >= course.created_at
    assert await pairs(engine) == [(student.id, course.id)]


@pytest.mark.parametrize("capacity", [None, 1])
async def test_assigning_again_gives_the_first_assignment(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    student, course = await ada_and_algebra(units_of_work, capacity)
    first = await assigned(units_of_work, student.id, course.id)
    before = await everything(engine)

    again = await assigned(units_of_work, student.id, course.id)

    assert again == Assignment(student, course, first.assigned_at, already_assigned=True)
    assert await everything(engine) == before


@pytest.mark.parametrize("capacity", [0, 1, 3])
async def test_a_full_course_refuses_another_student(
    engine: AsyncEngine, units_of_work: UnitsOfWork, capacity: int
) -> None:
    course_id = await new_course(units_of_work, capacity=capacity)
    *lucky, late = await new_students(units_of_work, capacity + 1)
    for student_id in lucky:
        await assigned(units_of_work, student_id, course_id)

    with pytest.raises(CourseFull) as caught:
        await assigned(units_of_work, late, course_id)

    assert (caught.value.course_id, caught.value.capacity) == (course_id, capacity)
    assert await pairs(engine) == [(student_id, course_id) for student_id in lucky]


async def test_a_course_overfull_already_keeps_its_students_and_takes_no_more(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course_id = await new_course(units_of_work)
    *inside, outside = await new_students(units_of_work, 3)
    for student_id in inside:
        await assigned(units_of_work, student_id, course_id)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE courses SET capacity = 1"))

    assert (await assigned(units_of_work, inside[0], course_id)).already_assigned
    with pytest.raises(CourseFull):
        await assigned(units_of_work, outside, course_id)


async def test_seats_of_one_course_are_not_seats_of_another(units_of_work: UnitsOfWork) -> None:
    [student_id] = await new_students(units_of_work, 1)
    for code in ("A", "B", "C"):
        course_id = await new_course(units_of_work, code, capacity=1)
        assert not (await assigned(units_of_work, student_id, course_id)).already_assigned


async def test_leaving_a_course_frees_the_seat(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    student, course = await ada_and_algebra(units_of_work, 1)
    [other] = await new_students(units_of_work, 1)
    assignment = await assigned(units_of_work, student.id, course.id)

    left = await unassigned(units_of_work, student.id, course.id)

    assert left == Unassignment(student, course, assignment.assigned_at)
    assert left.was_assigned
    await assigned(units_of_work, other, course.id)
    assert await pairs(engine) == [(other, course.id)]


async def test_leaving_a_course_again_changes_nothing(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    student, course = await ada_and_algebra(units_of_work, 1)
    before = await everything(engine)

    left = await unassigned(units_of_work, student.id, course.id)

    assert left == Unassignment(student, course, None)
    assert not left.was_assigned
    assert await everything(engine) == before


@pytest.mark.parametrize("missing", [999, *NOT_KEYS])
@pytest.mark.parametrize("use_case", [assigned, unassigned])
async def test_both_must_exist_and_the_student_is_looked_for_first(
    engine: AsyncEngine, units_of_work: UnitsOfWork, missing: int, use_case: object
) -> None:
    assert callable(use_case)
    student, course = await ada_and_algebra(units_of_work, 1)

    with pytest.raises(StudentNotFound):
        await use_case(units_of_work, missing, course.id)
    with pytest.raises(CourseNotFound):
        await use_case(units_of_work, student.id, missing)
    with pytest.raises(StudentNotFound):
        await use_case(units_of_work, missing, missing)
    assert await pairs(engine) == []


@pytest.mark.parametrize("capacity", [None, 1])
async def test_assigning_takes_two_statements_and_recording_it(
    dialect: str, units_of_work: UnitsOfWork, capacity: int | None
) -> None:
    student, course = await ada_and_algebra(units_of_work, capacity)
    with recorded_statements() as statements:
        await assigned(units_of_work, student.id, course.id)
        assert len(statements) == 2 + RECORDING[dialect]
        await assigned(units_of_work, student.id, course.id)
        assert len(statements) == 3 + RECORDING[dialect]


async def test_refusals_take_at_most_three_statements(units_of_work: UnitsOfWork) -> None:
    student, course = await ada_and_algebra(units_of_work, 0)
    with recorded_statements() as statements:
        with pytest.raises(CourseFull):
            await assigned(units_of_work, student.id, course.id)
        assert len(statements) == 3
        with pytest.raises(CourseNotFound):
            await assigned(units_of_work, student.id, 999)
        assert len(statements) == 5
        with pytest.raises(StudentNotFound):
            await assigned(units_of_work, 999, course.id)
        assert len(statements) == 6
        with pytest.raises(StudentNotFound):
            await assigned(units_of_work, 2**63, course.id)
        assert len(statements) == 6


async def test_leaving_takes_two_statements_and_recording_it(dialect: str, units_of_work: UnitsOfWork) -> None:
    student, course = await ada_and_algebra(units_of_work, 1)
    await assigned(units_of_work, student.id, course.id)
    with recorded_statements() as statements:
        await unassigned(units_of_work, student.id, course.id)
    assert len(statements) == 2 + RECORDING[dialect]
