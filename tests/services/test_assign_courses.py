import random
from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import CourseFull, CourseNotFound, InvalidInput, StudentNotFound
from gql_api.services.assignments import PAIRS_MAX, Assignment, Refusal, assign_course, assign_courses
from gql_api.services.pairs import Pair
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.services.held import held
from tests.services.stored import RECORDING, everything, new_course, new_students, pairs, recorded_statements


def told(results: Sequence[Assignment | Refusal]) -> list[str]:
    return [
        ("already" if result.already_assigned else "new") if isinstance(result, Assignment) else type(result).__name__
        for result in results
    ]


async def test_every_pair_has_its_result_in_order(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    ada, bob = await new_students(units_of_work, 2)
    one_seat = await new_course(units_of_work, "A", capacity=1)
    roomy = await new_course(units_of_work, "B")
    first = await units_of_work.run(partial(assign_course, student_id=bob, course_id=roomy))

    results = await units_of_work.run(
        partial(
            assign_courses,
            pairs=[
                Pair(ada, roomy),
                Pair(ada, one_seat),
                Pair(bob, one_seat),
                Pair(999, roomy),
                Pair(ada, 999),
                Pair(999, 999),
                Pair(ada, roomy),
                Pair(bob, roomy),
                Pair(ada, one_seat),
                Pair(bob, one_seat),
                Pair(0, roomy),
                Pair(2**63, roomy),
                Pair(ada, -1),
                Pair(ada, 10**30),
            ],
        )
    )

    assert told(results) == [
        "new",
        "new",
        "CourseFull",
        "StudentNotFound",
        "CourseNotFound",
        "StudentNotFound",
        "already",
        "already",
        "already",
        "CourseFull",
        "StudentNotFound",
        "StudentNotFound",
        "CourseNotFound",
        "CourseNotFound",
    ]
    assert await pairs(engine) == [(ada, one_seat), (ada, roomy), (bob, roomy)]
    assert isinstance(results[7], Assignment)
    assert results[7].assigned_at == first.assigned_at
    assert isinstance(results[2], CourseFull)
    assert (results[2].course_id, results[2].capacity) == (one_seat, 1)


@pytest.mark.parametrize("seed", range(5))
async def test_many_at_once_come_out_as_one_after_the_other(
    engine: AsyncEngine, units_of_work: UnitsOfWork, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a reproducible choice
    students = await new_students(units_of_work, 8)
    courses = [await new_course(units_of_work, f"C{i}", capacity=chance.choice([None, 0, 1, 3, 7])) for i in range(5)]
    for student_id in chance.sample(students, 3):
        await units_of_work.run(partial(assign_courses, pairs=[Pair(student_id, chance.choice(courses))]))
    wanted = [Pair(chance.choice([*students, 99]), chance.choice([*courses, 99])) for _ in range(120)]

    async with held(engine) as uow:  # not committed
        at_once = told(await assign_courses(uow, wanted))
    one_by_one: list[Assignment | Refusal] = []
    for pair in wanted:
        try:
            one_by_one.append(await units_of_work.run(partial(assign_course, **pair._asdict())))
        except (StudentNotFound, CourseNotFound, CourseFull) as refusal:
            one_by_one.append(refusal)

    assert at_once == told(one_by_one)


async def test_a_list_without_pairs_or_with_too_many_is_refused(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    [student_id] = await new_students(units_of_work, 1)
    course_id = await new_course(units_of_work)
    for number in (0, PAIRS_MAX + 1):
        with pytest.raises(InvalidInput) as caught:
            await units_of_work.run(partial(assign_courses, pairs=[Pair(student_id, course_id)] * number))
        assert caught.value.field == "assignments"
        assert caught.value.message == f"assignments has {number} entries; it must have 1 to 1000."
    assert await pairs(engine) == []


async def test_the_number_of_statements_does_not_depend_on_the_number_of_pairs(
    dialect: str, engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    students = await new_students(units_of_work, 250)
    courses = [await new_course(units_of_work, f"C{i}", capacity=500) for i in range(4)]
    wanted = [Pair(student_id, course_id) for student_id in students for course_id in courses]

    async def counted(uow: UnitOfWork, number: int) -> tuple[int, set[str]]:
        with recorded_statements() as statements:
            results = await assign_courses(uow, wanted[:number])
        return len(statements), set(told(results))

    for number in (1, 2, PAIRS_MAX):
        async with held(engine) as uow:
            assert await counted(uow, number) == (5 + RECORDING[dialect], {"new"})
    await units_of_work.run(partial(assign_courses, pairs=wanted))
    assert len(await pairs(engine)) == PAIRS_MAX
    async with held(engine) as uow:
        assert await counted(uow, PAIRS_MAX) == (4, {"already"})


async def test_a_statements_text_is_the_same_for_every_number_of_pairs(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    students = await new_students(units_of_work, 3)
    course_id = await new_course(units_of_work, capacity=3)
    texts = []
    for number in (1, 3):
        async with held(engine) as uow:
            with recorded_statements() as statements:
                await assign_courses(uow, [Pair(student_id, course_id) for student_id in students[:number]])
        texts.append(statements)
    assert texts[0] == texts[1]


async def test_what_is_not_there_is_not_asked_about(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    before = await everything(engine)
    with recorded_statements() as statements:
        results = await units_of_work.run(partial(assign_courses, pairs=[Pair(1, 1)]))
    assert told(results) == ["StudentNotFound"]
    assert len(statements) == 2
    assert await everything(engine) == before
