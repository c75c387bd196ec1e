"""Fields of an update that are left out, null, or given: for every field there is."""

from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType

from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import School, made, unique
from tests.integration.sdl import SCHEMA, input_type

FIELDS = [(kind, name) for kind in ("Student", "Course") for name in input_type(f"update{kind}").fields if name != "id"]
NEW_VALUES: dict[str, Any] = {
    "name": "Renamed",
    "title": "Renamed",
    "code": unique("NEW"),
    "email": f"{unique('new')}@example.org",
    "sourcedId": unique("new"),
    "credits": 9,
    "capacity": 99,
}

every_field = pytest.mark.parametrize(("kind", "name"), FIELDS, ids=".".join)


@pytest.fixture
def school(client: GraphQLClient) -> School:
    return School.founded(client)


def subject(school: School, kind: str) -> dict[str, Any]:
    return school.ada if kind == "Student" else school.full


def is_required(kind: str, name: str) -> bool:
    type_ = SCHEMA.type_map[kind]
    assert isinstance(type_, GraphQLObjectType)
    return isinstance(type_.fields[name].type, GraphQLNonNull)


@every_field
def test_a_field_that_is_given_is_changed_and_no_other(
    client: GraphQLClient, school: School, kind: str, name: str
) -> None:
    before = subject(school, kind)
    changed = made(client, f"update{kind}", id=before["id"], **{name: NEW_VALUES[name]})
    assert changed == {
        "__typename": f"Update{kind}Success",
        kind.lower(): before | {name: NEW_VALUES[name]},
    }


@every_field
def test_null_clears_what_a_record_need_not_have_and_is_refused_for_what_it_must(
    client: GraphQLClient, school: School, kind: str, name: str
) -> None:
    before = subject(school, kind)
    answer = made(client, f"update{kind}", id=before["id"], **{name: None})
    if is_required(kind, name):
        assert answer == {"__typename": "InvalidInput", "message": f"{name} cannot be null.", "field": name}
    else:
        assert answer == {"__typename": f"Update{kind}Success", kind.lower(): before | {name: None}}


@pytest.mark.parametrize("kind", ["Student", "Course"])
def test_an_update_of_nothing_answers_with_the_record_as_it_is(
    client: GraphQLClient, school: School, kind: str
) -> None:
    before = subject(school, kind)
    answer = made(client, f"update{kind}", id=before["id"])
    assert answer == {"__typename": f"Update{kind}Success", kind.lower(): before}


def test_a_variable_without_a_value_counts_as_left_out(client: GraphQLClient, school: School) -> None:
    document = """
        mutation ($id: ID!, $capacity: Int) {
          updateCourse(input: {id: $id, capacity: $capacity}) {
            ... on UpdateCourseSuccess { course { capacity } }
          }
        }"""
    left_out = client.execute(document, id=school.full["id"]).data
    assert left_out == {"updateCourse": {"course": {"capacity": 1}}}
    cleared = client.execute(document, id=school.full["id"], capacity=None).data
    assert cleared == {"updateCourse": {"course": {"capacity": None}}}


def test_an_update_to_the_same_values_is_no_conflict_with_oneself(client: GraphQLClient, school: School) -> None:
    same = {name: school.ada[name] for name in ("id", "name", "email", "sourcedId")}
    assert made(client, "updateStudent", **same)["student"] == school.ada


def test_a_capacity_can_shrink_to_the_seats_taken_but_no_further(client: GraphQLClient, school: School) -> None:
    made(client, "assignCourse", studentId=school.bob["id"], courseId=school.open["id"])
    made(client, "assignCourse", studentId=school.ada["id"], courseId=school.open["id"])
    refused = made(client, "updateCourse", id=school.open["id"], capacity=1)
    assert refused == {
        "__typename": "CapacityBelowSeatsTaken",
        "message": "2 seats of this course are taken: its capacity cannot become 1.",
        "capacity": 1,
        "seatsTaken": 2,
    }
    assert made(client, "updateCourse", id=school.open["id"], capacity=2)["course"]["capacity"] == 2
