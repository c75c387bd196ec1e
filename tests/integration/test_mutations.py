"""Every mutation with every answer it can give, whole, over HTTP."""

from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import ANY

import pytest

from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import ABSENT_COURSE, ABSENT_STUDENT, School, made, new_course, unique
from tests.integration.sdl import MUTATIONS, members
from tests.integration.stored import Database, everything

NO_STUDENT = {"message": "No student has this id."}
NO_COURSE = {"message": "No course has this id."}
EMAIL_TAKEN = "Another student has this e-mail address."
CODE_TAKEN = "Another course has this code."
SOURCED_ID_TAKEN = "Another record has this sourcedId."
IS_EMPTY = "{} is empty; it must have at least one character that is not blank."


class Case(NamedTuple):
    """What is asked of a mutation, and which member of its union it answers with, having which values."""

    mutation: str
    member: str
    input: Callable[[School], dict[str, Any]]
    answer: Callable[[School], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.mutation}-{self.member}"


def refusals(kind: str, required: dict[str, str], unique_field: str, message: str) -> list[Case]:
    """What creating and updating refuse alike, of students or of courses."""

    def mine(school: School) -> dict[str, Any]:
        return school.bob if kind == "Student" else school.open

    def theirs(school: School) -> dict[str, Any]:
        return school.ada if kind == "Student" else school.full

    def written(verb: str, school: School, value: dict[str, Any]) -> dict[str, Any]:
        return (required if verb == "create" else {"id": mine(school)["id"]}) | value

    def taken(verb: str, field: str, message: str) -> Case:
        return Case(
            f"{verb}{kind}",
            f"{field[0].upper()}{field[1:]}Taken",
            lambda school: written(verb, school, {field: theirs(school)[field]}),
            lambda school: {"message": message, field: theirs(school)[field]},
        )

    def invalid(verb: str, field: str) -> Case:
        return Case(
            f"{verb}{kind}",
            "InvalidInput",
            lambda school: written(verb, school, {field: " "}),
            lambda _: {"message": IS_EMPTY.format(field), "field": field},
        )

    return [
        case
        for verb in ("create", "update")
        for case in (
            taken(verb, unique_field, message),
            taken(verb, "sourcedId", SOURCED_ID_TAKEN),
            invalid(verb, next(iter(required))),
        )
    ]


REFUSALS = [
    *refusals("Student", {"name": "Cy"}, "email", EMAIL_TAKEN),
    *refusals("Course", {"title": "Cy", "code": "never stored"}, "code", CODE_TAKEN),
    Case("updateStudent", "StudentNotFound", lambda _: {"id": ABSENT_STUDENT, "name": "Cy"}, lambda _: NO_STUDENT),
    Case("deleteStudent", "StudentNotFound", lambda _: {"id": ABSENT_STUDENT}, lambda _: NO_STUDENT),
    Case("updateCourse", "CourseNotFound", lambda _: {"id": ABSENT_COURSE, "title": "Cy"}, lambda _: NO_COURSE),
    Case("deleteCourse", "CourseNotFound", lambda _: {"id": ABSENT_COURSE}, lambda _: NO_COURSE),
    Case(
        "updateCourse",
        "CapacityBelowSeatsTaken",
        lambda school: {"id": school.full["id"], "capacity": 0, "title": "Too small"},
        lambda _: {
            "message": "1 seats of this course are taken: its capacity cannot become 0.",
            "capacity": 0,
            "seatsTaken": 1,
        },
    ),
    Case(
        "assignCourse",
        "StudentNotFound",
        lambda school: {"studentId": ABSENT_STUDENT, "courseId": school.open["id"]},
        lambda _: NO_STUDENT,
    ),
    Case(
        "assignCourse",
        "CourseNotFound",
        lambda school: {"studentId": school.bob["id"], "courseId": ABSENT_COURSE},
        lambda _: NO_COURSE,
    ),
    Case(
        "assignCourse",
        "CourseFull",
        lambda school: {"studentId": school.bob["id"], "courseId": school.full["id"]},
        lambda school: {"message": "All 1 seats of this course are taken.", "capacity": 1, "course": school.full},
    ),
    Case(
        "unassignCourse",
        "StudentNotFound",
        lambda school: {"studentId": ABSENT_STUDENT, "courseId": school.open["id"]},
        lambda _: NO_STUDENT,
    ),
    Case(
        "unassignCourse",
        "CourseNotFound",
        lambda school: {"studentId": school.bob["id"], "courseId": ABSENT_COURSE},
        lambda _: NO_COURSE,
    ),
    Case(
        "assignCourses",
        "InvalidInput",
        lambda _: {"assignments": []},
        lambda _: {"message": "assignments has 0 entries; it must have 1 to 1000.", "field": "assignments"},
    ),
]

