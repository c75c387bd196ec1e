"""Mutations of one request: one after another, each finished before the next, each kept or not as a whole."""

from typing import Any
from urllib.parse import quote

import httpx

from tests.integration.graphql_client import GraphQLClient, answer_of
from tests.integration.school import School, new_course, new_student
from tests.integration.stored import Database, everything
from tests.server import Server

SEAT = """
fragment seat on AssignCourseResult {
  __typename
  ... on AssignCourseSuccess { alreadyAssigned course { title seatsTaken } }
  ... on CourseFull { course { title seatsTaken students { nodes { name } } } }
}
"""


def test_each_mutation_is_answered_as_of_its_own_turn(client: GraphQLClient) -> None:
    school = School.founded(client)
    document = (
        """
        mutation ($ada: ID!, $bob: ID!, $course: ID!) {
          isFull: assignCourse(input: {studentId: $bob, courseId: $course}) { ...seat }
          rename: updateCourse(input: {id: $course, title: "Renamed"}) { __typename }
          isStillFull: assignCourse(input: {studentId: $bob, courseId: $course}) { ...seat }
          leave: unassignCourse(input: {studentId: $ada, courseId: $course}) {
            ... on UnassignCourseSuccess { course { seatsTaken } }
          }
          take: assignCourse(input: {studentId: $bob, courseId: $course}) { ...seat }
          delete: deleteCourse(input: {id: $course}) { ... on DeleteCourseSuccess { assignmentsRemoved } }
          isGone: assignCourse(input: {studentId: $bob, courseId: $course}) { ...seat }
        }"""
        + SEAT
    )
    answer = client.execute(document, ada=school.ada["id"], bob=school.bob["id"], course=school.full["id"]).data

    def full(title: str) -> dict[str, Any]:
        course = {"title": title, "seatsTaken": 1, "students": {"nodes": [{"name": "Ada"}]}}
        return {"__typename": "CourseFull", "course": course}

    assert answer == {
        "isFull": full("Full"),
        "rename": {"__typename": "UpdateCourseSuccess"},
        "isStillFull": full("Renamed"),
        "leave": {"course": {"seatsTaken": 0}},
        "take": {
            "__typename": "AssignCourseSuccess",
            "alreadyAssigned": False,
            "course": {"title": "Renamed", "seatsTaken": 1},
        },
        "delete": {"assignmentsRemoved": 1},
        "isGone": {"__typename": "CourseNotFound"},
    }
    assert list(answer) == ["isFull", "rename", "isStillFull", "leave", "take", "delete", "isGone"]


def test_a_mutation_that_cannot_be_answered_undoes_none_before_it_and_lets_none_follow(
    client: GraphQLClient, database: Database
) -> None:
    course = new_course(client, title="Before")
    before = everything(database)
    answer = client.execute(
        """
        mutation ($course: ID!) {
          first: updateCourse(input: {id: $course, title: "First"}) { __typename }
          second: updateCourse(input: {id: "nonsense", title: "Second"}) { __typename }
          third: updateCourse(input: {id: $course, title: "Third"}) { __typename }
        }""",
        course=course["id"],
    )
    assert (answer.status, answer.body["data"], answer.codes) == (200, None, ["BAD_USER_INPUT"])
    assert answer.body["errors"][0]["path"] == ["second"]
    seen = client.execute("query ($id: ID!) { course(id: $id) { title } }", id=course["id"]).data
    assert seen == {"course": {"title": "First"}}
    assert len(everything(database)["courses"]) == len(before["courses"])


def test_two_operations_in_one_document_are_one_each(client: GraphQLClient, database: Database) -> None:
    student = new_student(client, name="Before")
    document = """
        mutation Rename($id: ID!) { updateStudent(input: {id: $id, name: "After"}) { __typename } }
        mutation Delete($id: ID!) { deleteStudent(input: {id: $id}) { __typename } }
        query Read($id: ID!) { student(id: $id) { name } }"""

    def run(operation: str | None) -> Any:
        body = {"query": document, "variables": {"id": student["id"]}, "operationName": operation}
        return client.post(httpx.Request("POST", "http://_", json=body).content)

    before = everything(database)
    unnamed = run(None)
    assert (unnamed.status, unnamed.codes) == (400, ["BAD_USER_INPUT"])
    unknown = run("Drop")
    assert (unknown.status, unknown.codes) == (400, ["BAD_USER_INPUT"])
    assert everything(database) == before
    assert run("Rename").data == {"updateStudent": {"__typename": "UpdateStudentSuccess"}}
    assert run("Read").data == {"student": {"name": "After"}}


def test_a_mutation_by_get_is_refused_and_changes_nothing(server: Server, database: Database) -> None:
    before = everything(database)
    document = quote('mutation { createStudent(input: {name: "Got"}) { __typename } }')
    headers = {"Accept": "application/graphql-response+json", "Apollo-Require-Preflight": "1"}
    response = httpx.get(f"{server.url}/graphql?query={document}", headers=headers, timeout=60)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert answer_of(response).codes == ["BAD_REQUEST"]
    assert everything(database) == before


def test_an_invalid_document_runs_none_of_its_mutations(client: GraphQLClient, database: Database) -> None:
    before = everything(database)
    answer = client.execute(
        'mutation { a: createStudent(input: {name: "A"}) { __typename } b: createStudent(input: {nome: "B"}) { id } }'
    )
    assert (answer.status, set(answer.codes)) == (400, {"GRAPHQL_VALIDATION_FAILED"})
    assert everything(database) == before
