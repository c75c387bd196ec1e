"""The question this API is there for: who takes which course."""

import re
from typing import Any

import pytest

from gql_api.database.migrate import revisions
from tests.database_fixtures import Databases
from tests.integration.graphql_client import GraphQLClient
from tests.server import Server, gql_api, serving

REVISIONS = [revision.revision for revision in revisions()]

COURSES = """
query ($id: ID!) {
  student(id: $id) {
    name
    courses { totalCount edges { assignedAt node { code title seatsTaken } } pageInfo { hasNextPage hasPreviousPage } }
  }
}
"""

STUDENTS = """
query ($id: ID!) {
  course(id: $id) { seatsTaken students(orderBy: [{field: NAME}]) { totalCount edges { assignedAt node { name } } } }
}
"""

ASSIGN = "... on AssignCourseSuccess { assignedAt alreadyAssigned student { name } course { code } }"


def take_the_journey(client: GraphQLClient) -> None:
    made = client.execute("""
        mutation {
          ada: createStudent(input: {name: "Ada"}) { ... on CreateStudentSuccess { student { id } } }
          logic: createCourse(input: {code: "JOURNEY", title: "Logic", capacity: 2}) {
            ... on CreateCourseSuccess { course { id } }
          }
        }""").data
    ada, logic = made["ada"]["student"]["id"], made["logic"]["course"]["id"]
    no_courses: dict[str, Any] = {
        "totalCount": 0,
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False},
    }
    assert client.execute(COURSES, id=ada).data == {"student": {"name": "Ada", "courses": no_courses}}

    assigned = client.mutate("assignCourse", ASSIGN, studentId=ada, courseId=logic)

    assigned_at = assigned["assignedAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", assigned_at)
    assert assigned == {
        "__typename": "AssignCourseSuccess",
        "assignedAt": assigned_at,
        "alreadyAssigned": False,
        "student": {"name": "Ada"},
        "course": {"code": "JOURNEY"},
    }
    logic_of_ada = {"assignedAt": assigned_at, "node": {"code": "JOURNEY", "title": "Logic", "seatsTaken": 1}}
    assert client.execute(COURSES, id=ada).data == {
        "student": {"name": "Ada", "courses": no_courses | {"totalCount": 1, "edges": [logic_of_ada]}}
    }
    ada_in_logic = {"assignedAt": assigned_at, "node": {"name": "Ada"}}
    assert client.execute(STUDENTS, id=logic).data == {
        "course": {"seatsTaken": 1, "students": {"totalCount": 1, "edges": [ada_in_logic]}}
    }


def test_what_is_assigned_is_seen_from_both_sides(client: GraphQLClient) -> None:
    take_the_journey(client)


def test_a_new_installation_is_migrated_served_verified_and_served_again(databases: Databases) -> None:
    with databases.empty() as url:
        assert gql_api("migrate", database_url=url).stdout == "".join(
            f"Applied {revision}.\n" for revision in REVISIONS
        )
        with serving(url) as server, GraphQLClient(server) as client:
            take_the_journey(client)
        verified = gql_api("verify", database_url=url)
        assert (verified.returncode, verified.stderr) == (0, "")
        with serving(url) as server, GraphQLClient(server) as client:
            seen = client.execute('{ courses(filter: {code: {eq: "JOURNEY"}}) { nodes { seatsTaken } } }').data
            assert seen == {"courses": {"nodes": [{"seatsTaken": 1}]}}


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_a_server_that_can_work_says_so(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "revision": REVISIONS[-1]})
    assert answer.headers["cache-control"] == "no-store"
