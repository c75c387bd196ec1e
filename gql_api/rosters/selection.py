"""Which rows of a bundle become students, courses and assignments, and what will be stored of them.

Students are the users with the role student. A course's code is its courseCode, or else its sourcedId. Enrolments are
to classes; those of one student to several classes of one course are one assignment, from the earliest day that any of
them states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, Table, delete, func, select

from gql_api.errors import InvalidInput
from gql_api.rosters.oneroster import STUDENT
from gql_api.rosters.references import sentence
from gql_api.rosters.scratch import BATCH_ROWS, FaultInFile, Scratch, Standing
from gql_api.services.input_rules import email_address, required_text


class SelectedAssignment(NamedTuple):
    """An assignment; `assigned_at` is None where no enrolment states a day, `line` is that of the first enrolment."""

    student_sourced_id: str
    course_sourced_id: str
    assigned_at: datetime | None
    line: int
    enrollments: int


def select_students(scratch: Scratch) -> None:
    """Fill `scratch.students`; report users whose name or address cannot be stored, or whose address is repeated."""
    users, students = scratch.files["users"], scratch.students
    names: list[ColumnElement[str]] = [users.c.givenName, users.c.familyName]
    if "preferredGivenName" in users.c:  # from 1.2 on
        names = [
            func.coalesce(users.c.preferredGivenName, users.c.givenName),
            func.coalesce(users.c.preferredFamilyName, users.c.familyName),
        ]
    found = select(users.c.line, users.c.sourcedId, *names, users.c.email).where(*_is_student(scratch))
    _store(scratch, "users", students, found, _student)
    _report_repeats(scratch, "users", "email", students, students.c.email)
    scratch.create_index(students.c.sourced_id)


def select_courses(scratch: Scratch) -> None:
    """Fill `scratch.courses`; report rows whose code or title cannot be stored, or whose code is repeated."""
    rows, courses = scratch.files["courses"], scratch.courses
    extensions = (rows.c["metadata.credits"], rows.c["metadata.capacity"])
    found = select(rows.c.line, rows.c.sourcedId, rows.c.courseCode, rows.c.title, *extensions)
    _store(scratch, "courses", courses, found.where(rows.c.standing == Standing.SOUND), _course)
    _report_repeats(scratch, "courses", "courseCode", courses, courses.c.code)
    scratch.create_index(courses.c.sourced_id)


def selected_assignments(scratch: Scratch) -> Iterator[SelectedAssignment]:
    """Give each student's assignment to each course once; to be called when nothing is left to be reported."""
    enrollments, classes = scratch.files["enrollments"], scratch.files["classes"]
    students, courses = scratch.students, scratch.courses
    day = func.coalesce(enrollments.c.beginDate, enrollments.c["metadata.registrationDate"])
    statement = (
        select(
            students.c.sourced_id,
            courses.c.sourced_id,
            func.min(day),  # written year first, days sort as texts do
            func.min(enrollments.c.line),
            func.count(),
        )
        .select_from(enrollments)
        .join(classes, classes.c.sourcedId == enrollments.c.classSourcedId)
        .join(students, students.c.sourced_id == enrollments.c.userSourcedId)
        .join(courses, courses.c.sourced_id == classes.c.courseSourcedId)
        .where(enrollments.c.standing == Standing.SOUND, enrollments.c.role == STUDENT)
        .where(classes.c.standing == Standing.SOUND)
        .group_by(students.c.sourced_id, courses.c.sourced_id)
    )
    for student, course, first_day, line, count in scratch.rows(statement):
        yield SelectedAssignment(student, course, None if first_day is None else _midnight(first_day), line, count)


def _is_student(scratch: Scratch) -> list[ColumnElement[bool]]:
    users = scratch.files["users"]
    sound = users.c.standing == Standing.SOUND
    if "roles" not in scratch.files:  # 1.1
        return [sound, users.c.role == STUDENT]
    roles = scratch.files["roles"]
    given = select(roles.c.userSourcedId).where(roles.c.standing == Standing.SOUND, roles.c.role == STUDENT)
    return [sound, users.c.sourcedId.in_(given)]


def _student(row: Row[*tuple[Any, ...]]) -> tuple[Any, ...]:
    line, sourced_id, given_name, family_name, email = row
    name = required_text("givenName, familyName", f"{given_name.strip()} {family_name.strip()}")
    return line, sourced_id, name, email_address("email", email)


def _course(row: Row[*tuple[Any, ...]]) -> tuple[Any, ...]:
    line, sourced_id, code, title, credits_, capacity = row
    code = required_text("courseCode", sourced_id if code is None else code)
    numbers = (None if number is None else int(number) for number in (credits_, capacity))
    return line, sourced_id, code, required_text("title", title), *numbers


def _store(
    scratch: Scratch,
    file: str,
    table: Table,
    found: Select[Any],
    stored: Callable[[Row[*tuple[Any, ...]]], tuple[Any, ...]],
) -> None:
    """Fill `table` with what is to be `stored` of the rows found, and report those of which it cannot be."""
    rows: list[tuple[Any, ...]] = []
    faults: list[FaultInFile] = []
    for row in scratch.rows(found):
        try:
            rows.append(stored(row))
        except InvalidInput as invalid:
            rule = invalid.message.removesuffix(".")
            faults.append(FaultInFile(file, row.line, invalid.field, rule, "", Standing.FAULTY))
        if len(rows) + len(faults) >= BATCH_ROWS:
            scratch.add(table, rows)
            scratch.report(faults)
            rows, faults = [], []
    scratch.add(table, rows)
    scratch.report(faults)
    scratch.mark(file)


def _report_repeats(scratch: Scratch, file: str, column: str, table: Table, value: ColumnElement[str]) -> None:
    """Report the rows whose value an earlier row has, and select them no longer."""
    first = (
        select(value.label("value"), func.min(table.c.line).label("line"))
        .where(value.is_not(None))
        .group_by(value)
        .having(func.count() > 1)
        .subquery()
    )
    found = (
        select(table.c.line, sentence("must be unique, but stands on line ", first.c.line, " already"))
        .add_columns(value)
        .join(first, first.c.value == value)
        .where(table.c.line > first.c.line)
    )
    scratch.report_selected(file, column, found)
    unsound = select(scratch.files[file].c.line).where(scratch.files[file].c.standing != Standing.SOUND)
    scratch.execute(delete(table).where(table.c.line.in_(unsound)))


@lru_cache(maxsize=4096)
def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
