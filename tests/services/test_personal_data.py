import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.verify import verify
from gql_api.errors import StudentNotFound
from gql_api.services.actor import OPERATOR, Actor
from gql_api.services.assignments import assign_course, unassign_course
from gql_api.services.audit import record_class_lists
from gql_api.services.personal_data import ERASED_NAME, Erasure, erase_student, export_student, student_name
from gql_api.services.students import create_student, delete_student, update_student
from gql_api.services.unit_of_work import UnitsOfWork
from tests.services.held import held
from tests.services.stored import Entry, audited, everything, new_course, recorded_statements

on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

ROOT = Actor("root", OPERATOR)
RUTH = Actor("ruth", "registrar", "r-1")
STEVE = Actor("steve", "staff", "r-2")

ADA = ("Ada Lovelace", "ada@example.org", "sis-1")


@pytest.fixture
async def school(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    """Ada (1) takes course 1, and took 2; Bob (2) takes 1. Steve read both class lists now, and one long ago."""
    ada = partial(create_student, name=ADA[0], email=ADA[1], sourced_id=ADA[2])
    await units_of_work.run(ada, actor=RUTH)
    await units_of_work.run(partial(create_student, name="Bob", email="bob@example.org"), actor=RUTH)
    for code in ("A", "B"):
        await new_course(units_of_work, code, capacity=5)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO audit_entries (occurred_at, actor, role, action, course_id)"
                " VALUES ('2020-01-01 00:00:00.000000', 'steve', 'staff', 'READ_CLASS_LIST', 1)"
            )
        )
    for student_id, course_id in ((1, 1), (2, 1), (1, 2)):
        await units_of_work.run(partial(assign_course, student_id=student_id, course_id=course_id), actor=RUTH)
    await units_of_work.run(partial(unassign_course, student_id=1, course_id=2), actor=RUTH)
    await units_of_work.run(partial(record_class_lists, course_ids=[1, 2]), actor=STEVE)


async def all_texts(engine: AsyncEngine) -> str:
    """All that is stored, in one text."""
    async with engine.connect() as connection:
        return "\n".join(
            [
                repr(tuple(row))
                for table in ("students", "courses", "student_courses", "assignment_events", "audit_entries")
                for row in await connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - constants
            ]
        )


def without_times(value: Any) -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {name: without_times(inner) for name, inner in value.items() if not name.endswith("At")}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.usefixtures("school")
async def test_an_export_holds_all_that_is_stored_about_a_student(units_of_work: UnitsOfWork) -> None:
    export = await units_of_work.run(partial(export_student, student_id=1), actor=ROOT)
    taken, left = {"courseId": 1, "code": "A", "title": "Algebra"}, {"courseId": 2, "code": "B", "title": "Algebra"}
    assert without_times(export) == {
        "student": {"databaseId": 1, "name": "Ada Lovelace", "email": "ada@example.org", "sourcedId": "sis-1"},
        "assignments": [taken],
        "events": [
            {"kind": "ASSIGNED", "name": "Ada Lovelace", **taken},
            {"kind": "ASSIGNED", "name": "Ada Lovelace", **left},
            {"kind": "UNASSIGNED", "name": "Ada Lovelace", **left},
        ],
        "audit": [
            {"actor": actor, "role": role, "action": action, "courseId": course_id, "requestId": id_, "details": None}
            for (actor, role, id_), action, course_id in (
                (RUTH, "CREATE_STUDENT", None),
                (RUTH, "ASSIGN_COURSE", 1),
                (RUTH, "ASSIGN_COURSE", 2),
                (RUTH, "UNASSIGN_COURSE", 2),
                (STEVE, "READ_CLASS_LIST", 1),  # since she takes it; course 2 she does not take any more
                (ROOT, "EXPORT_STUDENT", None),
            )
        ],
    }


