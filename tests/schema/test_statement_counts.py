"""How many SQL statements a query takes: it depends on the query alone, never on how much there is to read."""

from typing import Any

import pytest
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql_api.database.statements import Entity
from gql_api.schema.build import build_schema
from gql_api.schema.global_id import encode_id
from tests.database.school import MOMENTS, School
from tests.schema.api import Api


def school(students: int, courses: int) -> School:
    """So many students and courses; every other student takes every course but the first."""
    return School(
        tuple(
            {"id": key, "name": f"S{key}", "email": None, "sourced_id": None, "created_at": MOMENTS[0]}
            for key in range(1, students + 1)
        ),
        tuple(
            {
                "id": key,
                "code": f"C{key}",
                "title": f"T{key}",
                "credits": None,
                "capacity": None,
                "sourced_id": None,
                "created_at": MOMENTS[0],
            }
            for key in range(1, courses + 1)
        ),
        tuple(
            {"student_id": student, "course_id": course, "assigned_at": MOMENTS[1]}
            for student in range(1, students + 1, 2)
            for course in range(2, courses + 1)
        ),
    )


ADA, BOB, GONE = (encode_id(Entity.STUDENT, key) for key in (1, 2, 9999))
ALGEBRA, BIOLOGY = (encode_id(Entity.COURSE, key) for key in (1, 2))

