from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.rows import StudentRow
from gql_api.errors import EmailTaken, InvalidInput, SourcedIdTaken, StudentNotFound
from gql_api.services.assignments import assign_course
from gql_api.services.students import DeletedStudent, create_student, delete_student, update_student
from gql_api.services.unit_of_work import UnitsOfWork
from tests.services.stored import RECORDING, everything, new_course, new_students, pairs, recorded_statements

NOT_KEYS = [0, -1, 2**63, -(2**63) - 1, 10**30]


async def ada(units_of_work: UnitsOfWork) -> StudentRow:
    use_case = partial(create_student, name="Ada Lovelace", email="ada@example.org", sourced_id="s-1")
    return await units_of_work.run(use_case)


async def test_a_new_student_is_given_back_as_stored(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    student = await units_of_work.run(partial(create_student, name="  Ada Lovelace ", email="ada@example.org"))

    assert student == StudentRow(
        id=1, name="Ada Lovelace", email="ada@example.org", sourced_id=None, created_at=student.created_at
    )
    assert student.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - student.created_at) < timedelta(minutes=1)
    [stored] = (await everything(engine))["students"]
    assert stored[:4] == (1, "Ada Lovelace", "ada@example.org", None)


@pytest.mark.parametrize(
    "name", ["Robert'); DROP TABLE students;--", '"', "%s %(x)s :y $1 ? {z}", "\\", "Zoë 李 \U0001f469\u200d\U0001f52c"]
)
async def test_every_text_is_stored_as_it_is(units_of_work: UnitsOfWork, engine: AsyncEngine, name: str) -> None:
    await units_of_work.run(partial(create_student, name=name))
    assert [row[1] for row in (await everything(engine))["students"]] == [name]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "\0"}, "name"),
        ({"name": "Ada", "email": "ada"}, "email"),
        ({"name": "Ada", "sourced_id": ""}, "sourcedId"),
    ],
)
async def test_a_student_that_breaks_a_rule_is_not_made(
    engine: AsyncEngine, units_of_work: UnitsOfWork, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await units_of_work.run(partial(create_student, **fields))
    assert caught.value.field == field
    assert (await everything(engine))["students"] == []


async def test_an_email_address_belongs_to_one_student(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await ada(units_of_work)
    before = await everything(engine)

    with pytest.raises(EmailTaken) as caught:
        await units_of_work.run(partial(create_student, name="Bob", email="ada@example.org"))

    assert caught.value.email == "ada@example.org"
    assert await everything(engine) == before


async def test_a_sourced_id_belongs_to_one_student(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await ada(units_of_work)
    before = await everything(engine)

    with pytest.raises(SourcedIdTaken) as caught:
        await units_of_work.run(partial(create_student, name="Bob", sourced_id="s-1"))

    assert caught.value.sourced_id == "s-1"
    assert await everything(engine) == before


async def test_many_students_may_be_without_email_and_sourced_id(units_of_work: UnitsOfWork) -> None:
    assert await new_students(units_of_work, 3) == [1, 2, 3]


async def test_an_update_changes_what_is_given_and_leaves_the_rest(units_of_work: UnitsOfWork) -> None:
    student = await ada(units_of_work)

    assert await units_of_work.run(partial(update_student, student_id=student.id, name="Ada King")) == student._replace(
        name="Ada King"
    )
    assert await units_of_work.run(
        partial(update_student, student_id=student.id, email="king@example.org")
    ) == student._replace(name="Ada King", email="king@example.org")
    assert await units_of_work.run(
        partial(update_student, student_id=student.id, email=None, sourced_id=None)
    ) == student._replace(name="Ada King", email=None, sourced_id=None)


async def test_an_update_of_nothing_gives_the_student_as_it_is(units_of_work: UnitsOfWork) -> None:
    student = await ada(units_of_work)
    assert await units_of_work.run(partial(update_student, student_id=student.id)) == student


async def test_a_students_name_cannot_be_cleared(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    student = await ada(units_of_work)
    before = await everything(engine)

    with pytest.raises(InvalidInput) as caught:
        await units_of_work.run(partial(update_student, student_id=student.id, name=None, email=None))

    assert (caught.value.field, caught.value.message) == ("name", "name cannot be null.")
    assert await everything(engine) == before


async def test_an_update_may_repeat_the_students_own_values(units_of_work: UnitsOfWork) -> None:
    student = await ada(units_of_work)
    use_case = partial(update_student, student_id=student.id, email="ada@example.org", sourced_id="s-1")
    assert await units_of_work.run(use_case) == student


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"email": "ada@example.org"}, EmailTaken), ({"sourced_id": "s-1"}, SourcedIdTaken)],
)
async def test_an_update_cannot_take_what_another_student_has(
    engine: AsyncEngine, units_of_work: UnitsOfWork, fields: dict[str, Any], error: type[Exception]
) -> None:
    await ada(units_of_work)
    [other] = await new_students(units_of_work, 1)
    before = await everything(engine)

    with pytest.raises(error):
        await units_of_work.run(partial(update_student, student_id=other, name="New", **fields))

    assert await everything(engine) == before


async def test_deleting_a_student_frees_the_seats_and_says_how_many(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    student = await ada(units_of_work)
    [other] = await new_students(units_of_work, 1)
    full = await new_course(units_of_work, capacity=1)
    roomy = await new_course(units_of_work, "ALG-2")
    for student_id, course_id in ((student.id, full), (student.id, roomy), (other, roomy)):
        await units_of_work.run(partial(assign_course, student_id=student_id, course_id=course_id))

    deleted = await units_of_work.run(partial(delete_student, student_id=student.id))

    assert deleted == DeletedStudent(student, assignments_removed=2)
    assert await pairs(engine) == [(other, roomy)]
    assert [row[0] for row in (await everything(engine))["students"]] == [other]
    await units_of_work.run(partial(assign_course, student_id=other, course_id=full))


async def test_a_deleted_students_id_does_not_come_back(units_of_work: UnitsOfWork) -> None:
    [first] = await new_students(units_of_work, 1)
    await units_of_work.run(partial(delete_student, student_id=first))
    assert await new_students(units_of_work, 1) != [first]


@pytest.mark.parametrize("student_id", [999, *NOT_KEYS])
async def test_who_does_not_exist_cannot_be_changed_or_deleted(units_of_work: UnitsOfWork, student_id: int) -> None:
    for use_case in (
        partial(update_student, student_id=student_id),
        partial(update_student, student_id=student_id, name="Bob"),
        partial(delete_student, student_id=student_id),
    ):
        with pytest.raises(StudentNotFound):
            await units_of_work.run(use_case)


async def test_statements_are_few(dialect: str, units_of_work: UnitsOfWork) -> None:
    with recorded_statements() as statements:
        student = await ada(units_of_work)
        assert len(statements) == 1
        await units_of_work.run(partial(update_student, student_id=student.id, email=None))
        assert len(statements) == 2
        await units_of_work.run(partial(delete_student, student_id=student.id))
        assert len(statements) == 5 + RECORDING[dialect]