NEW_STUDENT = {"name": "Cy", "email": f"{unique('cy')}@example.org", "sourcedId": unique("cy")}
NEW_COURSE = {"code": unique("CY"), "title": "Cyber", "credits": 7, "capacity": 12, "sourcedId": unique("cy")}
GIVEN_BY_US = {"id": ANY, "databaseId": ANY, "createdAt": ANY}

# Ran once on each database: what they make is unique there.
SUCCESSES = [
    Case(
        "createStudent",
        "CreateStudentSuccess",
        lambda _: NEW_STUDENT,
        lambda _: {"student": NEW_STUDENT | GIVEN_BY_US},
    ),
    Case(
        "updateStudent",
        "UpdateStudentSuccess",
        lambda school: {"id": school.ada["id"], "name": "Ada L.", "email": "l" + school.ada["email"]},
        lambda school: {"student": school.ada | {"name": "Ada L.", "email": "l" + school.ada["email"]}},
    ),
    Case(
        "deleteStudent",
        "DeleteStudentSuccess",
        lambda school: {"id": school.ada["id"]},
        lambda school: {"deletedId": school.ada["id"], "assignmentsRemoved": 1},
    ),
    Case(
        "createCourse",
        "CreateCourseSuccess",
        lambda _: NEW_COURSE,
        lambda _: {"course": NEW_COURSE | GIVEN_BY_US | {"seatsTaken": 0}},
    ),
    Case(
        "updateCourse",
        "UpdateCourseSuccess",
        lambda school: {"id": school.full["id"], "title": "Larger", "capacity": 2, "credits": 0},
        lambda school: {"course": school.full | {"title": "Larger", "capacity": 2, "credits": 0}},
    ),
    Case(
        "deleteCourse",
        "DeleteCourseSuccess",
        lambda school: {"id": school.full["id"]},
        lambda school: {"deletedId": school.full["id"], "assignmentsRemoved": 1},
    ),
    Case(
        "assignCourse",
        "AssignCourseSuccess",
        lambda school: {"studentId": school.bob["id"], "courseId": school.open["id"]},
        lambda school: {
            "student": school.bob,
            "course": school.open | {"seatsTaken": 1},
            "assignedAt": ANY,
            "alreadyAssigned": False,
        },
    ),
    Case(
        "unassignCourse",
        "UnassignCourseSuccess",
        lambda school: {"studentId": school.ada["id"], "courseId": school.full["id"]},
        lambda school: {"student": school.ada, "course": school.full | {"seatsTaken": 0}, "wasAssigned": True},
    ),
    Case(
        "assignCourses",
        "AssignCoursesSuccess",
        lambda school: {"assignments": [{"studentId": school.ada["id"], "courseId": school.full["id"]}]},
        lambda school: {
            "assignedCount": 0,
            "results": [
                {
                    "__typename": "AssignCourseSuccess",
                    "student": school.ada,
                    "course": school.full,
                    "assignedAt": school.assigned_at,
                    "alreadyAssigned": True,
                }
            ],
        },
    ),
]


@pytest.fixture
def school(client: GraphQLClient) -> School:
    return School.founded(client)


def test_every_answer_of_every_mutation_is_tested_here() -> None:
    published = {(mutation, member) for mutation in MUTATIONS for member in members(mutation)}
    assert {(case.mutation, case.member) for case in (*SUCCESSES, *REFUSALS)} == published


