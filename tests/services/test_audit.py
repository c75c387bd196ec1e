from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import CourseFull, DatabaseUnusable, EmailTaken
from gql_api.services.actor import Actor
from gql_api.services.assignments import assign_course, assign_courses, unassign_course
from gql_api.services.audit import record_class_lists, record_following
from gql_api.services.courses import create_course, delete_course, update_course
from gql_api.services.pairs import Pair
from gql_api.services.students import create_student, delete_student, update_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.services.stored import RECORDING, Entry, audited, everything, new_course, new_students, recorded_statements

RUTH = Actor("ruth", "registrar", "r-1")

AUDITING = {"postgresql": 0, "sqlite": 1}
"""Statements that the audit of an assignment takes of its own: PostgreSQL writes it in the statement that changes."""


def entry(
    action: str, student_id: int | None = None, course_id: int | None = None, details: str | None = None
) -> Entry:
    return Entry("ruth", "registrar", action, student_id, course_id, details)


@pytest.fixture
async def school(units_of_work: UnitsOfWork) -> None:
    """Students 1 and 2 take course 1, which has two seats; nobody takes course 2. Nobody was identified so far."""
    students = await new_students(units_of_work, 3)
    courses = [await new_course(units_of_work, "A", capacity=2), await new_course(units_of_work, "B")]
    assert (students, courses) == ([1, 2, 3], [1, 2])
    await units_of_work.run(partial(assign_courses, pairs=[Pair(1, 1), Pair(2, 1)]))


USE_CASES: list[tuple[Callable[[UnitOfWork], Awaitable[Any]], list[Entry]]] = [
    (partial(create_student, name="Dora"), [entry("CREATE_STUDENT", 4)]),
    (
        partial(update_student, student_id=1, name="Ada", email="ada@example.org"),
        [entry("UPDATE_STUDENT", 1, details='{"fields":["email","name"]}')],
    ),
    (partial(update_student, student_id=1), []),
    (
        partial(delete_student, student_id=1),
        [entry("UNASSIGN_COURSE", 1, 1), entry("DELETE_STUDENT", 1, details='{"assignments":1}')],
    ),
    (partial(create_course, code="C", title="Chemistry"), [entry("CREATE_COURSE", None, 3)]),
    (
        partial(update_course, course_id=1, capacity=5),
        [entry("UPDATE_COURSE", None, 1, details='{"fields":["capacity"]}')],
    ),
    (partial(update_course, course_id=1), []),
    (
        partial(delete_course, course_id=1),
        [
            entry("UNASSIGN_COURSE", 1, 1),
            entry("UNASSIGN_COURSE", 2, 1),
            entry("DELETE_COURSE", None, 1, details='{"assignments":2}'),
        ],
    ),
    (partial(assign_course, student_id=1, course_id=2), [entry("ASSIGN_COURSE", 1, 2)]),
    (partial(assign_course, student_id=1, course_id=1), []),
    (partial(unassign_course, student_id=1, course_id=1), [entry("UNASSIGN_COURSE", 1, 1)]),
    (partial(unassign_course, student_id=3, course_id=1), []),
    (
        partial(assign_courses, pairs=[Pair(1, 1), Pair(1, 2), Pair(3, 1), Pair(3, 2), Pair(9, 2)]),
        [entry("ASSIGN_COURSE", 1, 2), entry("ASSIGN_COURSE", 3, 2)],
    ),
    (
        partial(record_class_lists, course_ids=[2, 1, 2]),
        [entry("READ_CLASS_LIST", None, 2), entry("READ_CLASS_LIST", None, 1)],
    ),
    (partial(record_following, student_id=None, course_id=1), [entry("FOLLOW_ASSIGNMENTS", None, 1)]),
]


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(("use_case", "entries"), USE_CASES)
async def test_who_did_what_stands_in_the_audit(
    engine: AsyncEngine,
    units_of_work: UnitsOfWork,
    use_case: Callable[[UnitOfWork], Awaitable[Any]],
    entries: list[Entry],
) -> None:
    await units_of_work.run(use_case, actor=RUTH)
    assert sorted(await audited(engine), key=repr) == sorted(entries, key=repr)


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize("use_case", [use_case for use_case, _ in USE_CASES])
async def test_where_nobody_is_identified_nothing_is_written_and_no_statement_runs(
    engine: AsyncEngine,
    units_of_work: UnitsOfWork,
    use_case: Callable[[UnitOfWork], Awaitable[Any]],
) -> None:
    with recorded_statements() as statements:
        await units_of_work.run(use_case)
    assert not [statement for statement in statements if "audit_entries" in statement]
    assert await audited(engine) == []


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(("actor", "more"), [(None, 0), (RUTH, 1)])
async def test_the_audit_of_an_assignment_costs_no_statement_on_postgresql_and_one_on_sqlite(
    units_of_work: UnitsOfWork, dialect: str, actor: Actor | None, more: int
) -> None:
    with recorded_statements() as statements:
        await units_of_work.run(partial(assign_course, student_id=3, course_id=2), actor=actor)
    assert len(statements) == 2 + RECORDING[dialect] + more * AUDITING[dialect]