@pytest.mark.usefixtures("school")
async def test_nothing_personal_is_left_of_who_was_erased(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    stored = await all_texts(engine)
    assert all(personal in stored for personal in ADA)
    assert await units_of_work.run(partial(erase_student, student_id=1), actor=ROOT) == Erasure(record=True, events=3)
    stored = await all_texts(engine)
    assert not [personal for personal in ADA if personal in stored]
    export = await units_of_work.run(partial(export_student, student_id=1))
    assert {event["name"] for event in export["events"]} == {ERASED_NAME}
    assert (await verify(engine)).is_sound


@pytest.mark.usefixtures("school")
async def test_the_record_the_assignments_others_and_the_audit_stay(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    before, entries = await everything(engine), await audited(engine)
    await units_of_work.run(partial(erase_student, student_id=1), actor=ROOT)
    ada = before["students"][0]
    before["students"][0] = (ada[0], ERASED_NAME, None, None, ada[4])
    assert await everything(engine) == before
    erasure = Entry("root", "operator", "ERASE_STUDENT", 1, None, '{"events":3}')
    assert await audited(engine) == [*entries, erasure]


@pytest.mark.usefixtures("school")
async def test_erasing_again_does_nothing(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    erase = partial(erase_student, student_id=1)
    await units_of_work.run(erase, actor=ROOT)
    before, entries = await everything(engine), await audited(engine)
    assert await units_of_work.run(erase, actor=ROOT) == Erasure(record=False, events=0)
    assert (await everything(engine), await audited(engine)) == (before, entries)
    await units_of_work.run(partial(update_student, student_id=1, email="again@example.org"))
    assert await units_of_work.run(erase, actor=ROOT) == Erasure(record=True, events=0)


@pytest.mark.usefixtures("school")
async def test_who_was_deleted_can_be_exported_and_erased(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    await units_of_work.run(partial(delete_student, student_id=1))
    assert await units_of_work.run(partial(student_name, student_id=1)) is None
    export = await units_of_work.run(partial(export_student, student_id=1))
    assert (export["student"], export["assignments"], len(export["events"])) == (None, [], 4)
    assert ADA[0] in await all_texts(engine)
    assert await units_of_work.run(partial(erase_student, student_id=1), actor=ROOT) == Erasure(record=False, events=4)
    assert ADA[0] not in await all_texts(engine)


@pytest.mark.parametrize("student_id", [99, 0, -1, 2**63])
@pytest.mark.parametrize("use_case", [export_student, erase_student, student_name])
async def test_of_whom_nothing_is_stored_is_not_found(
    engine: AsyncEngine, units_of_work: UnitsOfWork, use_case: Any, student_id: int
) -> None:
    with pytest.raises(StudentNotFound):
        await units_of_work.run(partial(use_case, student_id=student_id), actor=ROOT)
    assert await audited(engine) == []


@on_postgresql
@pytest.mark.usefixtures("school")
async def test_an_assignment_made_meanwhile_records_no_erased_name(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    """The erasure pauses between the record and the events, until an assignment of the same student has begun."""
    assigning: list[asyncio.Task[Any]] = []

    async def assign() -> None:
        await units_of_work.run(partial(assign_course, student_id=1, course_id=2))

    async def erase() -> None:
        async with held(engine, actor=ROOT) as uow:
            execute = uow.execute

            async def pausing(statement: Any, parameters: Any = None) -> Any:
                answer = await execute(statement, parameters or {})
                if str(statement).startswith("UPDATE students"):
                    assigning.append(asyncio.create_task(assign()))
                    await blocked(engine)
                return answer

            await erase_student(_Pausing(uow, pausing), student_id=1)  # type: ignore[arg-type]
            await uow.commit()

    await erase()
    await asyncio.wait_for(assigning[0], 10)
    assert ADA[0] not in await all_texts(engine)


class _Pausing:
    """A unit of work whose statements run by another function."""

    def __init__(self, uow: Any, execute: Any) -> None:
        self.actor, self.dialect_name, self.execute = uow.actor, uow.dialect_name, execute


async def blocked(engine: AsyncEngine) -> None:
    """Return when some statement waits for a lock."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        async with asyncio.timeout(10):
            while not await connection.scalar(waits):  # noqa: ASYNC110 - the event is in another process
                await asyncio.sleep(0.01)


@pytest.mark.usefixtures("school")
async def test_erasing_takes_four_statements_and_a_lock_on_postgresql(units_of_work: UnitsOfWork, dialect: str) -> None:
    with recorded_statements() as statements:
        await units_of_work.run(partial(erase_student, student_id=1), actor=ROOT)
    assert len(statements) == 4 + (dialect == "postgresql")
