"""Invented students, courses and assignments: the same for the same numbers, on every machine and database.

Skewed as real ones are: a few courses have most of the students (their popularity follows Zipf's law), and most
students have few courses. All numbers come from Python's Mersenne Twister by way of integer weights, so that no
mathematical library can round them otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Final, NamedTuple, TypeVar

from gql_api.errors import OperatorError
from gql_api.rosters.catalogue import code_and_title
from gql_api.rosters.people import STOCKS, plain

STUDENTS_MAX: Final = 100_000_000
COURSES_MAX: Final = 1_000_000
PER_STUDENT_MAX: Final = 100

FIRST_DAY: Final = datetime(2023, 9, 1, tzinfo=UTC)
"""The beginning of the two years over which students were assigned; records were created in the year before."""

ASSIGNMENT_SECONDS: Final = 2 * 365 * 24 * 3600
CREATION_SECONDS: Final = 365 * 24 * 3600

CREDITS: Final = (2, 3, 3, 4, 5, 5, 5, 6, 10)
DOUBLE_NAME_SHARE: Final = 0.1

WEIGHT: Final = 10**9
"""What is divided to get the weights of popularity and frequency."""

NUMBER_SPREAD: Final = 6
"""No student takes more than so many times the mean number of courses."""

REDRAWS_MAX: Final = 8
"""How often a student who was dealt the same course twice draws again."""

BLOCK_STUDENTS: Final = 1_000
"""Students whose courses are drawn together, which is quicker than one by one."""

CAPACITY_PERIOD: Final = 8
FULL_PLACE: Final = 3
ROOMY_PLACE: Final = 5
"""Of every 8 courses by popularity, the fourth is exactly full, and the sixth has a capacity with seats left."""

T = TypeVar("T")


class StudentInvented(NamedTuple):
    """A row of students."""

    id: int
    name: str
    email: str
    created_at: datetime


class CourseInvented(NamedTuple):
    """A row of courses, without its capacity, which depends on who takes it."""

    id: int
    code: str
    title: str
    credits: int
    created_at: datetime


class AssignmentInvented(NamedTuple):
    """A row of student_courses."""

    student_id: int
    course_id: int
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class Population:
    """How much to invent; equal populations consist of equal people.

    Attributes:
        students: how many.
        courses: how many.
        per_student: how many courses a student takes on average, or somewhat fewer where there are few to choose from.
        seed: what all chance depends on.

    Raises:
        OperatorError: a number is out of its range.
    """

    students: int
    courses: int
    per_student: int
    seed: int

    def __post_init__(self) -> None:
        _check("The number of students", self.students, STUDENTS_MAX)
        _check("The number of courses", self.courses, COURSES_MAX)
        _check("The number of courses per student", self.per_student, min(PER_STUDENT_MAX, self.courses))

    def invent_students(self) -> Iterator[StudentInvented]:
        """Invent the students, in order of id."""
        chance = self._chance("students")
        for id_ in range(1, self.students + 1):
            stock = _one_of(STOCKS, chance)
            given, family = _one_of(stock.given, chance), _one_of(stock.family, chance)
            if chance.random() < DOUBLE_NAME_SHARE:
                family = f"{family}-{_one_of(stock.family, chance)}"
            email = f"{plain(given)}.{plain(family)}.{id_}@example.org"
            yield StudentInvented(id_, f"{given} {family}", email, _created_at(id_, self.students))

    def invent_courses(self) -> Iterator[CourseInvented]:
        """Invent the courses, in order of id."""
        chance = self._chance("courses")
        for id_ in range(1, self.courses + 1):
            code, title = code_and_title(id_ - 1)
            yield CourseInvented(id_, code, title, _one_of(CREDITS, chance), _created_at(id_, self.courses))

    def invent_assignments(self) -> Iterator[AssignmentInvented]:
        """Invent who takes what, in order of student and course."""
        if self.per_student == 0:
            return
        chance = self._chance("assignments")
        courses = self.courses_by_popularity()
        popularity = list(accumulate(WEIGHT // rank for rank in range(1, self.courses + 1)))
        numbers = range(1, min(self.courses, NUMBER_SPREAD * self.per_student) + 1)
        frequency = list(accumulate(_frequencies(self.per_student, len(numbers))))
        for first in range(1, self.students + 1, BLOCK_STUDENTS):
            block = range(first, min(first + BLOCK_STUDENTS, self.students + 1))
            number_of_each = chance.choices(numbers, cum_weights=frequency, k=len(block))
            drawn = iter(chance.choices(courses, cum_weights=popularity, k=sum(number_of_each)))
            for student_id, number in zip(block, number_of_each, strict=True):
                taken = set(islice(drawn, number))
                for _ in range(REDRAWS_MAX):
                    if len(taken) == number:
                        break
                    taken.update(chance.choices(courses, cum_weights=popularity, k=number - len(taken)))
                for course_id in sorted(taken):
                    second = int(chance.random() * ASSIGNMENT_SECONDS)
                    yield AssignmentInvented(student_id, course_id, FIRST_DAY + timedelta(seconds=second))

    def courses_by_popularity(self) -> list[int]:
        """Give the ids of all courses, the most popular first."""
        courses = list(range(1, self.courses + 1))
        self._chance("popularity").shuffle(courses)
        return courses

    def capacities(self, seats_taken: Mapping[int, int]) -> Iterator[tuple[int, int]]:
        """Give the ids and capacities of those courses that can fill up: one in eight is full, one in eight is not.

        Args:
            seats_taken: the number of students by the course's id, of courses that have any.
        """
        for place, course_id in enumerate(self.courses_by_popularity()):
            seats = seats_taken.get(course_id, 0)
            if place % CAPACITY_PERIOD == FULL_PLACE and seats:
                yield course_id, seats
            elif place % CAPACITY_PERIOD == ROOMY_PLACE:
                yield course_id, (seats * 5 // 4 // 10 + 1) * 10

    def _chance(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed} {purpose}")  # noqa: S311 - not a secret


def _check(what: str, number: int, at_most: int) -> None:
    if not 0 <= number <= at_most:
        raise OperatorError(f"{what} is {number:,}; it must be at least 0 and at most {at_most:,}.")


def _one_of(things: Sequence[T], chance: random.Random) -> T:
    return things[int(chance.random() * len(things))]  # a third of the time of random.choice


def _created_at(id_: int, total: int) -> datetime:
    return FIRST_DAY - timedelta(seconds=CREATION_SECONDS - id_ * CREATION_SECONDS // (total + 1))


def _frequencies(mean: int, length: int) -> Iterator[int]:
    """Yield how frequent each number of courses is, from 1 on: falling geometrically, with this mean."""
    frequency = WEIGHT
    for _ in range(length):
        yield frequency
        frequency = frequency * (mean - 1) // mean
