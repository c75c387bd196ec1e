"""Many callers at the same moment: no seat is given twice, and nobody gets another answer than the true one."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from gql_api.database.address import Dialect, parse_database_url
from tests.database.lock_holder import write_lock_held_by_another_process
from tests.database_fixtures import Databases
from tests.integration.graphql_client import GraphQLClient, connect_asynchronously, execute
from tests.integration.school import new_course, new_students
from tests.integration.stored import connected, everything
from tests.server import Server, gql_api, serving

CALLERS = 50

ASSIGN = """
mutation ($student: ID!, $course: ID!) {
  assignCourse(input: {studentId: $student, courseId: $course}) {
    __typename
    ... on AssignCourseSuccess { assignedAt alreadyAssigned }
    ... on CourseFull { message capacity }
  }
}
"""

ASSIGN_MANY = """
mutation ($pairs: [AssignCourseInput!]!) {
  assignCourses(input: {assignments: $pairs}) { ... on AssignCoursesSuccess { assignedCount } }
}
"""


@pytest.fixture(scope="module", params=["sqlite-1", "sqlite-2", "postgresql-1", "postgresql-2"])
def contended(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with one worker or two; when all is over its database is verified."""
    dialect, workers = request.param.split("-")
    databases: Databases = request.getfixturevalue(f"{dialect}_databases")
    with databases.migrated() as url:
        # A connection for each caller: with ten of them, ten callers would be let in at a time, and ten seats be right
        # by accident.
        with serving(url, "--workers", workers, pool_size=CALLERS) as server:
            yield server
        verified = gql_api("verify", database_url=url)
        assert verified.returncode == 0, verified.stdout


@pytest.fixture
def client(contended: Server) -> Iterator[GraphQLClient]:
    with GraphQLClient(contended) as client:
        yield client


def at_once(server: Server, document: str, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The data of all calls, which were sent by as many connections at the same moment."""

    async def call_all() -> list[dict[str, Any]]:
        async with connect_asynchronously(server, connections=len(calls)) as http:
            # The connections first, so that what races is the mutations alone.
            await asyncio.gather(*(execute(http, "{ __typename }") for _ in calls))
            return [
                answer.data for answer in await asyncio.gather(*(execute(http, document, **call) for call in calls))
            ]

    return asyncio.run(call_all())


@contextmanager
def gate(database_url: str) -> Iterator[None]:
    """Let nobody assign anyone before the end of the block, whose callers then go on all at once."""
    address = parse_database_url(database_url)
    if address.dialect is Dialect.SQLITE:
        with write_lock_held_by_another_process(address.file):
            yield
            time.sleep(0.5)
        return
    with connected(database_url) as gatekeeper, connected(database_url) as onlooker:
        gatekeeper.run("BEGIN")
        gatekeeper.run("LOCK TABLE student_courses IN SHARE MODE")
        yield
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        deadline = time.monotonic() + 3  # whoever has waited for five seconds gives up
        while len(onlooker.run(waiting)) < CALLERS and time.monotonic() < deadline:
            time.sleep(0.02)
        gatekeeper.run("ROLLBACK")


def test_ten_seats_are_given_to_ten_of_fifty_callers(contended: Server, client: GraphQLClient) -> None:
    students = new_students(client, CALLERS)
    course = new_course(client, capacity=10)["id"]
    calls = [{"student": student, "course": course} for student in students]
    with ThreadPoolExecutor(1) as pool:
        with gate(contended.database_url):
            answering = pool.submit(at_once, contended, ASSIGN, calls)
        answers = answering.result()
    assert Counter(answer["assignCourse"]["__typename"] for answer in answers) == {
        "AssignCourseSuccess": 10,
        "CourseFull": 40,
    }
    seated = {student for student, answer in zip(students, answers, strict=True) if is_success(answer)}
    document = "query ($id: ID!) { course(id: $id) { seatsTaken students { nodes { id } } } }"
    seen = client.execute(document, id=course).data["course"]
    assert seen["seatsTaken"] == 10
    assert {node["id"] for node in seen["students"]["nodes"]} == seated


def is_success(answer: dict[str, Any]) -> bool:
    return bool(answer["assignCourse"]["__typename"] == "AssignCourseSuccess")


def test_one_student_asking_fifty_times_is_assigned_once(contended: Server, client: GraphQLClient) -> None:
    for capacity in (1, None):
        course = new_course(client, capacity=capacity)
        (student,) = new_students(client, 1)
        answers = at_once(contended, ASSIGN, [{"student": student, "course": course["id"]}] * CALLERS)
        successes = [answer["assignCourse"] for answer in answers]
        assert Counter(success["alreadyAssigned"] for success in successes) == {False: 1, True: CALLERS - 1}
        assert len({success["assignedAt"] for success in successes}) == 1


def test_batches_that_name_the_same_courses_in_other_orders_do_not_block_each_other(
    contended: Server, client: GraphQLClient
) -> None:
    courses = [new_course(client, capacity=capacity)["id"] for capacity in (25, 30, None, 20)]
    students = new_students(client, 40)
    batches = []
    for i in range(20):
        named = courses if i % 2 else courses[::-1]
        mine = students[i : i + 20]
        batches.append({"pairs": [{"studentId": student, "courseId": course} for course in named for student in mine]})
    answers = at_once(contended, ASSIGN_MANY, batches)
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Course { seatsTaken } } }"
    taken = [course["seatsTaken"] for course in client.execute(document, ids=courses).data["nodes"]]
    assert taken == [25, 30, 39, 20]
    assert sum(answer["assignCourses"]["assignedCount"] for answer in answers) == sum(taken)


def test_one_of_many_new_students_gets_an_address(contended: Server) -> None:
    document = 'mutation { createStudent(input: {name: "Twin", email: "twin@example.org"}) { __typename } }'
    answers = at_once(contended, document, [{}] * 20)
    assert Counter(answer["createStudent"]["__typename"] for answer in answers) == {
        "CreateStudentSuccess": 1,
        "EmailTaken": 19,
    }


def test_deleting_a_course_while_it_is_assigned_leaves_no_assignment_behind(
    contended: Server, client: GraphQLClient
) -> None:
    students = new_students(client, CALLERS)
    course = new_course(client, capacity=40)
    delete = "mutation ($course: ID!) { deleteCourse(input: {id: $course}) { __typename } }"

    async def race() -> list[dict[str, Any]]:
        async with connect_asynchronously(contended, connections=CALLERS + 1) as http:
            calls = [execute(http, ASSIGN, student=student, course=course["id"]) for student in students]
            calls.insert(CALLERS // 2, execute(http, delete, course=course["id"]))
            return [answer.data for answer in await asyncio.gather(*calls)]

    answers = asyncio.run(race())
    kinds = Counter(value["__typename"] for answer in answers for value in answer.values())
    assert kinds["DeleteCourseSuccess"] == 1
    assert set(kinds) <= {"DeleteCourseSuccess", "AssignCourseSuccess", "CourseFull", "CourseNotFound"}
    with connected(contended.database_url) as database:
        assert course["databaseId"] not in {course_id for _, course_id, *_ in everything(database)["student_courses"]}