@pytest.mark.parametrize("case", SUCCESSES, ids=str)
def test_a_mutation_answers_with_what_it_did(client: GraphQLClient, school: School, case: Case) -> None:
    answer = made(client, case.mutation, **case.input(school))
    assert answer == {"__typename": case.member, **case.answer(school)}
    for shown in (answer.get("student"), answer.get("course")):
        if shown:
            kind = "student" if "name" in shown else "course"
            leaves = " ".join(shown)
            stored = client.execute(f"query ($id: ID!) {{ {kind}(id: $id) {{ {leaves} }} }}", id=shown["id"]).data
            assert stored == {kind: shown}


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refused_mutation_says_why_and_changes_nothing(
    client: GraphQLClient, database: Database, school: School, case: Case
) -> None:
    before = everything(database)
    answer = made(client, case.mutation, **case.input(school))
    assert answer == {"__typename": case.member, **case.answer(school)}
    assert everything(database) == before


ASSIGN = "... on AssignCourseSuccess { assignedAt alreadyAssigned }"


def test_assigning_again_gives_the_first_assignment_even_if_the_course_is_full(
    client: GraphQLClient, database: Database, school: School
) -> None:
    before = everything(database)
    pair = {"studentId": school.ada["id"], "courseId": school.full["id"]}
    for _ in range(2):
        again = client.mutate("assignCourse", ASSIGN, **pair)
        assert again == {
            "__typename": "AssignCourseSuccess",
            "assignedAt": school.assigned_at,
            "alreadyAssigned": True,
        }
    assert everything(database) == before


def test_unassigning_again_changes_nothing(client: GraphQLClient, database: Database, school: School) -> None:
    pair = {"studentId": school.ada["id"], "courseId": school.full["id"]}
    selection = "... on UnassignCourseSuccess { wasAssigned course { seatsTaken } }"
    assert client.mutate("unassignCourse", selection, **pair)["wasAssigned"] is True
    after_the_first = everything(database)
    again = client.mutate("unassignCourse", selection, **pair)
    assert again == {"__typename": "UnassignCourseSuccess", "wasAssigned": False, "course": {"seatsTaken": 0}}
    assert everything(database) == after_the_first


def test_a_seat_that_was_left_can_be_taken(client: GraphQLClient, school: School) -> None:
    made(client, "unassignCourse", studentId=school.ada["id"], courseId=school.full["id"])
    taken = made(client, "assignCourse", studentId=school.bob["id"], courseId=school.full["id"])
    assert (taken["__typename"], taken["course"]["seatsTaken"]) == ("AssignCourseSuccess", 1)


def test_a_deleted_student_leaves_the_courses_and_their_seats_behind(
    client: GraphQLClient, database: Database, school: School
) -> None:
    made(client, "deleteStudent", id=school.ada["id"])
    assert school.ada["databaseId"] not in {student_id for student_id, *_ in everything(database)["student_courses"]}
    seen = client.execute(
        "query ($student: ID!, $course: ID!) {"
        " student(id: $student) { name } node(id: $student) { id } nodes(ids: [$student, $course]) { id }"
        " course(id: $course) { seatsTaken students { totalCount nodes { id } } } }",
        student=school.ada["id"],
        course=school.full["id"],
    ).data
    assert seen == {
        "student": None,
        "node": None,
        "nodes": [None, {"id": school.full["id"]}],
        "course": {"seatsTaken": 0, "students": {"totalCount": 0, "nodes": []}},
    }
    assert made(client, "deleteStudent", id=school.ada["id"])["__typename"] == "StudentNotFound"


def test_a_deleted_course_leaves_its_students_behind(client: GraphQLClient, database: Database, school: School) -> None:
    made(client, "deleteCourse", id=school.full["id"])
    assert school.full["databaseId"] not in {course_id for _, course_id, *_ in everything(database)["student_courses"]}
    seen = client.execute(
        "query ($id: ID!) { student(id: $id) { name courses { totalCount } } }", id=school.ada["id"]
    ).data
    assert seen == {"student": {"name": "Ada", "courses": {"totalCount": 0}}}


def test_the_id_of_what_was_deleted_is_never_used_again(client: GraphQLClient) -> None:
    last = new_course(client)
    made(client, "deleteCourse", id=last["id"])
    assert new_course(client)["databaseId"] > last["databaseId"]


def test_what_a_deleted_record_was_called_is_free_again(client: GraphQLClient, school: School) -> None:
    made(client, "deleteStudent", id=school.ada["id"])
    named = {name: school.ada[name] for name in ("name", "email", "sourcedId")}
    assert made(client, "createStudent", **named)["student"] == named | GIVEN_BY_US
