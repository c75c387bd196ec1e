from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.rows import CourseRow
from gql_api.errors import CapacityBelowSeatsTaken, CodeTaken, CourseNotFound, InvalidInput, SourcedIdTaken
from gql_api.services.assignments import assign_course
from gql_api.services.courses import DeletedCourse, create_course, delete_course, update_course
from gql_api.services.unit_of_work import UnitsOfWork
from tests.services.stored import RECORDING, everything, new_course, new_students, pairs, recorded_statements


async def algebra(units_of_work: UnitsOfWork) -> CourseRow:
    return await units_of_work.run(
        partial(create_course, code="ALG-1", title="Algebra", credits=5, capacity=30, sourced_id="c-1")
    )


async def with_seats_taken(units_of_work: UnitsOfWork, course_id: int, seats_taken: int) -> None:
    for student_id in await new_students(units_of_work, seats_taken):
        await units_of_work.run(partial(assign_course, student_id=student_id, course_id=course_id))


async def test_a_new_course_is_given_back_as_stored(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    course = await algebra(units_of_work)

    assert course == CourseRow(
        id=1, code="ALG-1", title="Algebra", credits=5, capacity=30, sourced_id="c-1", created_at=course.created_at
    )
    [stored] = (await everything(engine))["courses"]
    assert stored[:6] == (1, "ALG-1", "Algebra", 5, 30, "c-1")


async def test_a_course_needs_no_more_than_code_and_title(units_of_work: UnitsOfWork) -> None:
    course = await units_of_work.run(partial(create_course, code="X", title="Y"))
    assert (course.credits, course.capacity, course.sourced_id) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": "", "title": "Algebra"}, "code"),
        ({"code": "A", "title": " "}, "title"),
        ({"code": "A", "title": "A", "credits": -1}, "credits"),
        ({"code": "A", "title": "A", "capacity": 2**31}, "capacity"),
        ({"code": "A", "title": "A", "sourced_id": "ä"}, "sourcedId"),
    ],
)
async def test_a_course_that_breaks_a_rule_is_not_made(
    engine: AsyncEngine, units_of_work: UnitsOfWork, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await units_of_work.run(partial(create_course, **fields))
    assert caught.value.field == field
    assert (await everything(engine))["courses"] == []


@pytest.mark.parametrize(
    ("fields", "fact"),
    [({"code": "ALG-1"}, CodeTaken("ALG-1")), ({"code": "X", "sourced_id": "c-1"}, SourcedIdTaken("c-1"))],
)
async def test_code_and_sourced_id_belong_to_one_course(
    engine: AsyncEngine, units_of_work: UnitsOfWork, fields: dict[str, Any], fact: CodeTaken | SourcedIdTaken
) -> None:
    await algebra(units_of_work)
    other = await new_course(units_of_work, "ALG-2")
    before = await everything(engine)

    for use_case in (partial(create_course, title="A", **fields), partial(update_course, course_id=other, **fields)):
        with pytest.raises(type(fact)) as caught:
            await units_of_work.run(use_case)
        assert vars(caught.value) == vars(fact)
        assert await everything(engine) == before


async def test_an_update_changes_what_is_given_and_leaves_the_rest(units_of_work: UnitsOfWork) -> None:
    course = await algebra(units_of_work)

    assert await units_of_work.run(partial(update_course, course_id=course.id)) == course
    assert await units_of_work.run(
        partial(update_course, course_id=course.id, code="ALG-1b", title="Algebra I")
    ) == course._replace(code="ALG-1b", title="Algebra I")
    assert await units_of_work.run(
        partial(update_course, course_id=course.id, credits=None, capacity=None, sourced_id=None)
    ) == course._replace(code="ALG-1b", title="Algebra I", credits=None, capacity=None, sourced_id=None)


@pytest.mark.parametrize("field", ["code", "title"])
async def test_code_and_title_cannot_be_cleared(units_of_work: UnitsOfWork, field: str) -> None:
    course = await algebra(units_of_work)
    cleared: dict[str, Any] = {field: None}
    with pytest.raises(InvalidInput) as caught:
        await units_of_work.run(partial(update_course, course_id=course.id, **cleared))
    assert caught.value.field == field


async def test_the_capacity_cannot_fall_below_the_seats_taken(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    course = await algebra(units_of_work)
    await with_seats_taken(units_of_work, course.id, 3)
    before = await everything(engine)

    with pytest.raises(CapacityBelowSeatsTaken) as caught:
        await units_of_work.run(partial(update_course, course_id=course.id, title="New", capacity=2))

    assert (caught.value.capacity, caught.value.seats_taken) == (2, 3)
    assert await everything(engine) == before


async def test_the_capacity_may_fall_to_the_seats_taken(units_of_work: UnitsOfWork) -> None:
    course = await algebra(units_of_work)
    await with_seats_taken(units_of_work, course.id, 3)
    assert (await units_of_work.run(partial(update_course, course_id=course.id, capacity=3))).capacity == 3


async def test_deleting_a_course_takes_its_assignments_along_and_says_how_many(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    course = await algebra(units_of_work)
    other = await new_course(units_of_work, "ALG-2")
    await with_seats_taken(units_of_work, course.id, 3)
    await units_of_work.run(partial(assign_course, student_id=1, course_id=other))

    deleted = await units_of_work.run(partial(delete_course, course_id=course.id))

    assert deleted == DeletedCourse(course, assignments_removed=3)
    assert await pairs(engine) == [(1, other)]
    assert [row[0] for row in (await everything(engine))["courses"]] == [other]
    assert len((await everything(engine))["students"]) == 3


@pytest.mark.parametrize("course_id", [999, 0, -1, 2**63, 10**30])
async def test_what_does_not_exist_cannot_be_changed_or_deleted(units_of_work: UnitsOfWork, course_id: int) -> None:
    for use_case in (
        partial(update_course, course_id=course_id),
        partial(update_course, course_id=course_id, title="New"),
        partial(update_course, course_id=course_id, capacity=7),
        partial(delete_course, course_id=course_id),
    ):
        with pytest.raises(CourseNotFound):
            await units_of_work.run(use_case)


async def test_only_a_new_capacity_costs_more_than_one_statement(dialect: str, units_of_work: UnitsOfWork) -> None:
    course = await algebra(units_of_work)
    with recorded_statements() as statements:
        await units_of_work.run(partial(update_course, course_id=course.id, title="New", capacity=None))
        assert len(statements) == 1
        await units_of_work.run(partial(update_course, course_id=course.id, capacity=1))
        assert len(statements) == 4
        await units_of_work.run(partial(delete_course, course_id=course.id))
        assert len(statements) == 7 + RECORDING[dialect]
