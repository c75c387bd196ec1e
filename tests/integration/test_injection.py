"""SQL in every text: it is kept, or compared with, to the letter, or refused; never run."""

from typing import Any, Final

import pytest

from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import School, new_course, new_student, unique
from tests.integration.slots import Slot, all_slots, is_list, request_with
from tests.integration.stored import Database, everything

SQL: Final = [
    "'; DROP TABLE students; --",
    "' OR '1'='1",
    "') OR 1=1 --",
    '" OR ""="',
    "x' UNION SELECT email FROM students --",
    "\\'; DELETE FROM student_courses; --",
    "1; UPDATE courses SET capacity = 0",
    "${1} $1 :name ?1 %s %(name)s {0}",
    "%",
    "_",
    "\\",
    "$$; DROP TABLE courses; $$",
    "'||(SELECT 1)||'",
    "/**/OR/**/1=1",
    "'-'",
    "'OR/**/1=1--@example.org",
]

TEXT_SLOTS: Final = [slot for slot in all_slots() if slot.named_type in {"String", "ID"} and not is_list(slot.type)]
STORED: Final = [slot for slot in TEXT_SLOTS if slot.is_mutation and slot.named_type == "String"]
COMPARED: Final = [slot for slot in TEXT_SLOTS if slot.is_compared]
NAMING: Final = [slot for slot in TEXT_SLOTS if slot not in STORED and slot not in COMPARED]


def test_every_place_for_a_text_is_tried() -> None:
    assert {slot.name for slot in NAMING} == {"id", "ids", "studentId", "courseId", "after", "before"}
    assert len(STORED) >= 10
    assert len(COMPARED) >= 40


@pytest.fixture(scope="module")
def schools() -> dict[str, School]:
    """A school for each dialect: nothing here changes it."""
    return {}


@pytest.fixture
def school(schools: dict[str, School], dialect: str, client: GraphQLClient) -> School:
    if dialect not in schools:
        schools[dialect] = School.founded(client)
    return schools[dialect]


@pytest.mark.parametrize("slot", STORED, ids=str)
def test_sql_is_stored_to_the_letter_or_refused(client: GraphQLClient, database: Database, slot: Slot) -> None:
    school = School.founded(client)
    kind = "student" if "tudent" in slot.field else "course"
    stored = f"query ($id: ID!) {{ {kind}(id: $id) {{ {slot.name} }} }}"
    delete = f"mutation ($id: ID!) {{ delete{kind.title()}(input: {{id: $id}}) {{ __typename }} }}"
    outcomes = set()
    for sql in SQL:
        before = everything(database)
        document, variables = request_with(slot, sql, school)
        (answer,) = client.execute(document, **variables).data.values()
        outcomes.add(answer["__typename"])
        after = everything(database)
        if kind in answer:
            record = answer[kind]
            assert record[slot.name] == sql
            assert client.execute(stored, id=record["id"]).data == {kind: {slot.name: sql}}
            assert sum(row not in before[f"{kind}s"] for row in after[f"{kind}s"]) == 1
            assert {name: rows for name, rows in after.items() if name != f"{kind}s"} == {
                name: rows for name, rows in before.items() if name != f"{kind}s"
            }
            if slot.field.startswith("create"):  # lest the next one finds it taken
                client.execute(delete, id=record["id"])
        else:
            assert after == before
    if slot.field.startswith("update"):  # lest another test finds what is in there
        client.execute(delete, id=variables["input"]["id"])
    success = f"{slot.field[0].upper()}{slot.field[1:]}Success"
    takes_any = slot.name in {"name", "title", "code"}  # addresses and sourcedIds have rules of their own
    assert outcomes == ({success} if takes_any else {success, "InvalidInput"})


@pytest.mark.parametrize("slot", COMPARED, ids=str)
def test_sql_matches_itself_and_nothing_else(
    client: GraphQLClient, database: Database, school: School, slot: Slot
) -> None:
    before = everything(database)
    for sql in (text for text in SQL if len(text) > 1):
        document, variables = request_with(slot, sql, school)
        answer = client.execute(document, **variables).data
        assert total_count(answer) == 0, sql
    assert everything(database) == before


def total_count(data: dict[str, Any]) -> int:
    (value,) = data.values()
    if "totalCount" not in value:
        (value,) = value.values()
    assert len(value["nodes"]) == min(value["totalCount"], 20)
    return int(value["totalCount"])


@pytest.mark.parametrize("sql", SQL)
def test_a_text_that_looks_like_sql_is_found_by_all_that_is_in_it(client: GraphQLClient, sql: str) -> None:
    name = f"{unique('x')} {sql} y"
    student = new_student(client, name=name)
    course = new_course(client, title=name)
    for comparison, value in (
        ("eq", name),
        ("in", [name]),
        ("contains", f" {sql} "),
        ("startsWith", f"{name[:-2]}"),
    ):
        document = "query ($filter: StringFilter!, $own: String!) {"
        document += "  students(filter: {name: $filter, and: [{name: {startsWith: $own}}]}) { nodes { id } }"
        document += "  courses(filter: {title: $filter, and: [{title: {startsWith: $own}}]}) { nodes { id } } }"
        found = client.execute(document, filter={comparison: value}, own=name.partition(" ")[0]).data
        assert found == {"students": {"nodes": [{"id": student["id"]}]}, "courses": {"nodes": [{"id": course["id"]}]}}


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "%%", "__", "\\%"])
def test_a_wildcard_is_a_character_like_others(client: GraphQLClient, wildcard: str) -> None:
    own = unique("wild")
    plain, wild = new_student(client, name=f"{own} x"), new_student(client, name=f"{own} {wildcard}")
    document = "query ($own: String!, $text: String!) { students(filter: {and: [{name: {startsWith: $own}},"
    document += " {or: [{name: {contains: $text}}, {name: {startsWith: $text}}]}]}) { nodes { id } } }"
    found = client.execute(document, own=own, text=wildcard).data["students"]["nodes"]
    assert found == [{"id": wild["id"]}]
    assert plain["id"] != wild["id"]


@pytest.mark.parametrize("slot", NAMING, ids=str)
def test_sql_names_nothing(client: GraphQLClient, database: Database, school: School, slot: Slot) -> None:
    before = everything(database)
    for sql in SQL:
        document, variables = request_with(slot, sql, school)
        answer = client.execute(document, **variables)
        assert answer.codes == ["BAD_USER_INPUT"], sql
        assert not any((answer.body["data"] or {}).values())
    assert everything(database) == before


def test_sql_in_the_document_itself_is_no_graphql(client: GraphQLClient, database: Database) -> None:
    before = everything(database)
    for sql in SQL:
        for document in (sql, f"{{ students {{ {sql} }} }}", f'{{ student(id: "{sql}") {{ name }} }}'):
            answer = client.execute(document)
            assert set(answer.codes) <= {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}, sql
            assert answer.codes
    assert everything(database) == before
