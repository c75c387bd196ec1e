"""Class lists that are read are in the audit before they are in the answer."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.statements import Entity
from gql_api.identity import UNIDENTIFIED, Principal, Role, with_open_catalogue
from gql_api.schema.global_id import encode_id
from tests.schema.api import Api
from tests.services.stored import Entry, audited, recorded_statements

STEVE = Principal(Role.STAFF, "steve", expires_at=2**40)
RUTH = Principal(Role.REGISTRAR, "ruth", expires_at=2**40)
ADA = Principal(Role.STUDENT, "ada", student_id=1, expires_at=2**40)

STUDENT, COURSE = encode_id(Entity.STUDENT, 1), encode_id(Entity.COURSE, 1)

READING = {
    "courses": ("{ courses { nodes { students { nodes { name } } } } }", [1, 2]),
    "courses, edges": ("{ courses { edges { node { students { edges { node { id } } } } } } }", [1, 2]),
    "course": (f'{{ course(id: "{COURSE}") {{ students {{ nodes {{ id }} }} }} }}', [1]),
    "node": (f'{{ node(id: "{COURSE}") {{ ... on Course {{ students {{ nodes {{ id }} }} }} }} }}', [1]),
    "student": (f'{{ student(id: "{STUDENT}") {{ courses {{ nodes {{ students {{ totalCount }} }} }} }} }}', [1, 2]),
    "students": ("{ students { nodes { courses { nodes { students { nodes { id } } } } } } }", [1, 2]),
    "twice": (
        f'{{ course(id: "{COURSE}") {{ one: students(first: 1) {{ nodes {{ id }} }}'
        " two: students(last: 1) { nodes { id } } } }",
        [1, 1],
    ),
    "a payload": (
        f'mutation {{ assignCourse(input: {{studentId: "{STUDENT}", courseId: "{COURSE}"}})'
        " { ... on AssignCourseSuccess { course { students { nodes { name } } } } } }",
        [1],
    ),
}
NOT_READING = {
    "seats": "{ courses { nodes { code seatsTaken } } }",
    "students": "{ students { nodes { name courses { nodes { code } } } } }",
    "refused": "{ courses { nodes { students(first: -1) { nodes { id } } } } }",
    "none": '{ courses(filter: {code: {eq: "none"}}) { nodes { students { nodes { id } } } } }',
}


@pytest.fixture(autouse=True)
async def school(engine: AsyncEngine) -> None:
    """Ada (1) takes both courses, Bob (2) the first."""
    async with engine.begin() as connection:
        for statement in (
            "INSERT INTO students (id, name) VALUES (1, 'Ada'), (2, 'Bob')",
            "INSERT INTO courses (id, code, title) VALUES (1, 'A', 'Algebra'), (2, 'B', 'Botany')",
            "INSERT INTO student_courses (student_id, course_id) VALUES (1, 1), (1, 2), (2, 1)",
        ):
            await connection.execute(text(statement))


def entries(actor: Principal, course_ids: list[int]) -> list[Entry]:
    return [Entry(actor.subject, actor.role, "READ_CLASS_LIST", None, course_id, None) for course_id in course_ids]


@pytest.mark.parametrize("what", READING)
@pytest.mark.parametrize("reader", [STEVE, RUTH], ids=["staff", "registrar"])
async def test_whoever_sees_others_is_on_record_however_they_come_to_the_list(
    database_url: str, engine: AsyncEngine, reader: Principal, what: str
) -> None:
    document, course_ids = READING[what]
    if document.startswith("mutation") and reader is STEVE:
        course_ids = []  # may not
    async with Api(database_url, principal=reader) as api:
        await api.execute(document)
    assert await audited(engine) == entries(reader, course_ids)


@pytest.mark.parametrize("document", NOT_READING.values(), ids=NOT_READING)
async def test_whoever_reads_no_class_list_is_not_on_record(
    database_url: str, engine: AsyncEngine, document: str
) -> None:
    async with Api(database_url, principal=STEVE) as api:
        await api.execute(document)
    assert await audited(engine) == []


@pytest.mark.parametrize("what", READING)
@pytest.mark.parametrize(
    "reader", [ADA, Principal(Role.ANONYMOUS), UNIDENTIFIED], ids=["student", "anonymous", "identity is off"]
)
async def test_whoever_sees_only_their_own_or_is_nobody_is_not_on_record_and_causes_no_statement(
    database_url: str, engine: AsyncEngine, reader: Principal, what: str
) -> None:
    with recorded_statements() as written:
        async with Api(database_url, principal=reader, rights=with_open_catalogue()) as api:
            await api.execute(READING[what][0])
    assert not [statement for statement in written if "audit_entries" in statement]
    assert await audited(engine) == []


async def test_the_lists_of_a_level_are_recorded_by_one_statement(database_url: str) -> None:
    deeper = "students(first: 2) { nodes { courses(first: 2) { nodes { students(first: 2) { nodes { id } } } } } }"
    document = f"{{ courses(first: 2) {{ nodes {{ {deeper} }} }} }}"
    with recorded_statements() as written:
        async with Api(database_url, principal=STEVE) as api:
            await api.data(document)
    assert len(written) == 2


async def test_the_courses_of_the_page_are_read_before_and_the_students_after(database_url: str) -> None:
    order: list[Any] = []
    async with Api(database_url, principal=STEVE) as api:
        with recorded_statements(before=lambda _: order.append(list(api.statements))):
            await api.data(READING["courses"][0])
        assert (order, api.statements) == ([["page"]], ["page", "pages_by_parent"])


async def test_what_cannot_be_recorded_is_not_shown(database_url: str, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_entries RENAME TO elsewhere"))
    async with Api(database_url, principal=STEVE) as api:
        answer = await api.execute(f'{{ course(id: "{COURSE}") {{ code students {{ nodes {{ name }} }} }} }}')
        assert api.statements == ["rows_by_id"]
    assert "Ada" not in str(answer)
    assert answer.get("data") is None
    [error] = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["course", "students"], "OVERLOADED")
