"""Callers who read and assign all the time, and remember what they were told."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import httpx

from tests.integration.graphql_client import Addressed, GraphQLClient, answer_of
from tests.integration.school import new_course, new_students

ASSIGN = """
mutation ($student: ID!, $course: ID!) {
  assignCourse(input: {studentId: $student, courseId: $course}) {
    __typename
    ... on AssignCourseSuccess { student { databaseId } course { databaseId } }
  }
}
"""
READ = "query ($id: ID!) { student(id: $id) { name courses { nodes { code } } } }"

PAUSE_SECONDS = 0.002
TIMEOUT_SECONDS = 30

Pair = tuple[int, int]


class Told(NamedTuple):
    """What one caller was told: in one word, and after how long."""

    outcome: str
    seconds: float


@dataclass(frozen=True)
class Roll:
    """Students and courses of a database, of which each pair may be assigned once."""

    students: list[str]
    courses: list[str]

    @classmethod
    def made(cls, server: Addressed, *, students: int, capacities: list[int | None]) -> Self:
        """Make them through the API."""
        with GraphQLClient(server) as client:
            courses = [str(new_course(client, capacity=capacity)["id"]) for capacity in capacities]
            return cls(new_students(client, students), courses)


@dataclass
class Load:
    """Threads that call a server until the block ends.

    Attributes:
        acknowledged: the pairs (student, course) of which a caller was told that they are assigned.
        told: what all were told: `done`, `full`, `read`, `passing` (a clean 503), `unknown` (whether it was done), or
            `cut off` (the connection broke).
    """

    roll: Roll
    callers: int = 4
    acknowledged: list[Pair] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    _calls: Any = None

    def __post_init__(self) -> None:
        pairs = [(student, course) for student in self.roll.students for course in self.roll.courses]
        # Twice each: what is assigned already has to be told so, and stays once.
        self._calls = iter(itertools.cycle([call for pair in pairs for call in (pair, pair)]))

    def on(self, url: str) -> _Calling:
        """Call the server at this address for as long as the block lasts."""
        return _Calling(self, url)

    @property
    def outcomes(self) -> Counter[str]:
        """How often each outcome was told."""
        return Counter(told.outcome for told in self.told)

    def call(self, http: httpx.Client, number: int) -> None:
        """One call, remembered."""
        student, course = next(self._calls)
        began = time.monotonic()
        reads = number % 4 == 0
        document, variables = (READ, {"id": student}) if reads else (ASSIGN, {"student": student, "course": course})
        try:
            outcome = self._outcome(http.post("/graphql", json={"query": document, "variables": variables}))
        except httpx.TransportError:
            outcome = "cut off"
        self.told.append(Told(outcome, time.monotonic() - began))

    def _outcome(self, response: httpx.Response) -> str:
        answer = answer_of(response)
        if answer.codes:
            [error] = answer.body["errors"]
            assert error["extensions"]["code"] == "OVERLOADED", error
            if "outcome" in error["extensions"]:
                return "unknown"
            if answer.status == 503:
                assert response.headers["retry-after"] == "1"
                return "passing"
            assert len(error["path"]) > 1, answer  # it was done, and then its answer could not be read
            return "unknown"
        if "student" in answer.data:
            return "read"
        result = answer.data["assignCourse"]
        if result["__typename"] == "AssignCourseSuccess":
            self.acknowledged.append((result["student"]["databaseId"], result["course"]["databaseId"]))
            return "done"
        assert result["__typename"] == "CourseFull", result
        return "full"


class _Calling:
    def __init__(self, load: Load, url: str) -> None:
        self._load = load
        self._url = url
        self._ended = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(load.callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
        for error in self._errors:
            raise error

    def _call(self) -> None:
        headers = {"Accept": "application/graphql-response+json"}
        try:
            with httpx.Client(base_url=self._url, timeout=TIMEOUT_SECONDS, headers=headers) as http:
                for number in itertools.count():
                    if self._ended.is_set():
                        return
                    self._load.call(http, number)
                    time.sleep(PAUSE_SECONDS)
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            self._errors.append(error)
