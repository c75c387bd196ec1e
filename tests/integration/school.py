"""A few students and courses, made through the API for one test, in a database that others use too."""

import itertools
import os
from dataclasses import dataclass
from typing import Any, Self

from tests.integration.graphql_client import GraphQLClient
from tests.integration.sdl import MUTATIONS, whole

_NUMBERS = itertools.count(1)

ABSENT_STUDENT = "c3R1OTk5OTk5OTk5"
"""The id that student 999,999,999 would have."""

ABSENT_COURSE = "Y3JzOTk5OTk5OTk5"
"""The id that course 999,999,999 would have."""


def unique(text: str) -> str:
    """A text that no other row holds: for codes, sourcedIds, and what stands before the @ of an address."""
    return f"{text}-{os.getpid()}-{next(_NUMBERS)}"


def made(client: GraphQLClient, mutation: str, /, **input_: Any) -> dict[str, Any]:
    """All that can be asked of what a mutation answers."""
    return client.mutate(mutation, whole(MUTATIONS[mutation].type)[1:-1], **input_)


def new_student(client: GraphQLClient, **input_: Any) -> dict[str, Any]:
    """A student as the API shows it."""
    student: dict[str, Any] = made(client, "createStudent", **{"name": "Ada", **input_})["student"]
    return student


def new_course(client: GraphQLClient, **input_: Any) -> dict[str, Any]:
    """A course as the API shows it."""
    course: dict[str, Any] = made(client, "createCourse", **{"code": unique("C"), "title": "Logic", **input_})["course"]
    return course


def new_students(client: GraphQLClient, number: int) -> list[str]:
    """The ids of so many students, made in a few requests."""
    ids: list[str] = []
    for begin in range(0, number, 50):
        names = range(begin, min(begin + 50, number))
        fields = " ".join(f's{i}: createStudent(input: {{name: "Student {i}"}}) {{ ...made }}' for i in names)
        fragment = "fragment made on CreateStudentSuccess { student { id } }"
        answers = client.execute(f"mutation {{ {fields} }} {fragment}").data.values()
        ids += [answer["student"]["id"] for answer in answers]
    return ids


@dataclass(frozen=True)
class School:
    """Ada has the only seat of `full`; Bob takes nothing; nobody takes `open`."""

    ada: dict[str, Any]
    bob: dict[str, Any]
    full: dict[str, Any]
    open: dict[str, Any]
    assigned_at: str

    @classmethod
    def founded(cls, client: GraphQLClient) -> Self:
        """Make the rows."""
        ada = new_student(client, email=f"{unique('ada')}@example.org", sourcedId=unique("ada"))
        bob = new_student(client, name="Bob", email=f"{unique('bob')}@example.org", sourcedId=unique("bob"))
        full = new_course(client, title="Full", credits=5, capacity=1, sourcedId=unique("full"))
        open_ = new_course(client, title="Open", credits=3, capacity=30, sourcedId=unique("open"))
        seat = made(client, "assignCourse", studentId=ada["id"], courseId=full["id"])
        assert seat["__typename"] == "AssignCourseSuccess"
        return cls(ada, bob, full | {"seatsTaken": 1}, open_, seat["assignedAt"])