@pytest.mark.usefixtures("school")
async def test_an_entry_carries_the_id_of_its_request_and_the_time(
    engine: AsyncEngine, units_of_work: UnitsOfWork
) -> None:
    await units_of_work.run(partial(assign_course, student_id=3, course_id=2), actor=RUTH)
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT count(*) FROM audit_entries JOIN student_courses USING (student_id, course_id)"
                " WHERE request_id = 'r-1' AND abs(julianday(occurred_at) - julianday(assigned_at)) < 0.001"
                if engine.dialect.name == "sqlite"
                else "SELECT count(*) FROM audit_entries JOIN student_courses USING (student_id, course_id)"
                " WHERE request_id = 'r-1' AND occurred_at = assigned_at"
            )
        )
        assert found.scalar_one() == 1


@pytest.mark.usefixtures("school")
async def test_what_was_refused_or_given_up_leaves_no_entry(engine: AsyncEngine, units_of_work: UnitsOfWork) -> None:
    async def give_up(uow: UnitOfWork) -> None:
        await assign_course(uow, student_id=3, course_id=2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await units_of_work.run(give_up, actor=RUTH)
    with pytest.raises(CourseFull):
        await units_of_work.run(partial(assign_course, student_id=3, course_id=1), actor=RUTH)
    await units_of_work.run(partial(update_student, student_id=1, email="ada@example.org"))
    with pytest.raises(EmailTaken):
        await units_of_work.run(partial(create_student, name="Dora", email="ada@example.org"), actor=RUTH)
    assert await audited(engine) == []


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize(
    "use_case", [use_case for use_case, entries in USE_CASES if entries], ids=[e[0].action for _, e in USE_CASES if e]
)
async def test_what_cannot_be_audited_is_not_done(
    engine: AsyncEngine, units_of_work: UnitsOfWork, use_case: Callable[[UnitOfWork], Awaitable[Any]]
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_entries RENAME TO elsewhere"))
    before = await everything(engine)
    with pytest.raises(DatabaseUnusable, match="not at head"):
        await units_of_work.run(use_case, actor=RUTH)
    assert await everything(engine) == before


TAMPERING = [
    "UPDATE audit_entries SET actor = 'rosa'",
    "DELETE FROM audit_entries",
    "INSERT INTO audit_entries (id, role, action) VALUES (1, 'registrar', 'IMPORT')"
    " ON CONFLICT (id) DO UPDATE SET actor = 'rosa'",
]
TAMPERING_ON = {
    "sqlite": ["REPLACE INTO audit_entries (id, role, action) VALUES (1, 'registrar', 'IMPORT')"],
    "postgresql": ["TRUNCATE audit_entries", "DELETE FROM audit_entries WHERE id = 99"],
}


@pytest.mark.usefixtures("school")
async def test_entries_cannot_be_changed_nor_removed(
    engine: AsyncEngine, units_of_work: UnitsOfWork, dialect: str
) -> None:
    await units_of_work.run(partial(assign_course, student_id=3, course_id=2), actor=RUTH)
    for statement in TAMPERING + TAMPERING_ON[dialect]:
        with pytest.raises(DBAPIError, match="the audit is append-only"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    assert await audited(engine) == [entry("ASSIGN_COURSE", 3, 2)]
