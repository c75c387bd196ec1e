"""Relay's server specification (https://relay.dev/docs/guides/graphql-server-specification/), connections included."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_interface_type, is_non_null_type, is_object_type

from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_student, new_students, unique
from tests.integration.sdl import SCHEMA

CONNECTIONS = sorted(name for name in SCHEMA.type_map if name.endswith("Connection"))
OBJECTS: list[GraphQLObjectType] = [type_ for type_ in SCHEMA.type_map.values() if is_object_type(type_)]

STUDENT = "__typename id name email sourcedId createdAt databaseId"
COURSE = "__typename id code title credits capacity sourcedId createdAt databaseId seatsTaken"
EVERYWHERE = f"""
query ($student: ID!, $course: ID!, $students: StudentFilter, $courses: CourseFilter) {{
  node(id: $student) {{ ... on Student {{ {STUDENT} }} }}
  nodes(ids: [$student, $course]) {{ ... on Student {{ {STUDENT} }} ... on Course {{ {COURSE} }} }}
  student(id: $student) {{ {STUDENT} courses {{ nodes {{ {COURSE} }} edges {{ node {{ {COURSE} students {{
    nodes {{ {STUDENT} }} }} }} }} }} }}
  course(id: $course) {{ {COURSE} students {{ nodes {{ {STUDENT} }} edges {{ node {{ {STUDENT} }} }} }} }}
  students(filter: $students) {{ nodes {{ {STUDENT} }} edges {{ node {{ {STUDENT} }} }} }}
  courses(filter: $courses) {{ nodes {{ {COURSE} }} edges {{ node {{ {COURSE} }} }} }}
}}
"""
REFETCH = f"query ($id: ID!) {{ node(id: $id) {{ ... on Student {{ {STUDENT} }} ... on Course {{ {COURSE} }} }} }}"


def signature(name: str) -> dict[str, str]:
    type_ = SCHEMA.type_map[name]
    assert is_object_type(type_) or is_interface_type(type_)
    return {name: str(field.type) for name, field in type_.fields.items()}


def nodes_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with an id, wherever it stands in an answer; of each its leaves."""
    if isinstance(value, dict):
        if "id" in value:
            yield {name: leaf for name, leaf in value.items() if not isinstance(leaf, dict)}
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from nodes_in(inner)


def test_every_id_that_a_query_answers_fetches_the_same_object_by_node(client: GraphQLClient) -> None:
    name = unique("Ada")
    students = [new_student(client, name=name)["id"] for _ in range(3)]
    courses = [new_course(client, title=name)["id"] for _ in range(3)]
    for student in students:
        for course in courses:
            client.mutate("assignCourse", "", studentId=student, courseId=course)
    same = {"eq": name}
    answered = client.execute(
        EVERYWHERE, student=students[0], course=courses[0], students={"name": same}, courses={"title": same}
    )
    found = list(nodes_in(answered.data))
    assert {node["id"] for node in found} == {*students, *courses}
    assert len(found) == 38
    refetched = {id_: client.execute(REFETCH, id=id_).data["node"] for id_ in (*students, *courses)}
    assert [node for node in found if node != refetched[node["id"]]] == []


def test_every_type_with_an_id_is_a_node_but_for_events_which_are_places_in_a_stream() -> None:
    with_id = {type_.name for type_ in OBJECTS if "id" in type_.fields}
    nodes = {type_.name for type_ in OBJECTS if "Node" in {interface.name for interface in type_.interfaces}}
    assert with_id - nodes == {"CourseAssignmentEvent"}
    assert nodes == {"Course", "Student"}


def test_the_root_fetches_nodes_one_by_one_and_together() -> None:
    assert SCHEMA.query_type is not None
    fields = SCHEMA.query_type.fields
    shown = {
        name: ({arg: str(a.type) for arg, a in fields[name].args.items()}, str(fields[name].type))
        for name in ("node", "nodes")
    }
    assert shown == {"node": ({"id": "ID!"}, "Node"), "nodes": ({"ids": "[ID!]!"}, "[Node]!")}
    assert signature("Node") == {"id": "ID!"}


def test_page_info_is_as_specified() -> None:
    assert signature("PageInfo") == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_connection_has_edges_with_cursor_and_node_and_a_page_info(name: str) -> None:
    connection, edge = SCHEMA.type_map[name], SCHEMA.type_map[name.removesuffix("Connection") + "Edge"]
    assert is_object_type(connection)
    assert is_object_type(edge)
    assert get_named_type(connection.fields["edges"].type) is edge
    assert str(connection.fields["pageInfo"].type) == "PageInfo!"
    assert str(edge.fields["cursor"].type) == "String!"
    assert "Node" in {interface.name for interface in get_named_type(edge.fields["node"].type).interfaces}


def test_every_field_that_is_a_connection_pages_forwards_and_backwards() -> None:
    fields = {
        f"{type_.name}.{name}": field
        for type_ in OBJECTS
        for name, field in type_.fields.items()
        if get_named_type(field.type).name in CONNECTIONS
    }
    assert fields.keys() == {"Query.students", "Query.courses", "Student.courses", "Course.students"}
    paging = {"first": "Int", "after": "String", "last": "Int", "before": "String"}
    for field in fields.values():
        assert is_non_null_type(field.type)
        assert {name: str(argument.type) for name, argument in field.args.items() if name in paging} == paging


PAGES = """
query ($course: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  course(id: $course) { students(first: $first, after: $after, last: $last, before: $before) {
    nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }
}
"""


@pytest.mark.parametrize(("size", "place", "onwards"), [("first", "after", "end"), ("last", "before", "start")])
def test_a_walk_meets_every_lasting_row_once_while_others_come_and_go(
    client: GraphQLClient, size: str, place: str, onwards: str
) -> None:
    course = new_course(client)["id"]
    pool = new_students(client, 16)
    lasting, leaving, coming = pool[::2], pool[1::4], pool[3::4]

    def take_part(student: str, *, is_in: bool) -> None:
        client.mutate("assignCourse" if is_in else "unassignCourse", "", studentId=student, courseId=course)

    for student in (*lasting, *leaving):
        take_part(student, is_in=True)
    met: list[str] = []
    cursor, goes_on = None, True
    while goes_on:
        page = client.execute(PAGES, course=course, **{size: 2, place: cursor}).data["course"]["students"]
        ids = [node["id"] for node in page["nodes"]]
        met = met + ids if size == "first" else ids + met
        cursor = page["pageInfo"][f"{onwards}Cursor"]
        goes_on = page["pageInfo"]["hasNextPage" if size == "first" else "hasPreviousPage"]
        # What has just been met goes, the row under the cursor among it, and others come on both sides of the place.
        for student in {*ids} & {*leaving}:
            take_part(student, is_in=False)
        if coming:
            take_part(coming.pop(0), is_in=True)
            take_part(coming.pop(), is_in=True)
    assert [student for student in met if student in lasting] == lasting
    assert len(met) == len(set(met))
