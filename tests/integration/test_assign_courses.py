"""Many pairs at once: one transaction, an answer for each pair, in their order."""

from collections import Counter
from typing import Any
from unittest.mock import ANY

from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import ABSENT_COURSE, ABSENT_STUDENT, School, new_course, new_students
from tests.integration.stored import Database, everything

ASSIGN = """
mutation ($pairs: [AssignCourseInput!]!) {
  assignCourses(input: {assignments: $pairs}) {
    __typename
    ... on AssignCoursesSuccess {
      assignedCount
      results {
        __typename
        ... on AssignCourseSuccess { alreadyAssigned assignedAt student { id } course { id } }
        ... on CourseFull { message capacity course { id } }
        ... on Error { message }
      }
    }
    ... on InvalidInput { message field }
  }
}
"""


def pair(student_id: str, course_id: str) -> dict[str, str]:
    return {"studentId": student_id, "courseId": course_id}


def assign(client: GraphQLClient, pairs: list[dict[str, str]]) -> dict[str, Any]:
    answer: dict[str, Any] = client.execute(ASSIGN, pairs=pairs).data["assignCourses"]
    return answer


def test_each_pair_is_answered_as_if_it_had_come_alone_and_in_its_turn(client: GraphQLClient) -> None:
    school = School.founded(client)
    one_seat = new_course(client, capacity=1)
    ada, bob, open_ = school.ada["id"], school.bob["id"], school.open["id"]
    answer = assign(
        client,
        [
            pair(ada, open_),
            pair(bob, school.full["id"]),
            pair(ABSENT_STUDENT, open_),
            pair(bob, ABSENT_COURSE),
            pair(bob, one_seat["id"]),
            pair(ada, one_seat["id"]),
            pair(bob, one_seat["id"]),
            pair(ada, school.full["id"]),
            pair(ada, open_),
        ],
    )

    def assigned(student_id: str, course_id: str, *, already: bool, at: Any = ANY) -> dict[str, Any]:
        return {
            "__typename": "AssignCourseSuccess",
            "alreadyAssigned": already,
            "assignedAt": at,
            "student": {"id": student_id},
            "course": {"id": course_id},
        }

    def full(course_id: str) -> dict[str, Any]:
        return {
            "__typename": "CourseFull",
            "message": "All 1 seats of this course are taken.",
            "capacity": 1,
            "course": {"id": course_id},
        }

    assert answer == {
        "__typename": "AssignCoursesSuccess",
        "assignedCount": 2,
        "results": [
            assigned(ada, open_, already=False),
            full(school.full["id"]),
            {"__typename": "StudentNotFound", "message": "No student has this id."},
            {"__typename": "CourseNotFound", "message": "No course has this id."},
            assigned(bob, one_seat["id"], already=False),
            full(one_seat["id"]),
            assigned(bob, one_seat["id"], already=True),
            assigned(ada, school.full["id"], already=True, at=school.assigned_at),
            assigned(ada, open_, already=True),
        ],
    }
    results = answer["results"]
    assert results[0]["assignedAt"] == results[8]["assignedAt"]
    assert results[4]["assignedAt"] == results[6]["assignedAt"]


def test_a_thousand_pairs_are_taken_and_one_more_is_not(client: GraphQLClient, database: Database) -> None:
    students = new_students(client, 250)
    courses = [new_course(client, capacity=capacity)["id"] for capacity in (None, 300, 250, 100)]
    pairs = [pair(student, course) for student in students for course in courses]
    assert len(pairs) == 1000

    before = everything(database)
    refused = assign(client, [*pairs, pairs[0]])
    assert refused == {
        "__typename": "InvalidInput",
        "message": "assignments has 1001 entries; it must have 1 to 1000.",
        "field": "assignments",
    }
    assert everything(database) == before

    answer = assign(client, pairs)
    assert answer["assignedCount"] == 850
    assert Counter(result["__typename"] for result in answer["results"]) == {
        "AssignCourseSuccess": 850,
        "CourseFull": 150,
    }
    assert [result["__typename"] for result in answer["results"][396:404]] == [
        *["AssignCourseSuccess"] * 4,
        *["AssignCourseSuccess"] * 3,
        "CourseFull",
    ]
    again = assign(client, pairs)
    assert again["assignedCount"] == 0
    assert [result | {"alreadyAssigned": True} for result in answer["results"][:4]] == again["results"][:4]


def test_a_malformed_id_among_many_is_named_and_nothing_is_assigned(client: GraphQLClient, database: Database) -> None:
    school = School.founded(client)
    before = everything(database)
    good = pair(school.bob["id"], school.open["id"])
    answer = client.execute(ASSIGN, pairs=[good, pair(school.bob["id"], school.ada["id"]), good])
    assert (answer.status, answer.body["data"], answer.codes) == (200, None, ["BAD_USER_INPUT"])
    assert answer.messages == ["`assignments[1].courseId` is the id of a Student; the id of a Course is needed."]
    assert everything(database) == before