QUERIES = {
    "one level": ("{ students { nodes { id name email } } }", ["page"]),
    "edges and nodes are one page": ("{ students { edges { cursor node { name } } nodes { email } } }", ["page"]),
    "nothing": ("{ __typename students(first: 0) { nodes { id } } }", []),
    "nothing, but whether there is more": ("{ students(first: 0) { pageInfo { hasNextPage } } }", ["page"]),
    "page info at an open end": (
        "{ students(first: 2) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }",
        ["page"],
    ),
    "a total": ("{ students(first: 1) { totalCount } }", ["page", "count"]),
    "everything about a page": (
        "{ courses(last: 2) { edges { cursor node { id } } pageInfo { hasPreviousPage } totalCount } }",
        ["page", "count"],
    ),
    "two levels": ("{ students { nodes { name courses { nodes { title } } } } }", ["page", "pages_by_parent"]),
    "two levels of edges": (
        "{ students { edges { node { name courses { edges { assignedAt node { title } } } } } } }",
        ["page", "pages_by_parent"],
    ),
    "three levels": (
        "{ students { nodes { courses { nodes { students { nodes { name } } } } } } }",
        ["page", "pages_by_parent", "pages_by_parent"],
    ),
    "four levels": (
        "{ courses { nodes { students { nodes { courses { nodes { students(first: 1) { nodes { id } } } } } } } } }",
        ["page", *["pages_by_parent"] * 3],
    ),
    "nested totals and page info": (
        "{ students { nodes { courses(first: 1) { nodes { id } totalCount pageInfo { hasNextPage } } } } }",
        ["page", "pages_by_parent", "counts_by_parent"],
    ),
    "seats": ("{ courses { nodes { code capacity seatsTaken } } }", ["page", "seats_by_course"]),
    "seats below students": (
        "{ students { nodes { courses { nodes { seatsTaken } totalCount } } } }",
        ["page", "counts_by_parent", "pages_by_parent", "seats_by_course"],
    ),
    "two lists side by side": (
        "{ students { nodes { a: courses(first: 1) { nodes { id } } b: courses(last: 1) { nodes { id } } } } }",
        ["page", "pages_by_parent", "pages_by_parent"],
    ),
    "the same field twice is one": (
        "{ students { nodes { courses { nodes { id } } courses { nodes { title } totalCount } } } }",
        ["page", "pages_by_parent", "counts_by_parent"],
    ),
    "one student": (f'{{ student(id: "{ADA}") {{ name }} }}', ["rows_by_id"]),
    "aliases of all kinds are one statement": (
        f"""{{
            a: student(id: "{ADA}") {{ name }}
            b: student(id: "{BOB}") {{ email createdAt }}
            c: node(id: "{ADA}") {{ id ... on Student {{ sourcedId }} }}
            d: nodes(ids: ["{BOB}", "{GONE}", "{ADA}"]) {{ ... on Student {{ name }} }}
        }}""",
        ["rows_by_id"],
    ),
    "nodes of two kinds are two statements": (
        f'{{ nodes(ids: ["{ADA}", "{ALGEBRA}", "{BOB}", "{BIOLOGY}"]) {{ id }} course(id: "{ALGEBRA}") {{ title }} }}',
        ["rows_by_id", "rows_by_id"],
    ),
    "lists below nodes": (
        f"""{{ nodes(ids: ["{ADA}", "{BOB}"]) {{
            ... on Student {{ courses {{ nodes {{ id }} }} }} ... on Course {{ students {{ nodes {{ id }} }} }}
        }} }}""",
        ["rows_by_id", "pages_by_parent"],
    ),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_takes_its_statements_whatever_it_reads(api: Api, name: str) -> None:
    document, statements = QUERIES[name]
    await api.store(school(40, 12))
    data = await api.data(document)
    assert sorted(api.statements) == sorted(statements), data


@pytest.mark.parametrize("name", QUERIES)
async def test_fewer_rows_take_no_more_statements(api: Api, name: str) -> None:
    document, statements = QUERIES[name]
    for students, courses in ((0, 0), (1, 1), (2, 2)):
        await api.store(school(students, courses))
        await api.execute(document)
        # Below no rows at all, nothing is asked.
        missing = [*statements]
        for statement in api.statements:
            missing.remove(statement)


async def test_an_executor_that_asks_object_by_object_takes_no_more(database_url: str) -> None:
    one_by_one = build_schema(executor_class=StrawberryGraphQLCoreExecutionContext)
    async with Api(database_url) as api, Api(database_url, schema=one_by_one) as other:
        await api.store(school(10, 4))
        for document, statements in QUERIES.values():
            assert await other.data(document) == await api.data(document)
            assert sorted(other.statements) == sorted(statements)


async def test_looking_outside_of_a_range_takes_a_statement_for_all_parents(api: Api) -> None:
    await api.store(school(40, 12))
    page = "edges { cursor } pageInfo { hasNextPage hasPreviousPage }"
    nested = (
        f"query ($a: String, $b: String) {{ students {{ nodes {{ courses(after: $a, before: $b) {{ {page} }} }} }} }}"
    )
    data = await api.data(nested)
    cursors = [edge["cursor"] for edge in data["students"]["nodes"][0]["courses"]["edges"]]
    await api.data(nested, a=cursors[1], b=cursors[5])
    assert sorted(api.statements) == ["page", "pages_by_parent", "parents_with_any_before", "parents_with_any_before"]
    root = f"query ($a: String, $b: String) {{ students(after: $a, before: $b) {{ {page} }} }}"
    cursors = [edge["cursor"] for edge in (await api.data(root))["students"]["edges"]]
    await api.data(root, a=cursors[1])
    assert sorted(api.statements) == ["any_before", "page"]
    await api.data(root, a=cursors[1], b=cursors[5])
    assert sorted(api.statements) == ["any_before", "any_before", "page"]


async def test_a_student_that_is_asked_for_twice_is_read_once_with_all_columns(api: Api) -> None:
    await api.store(school(2, 1))
    document = f'{{ a: student(id: "{ADA}") {{ name }} b: student(id: "{ADA}") {{ databaseId createdAt }} }}'
    data: Any = await api.data(document)
    assert data == {"a": {"name": "S1"}, "b": {"databaseId": 1, "createdAt": "2024-02-29T23:59:59.999999Z"}}
    assert api.statements == ["rows_by_id"]


async def test_a_row_is_read_anew_after_each_mutation(api: Api) -> None:
    full = school(1, 1)
    await api.store(School(full.students, ({**full.courses[0], "capacity": 0},), ()))
    pair = f'{{studentId: "{ADA}", courseId: "{ALGEBRA}"}}'
    assign = f"assignCourse(input: {pair}) {{ ... on CourseFull {{ course {{ title }} }} }}"
    rename = f'updateCourse(input: {{id: "{ALGEBRA}", title: "New"}}) {{ __typename }}'
    data = await api.data(f"mutation {{ a: {assign} b: {rename} c: {assign} }}")
    assert [data["a"], data["c"]] == [{"course": {"title": "T1"}}, {"course": {"title": "New"}}]
