"""Who takes what. All of it follows from the ids, so every answer can be foretold, and any size is quickly made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

COURSES_PER_STUDENT: Final = 8

STUDENTS_PER_COURSE_ON_OFFER: Final = 40
"""500 courses for 20,000 students. A larger school offers more courses: in each there are 320 students at any size."""

CAPACITY: Final = 1_000_000
"""Of every second course, so that its seats have to be counted; the others have none. No course fills up."""

FIRST_DAY: Final = datetime(2023, 1, 1, tzinfo=UTC)

_GIVEN: Final = (
    "Ada",
    "Amélie",
    "Björn",
    "Chloé",
    "Dana",
    "Edsger",
    "Fatima",
    "Grace",
    "Hedy",
    "João",
    "Olga",
    "Søren",
)
_FAMILY: Final = (
    "Lovelace",
    "García",
    "Schmidt",
    "Hopper",
    "Kovač",
    "Silva",
    "Johnson",
    "O'Neil",
    "Okafor",
    "Tanaka",
    "Wu",
)
_SUBJECTS: Final = (
    "Algebra",
    "Cell Biology",
    "Database Systems",
    "Film & Media",
    "Geometry",
    "World History",
    "Networks",
)


class StudentRow(NamedTuple):
    """A row of students."""

    id: int
    name: str
    email: str
    created_at: datetime


class CourseRow(NamedTuple):
    """A row of courses."""

    id: int
    code: str
    title: str
    credits: int
    capacity: int | None
    created_at: datetime


class AssignmentRow(NamedTuple):
    """A row of student_courses."""

    student_id: int
    course_id: int
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class Population:
    """A school of so many students, with the courses that so many need; ids count from 1."""

    students: int

    def __post_init__(self) -> None:
        if self.courses < COURSES_PER_STUDENT:
            raise ValueError(f"at least {COURSES_PER_STUDENT * STUDENTS_PER_COURSE_ON_OFFER} students are needed")

    @property
    def courses(self) -> int:
        """How many courses are on offer."""
        return self.students // STUDENTS_PER_COURSE_ON_OFFER

    def student(self, id_: int) -> StudentRow:
        """The student with this id."""
        name = f"{_GIVEN[id_ % len(_GIVEN)]} {_FAMILY[id_ % len(_FAMILY)]}"
        return StudentRow(id_, name, f"student{id_}@example.org", FIRST_DAY + timedelta(seconds=id_))

    def course(self, id_: int) -> CourseRow:
        """The course with this id."""
        subject = _SUBJECTS[id_ % len(_SUBJECTS)]
        capacity = None if id_ % 2 else CAPACITY
        title = f"{subject} {100 + id_}"
        return CourseRow(id_, f"{subject[:3].upper()}-{id_}", title, 1 + id_ % 6, capacity, FIRST_DAY)

    def courses_of(self, student_id: int) -> list[int]:
        """The ids of the courses that this student takes, in order; scattered over all courses."""
        # Knuth's multiplicative hash. Eight steps of this width stay within one round, so all eight are different.
        scattered = student_id * 2_654_435_761 & 0xFFFF_FFFF
        step = 1 + (scattered >> 16) % ((self.courses - 1) // (COURSES_PER_STUDENT - 1))
        return sorted((scattered + place * step) % self.courses + 1 for place in range(COURSES_PER_STUDENT))

    def all_students(self) -> Iterator[StudentRow]:
        """All students, in order of id."""
        return map(self.student, range(1, self.students + 1))

    def all_courses(self) -> Iterator[CourseRow]:
        """All courses, in order of id."""
        return map(self.course, range(1, self.courses + 1))

    def all_assignments(self) -> Iterator[AssignmentRow]:
        """All assignments, in order of student and course."""
        for student_id in range(1, self.students + 1):
            for course_id in self.courses_of(student_id):
                yield AssignmentRow(student_id, course_id, FIRST_DAY)

    def students_of(self, course_ids: range) -> dict[int, list[int]]:
        """The ids of the students of each of these courses, in order; looks at all students, a second per million."""
        found: dict[int, list[int]] = {course_id: [] for course_id in course_ids}
        for student_id in range(1, self.students + 1):
            for course_id in self.courses_of(student_id):
                if course_id in found:
                    found[course_id].append(student_id)
        return found
