"""The Python client gql, as its users set it up, against the program as it is served. It needs no Node."""

from contextlib import aclosing
from typing import Any

from gql import gql

from tests.clients.gql_client import connect, course_assignments, read_schema
from tests.server import ROOT

COURSES = """
query ($id: ID!, $after: String) {
  student(id: $id) {
    courses(first: 2, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } }
  }
}
"""
ASSIGN = """
mutation ($input: AssignCourseInput!) {
  assignCourse(input: $input) {
    __typename
    ... on AssignCourseSuccess { alreadyAssigned course { id seatsTaken } }
    ... on CourseFull { capacity }
    ... on Error { message }
  }
}
"""


async def test_gql_pages_assigns_and_listens(school: dict[str, str]) -> None:
    url, student, after = school["url"], school["studentId"], school["after"]
    schema = read_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))

    async with connect(url, schema) as session, aclosing(course_assignments(url, student, after)) as events:

        async def courses(after: str | None = None) -> Any:
            request = gql(COURSES)
            request.variable_values = {"id": student, "after": after}
            return (await session.execute(request))["student"]["courses"]

        async def assign(course: str) -> Any:
            request = gql(ASSIGN)
            request.variable_values = {"input": {"studentId": student, "courseId": course}}
            return (await session.execute(request))["assignCourse"]

        first = await courses()
        second = await courses(first["pageInfo"]["endCursor"])
        assert [[node["title"] for node in page["nodes"]] for page in (first, second)] == [
            ["Logic", "Algebra"],
            ["Drawing"],
        ]
        missed = [(await anext(events))["course"]["title"] for _ in range(3)]
        assert missed == ["Logic", "Algebra", "Drawing"]
        assert await assign(school["openId"]) == {
            "__typename": "AssignCourseSuccess",
            "alreadyAssigned": False,
            "course": {"id": school["openId"], "seatsTaken": 1},
        }
        event = await anext(events)
        assert (event["kind"], event["student"], event["course"]) == ("ASSIGNED", {"name": "Ada"}, {"title": "Open"})
        assert await assign(school["fullId"]) == {
            "__typename": "CourseFull",
            "capacity": 0,
            "message": "All 0 seats of this course are taken.",
        }
