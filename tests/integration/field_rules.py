"""What each field of each object type may show: a new field without a rule is a fault.

A rule gives all values that a field may have for somebody. Which of them stands where it does not tell: for that, whole
answers are compared with those of a school that holds nothing else (`test_leaks.py`).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_event_id, encode_id
from tests.database.school import Row
from tests.integration.watched_school import Case, WatchedSchool, shown

Rule: TypeAlias = Callable[[Case], Collection[Any]]


class _All(Collection[Any]):
    def __contains__(self, _value: object) -> bool:
        return True

    def __iter__(self) -> Any:
        raise TypeError("without end")

    def __len__(self) -> int:
        raise TypeError("without end")


ALL: Final = _All()


def _of(rows: Callable[[WatchedSchool], Collection[Row]], value: str | Callable[[Row], Any]) -> Rule:
    def rule(case: Case) -> Collection[Any]:
        return {shown(row[value] if isinstance(value, str) else value(row)) for row in rows(case.seen)} | {None}

    return rule


def _student(value: str | Callable[[Row], Any]) -> Rule:
    """Of the students who are seen."""
    return _of(lambda seen: seen.students, value)


def _assignment(value: str | Callable[[Row], Any]) -> Rule:
    """Of the assignments of students who are seen."""
    return _of(lambda seen: seen.assignments, value)


def _course(value: str | Callable[[Row], Any]) -> Rule:
    """Of the catalogue, if it is seen."""
    return _of(lambda seen: seen.courses, value)


def _event(value: str | Callable[[Row], Any]) -> Rule:
    """Of the events of students who are seen."""
    return _of(lambda seen: seen.events, value)


def _up_to(rows: Callable[[WatchedSchool], Collection[Row]]) -> Rule:
    """As many as are seen, or fewer."""
    return lambda case: range(len(rows(case.seen)) + 1)


def _seats(case: Case) -> Collection[Any]:
    """Part of the catalogue: how many there are in truth, whoever they are."""
    return range(4) if case.seen.courses else ()


def _changed(case: Case) -> Collection[Any]:
    """What a change answers, for those who may change anything."""
    return ALL if case.changes else ()


def _nothing_of_itself(_case: Case) -> Collection[Any]:
    """Leads to other fields, or tells about what other fields show: places, and whether there are more of the seen."""
    return ALL


_CONNECTIONS: Final[Mapping[str, Rule]] = {
    "StudentConnection": _up_to(lambda seen: seen.students),
    "CourseConnection": _up_to(lambda seen: seen.courses),
    "CourseStudentConnection": _up_to(lambda seen: seen.assignments),
    "StudentCourseConnection": _up_to(lambda seen: seen.assignments),
}
_CHANGES: Final = {
    "AssignCourseSuccess": "student course assignedAt alreadyAssigned",
    "AssignCoursesSuccess": "results assignedCount",
    "CapacityBelowSeatsTaken": "message capacity seatsTaken",
    "CodeTaken": "message code",
    "CourseFull": "message capacity course",
    "CourseNotFound": "message",
    "CreateCourseSuccess": "course",
    "CreateStudentSuccess": "student",
    "DeleteCourseSuccess": "deletedId assignmentsRemoved",
    "DeleteStudentSuccess": "deletedId assignmentsRemoved",
    "EmailTaken": "message email",
    "InvalidInput": "message field",
    "SourcedIdTaken": "message sourcedId",
    "StudentNotFound": "message",
    "UnassignCourseSuccess": "student course wasAssigned",
    "UpdateCourseSuccess": "course",
    "UpdateStudentSuccess": "student",
    "Mutation": "createStudent updateStudent deleteStudent createCourse updateCourse deleteCourse assignCourse "
    "unassignCourse assignCourses",
}

RULES: Final[Mapping[str, Rule]] = {
    "Student.id": _student(lambda row: encode_id(Entity.STUDENT, row["id"])),
    "Student.databaseId": _student("id"),
    "Student.name": _student("name"),
    "Student.email": _student("email"),
    "Student.sourcedId": _student("sourced_id"),
    "Student.createdAt": _student("created_at"),
    "Student.courses": _nothing_of_itself,
    "Course.id": _course(lambda row: encode_id(Entity.COURSE, row["id"])),
    "Course.databaseId": _course("id"),
    "Course.code": _course("code"),
    "Course.title": _course("title"),
    "Course.credits": _course("credits"),
    "Course.capacity": _course("capacity"),
    "Course.sourcedId": _course("sourced_id"),
    "Course.createdAt": _course("created_at"),
    "Course.seatsTaken": _seats,
    "Course.students": _nothing_of_itself,
    **{f"{name}.totalCount": rule for name, rule in _CONNECTIONS.items()},
    **{f"{name}.{field}": _nothing_of_itself for name in _CONNECTIONS for field in ("edges", "nodes", "pageInfo")},
    **{
        f"{name.replace('Connection', 'Edge')}.{field}": _nothing_of_itself
        for name in _CONNECTIONS
        for field in ("node", "cursor")
    },
    "CourseStudentEdge.assignedAt": _assignment("assigned_at"),
    "StudentCourseEdge.assignedAt": _assignment("assigned_at"),
    **{
        f"PageInfo.{field}": _nothing_of_itself
        for field in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")
    },
    **{f"Query.{field}": _nothing_of_itself for field in ("node", "nodes", "student", "students", "course", "courses")},
    "Subscription.courseAssignments": _nothing_of_itself,
    "CourseAssignmentEvent.id": _event(lambda row: encode_event_id(row["id"])),
    "CourseAssignmentEvent.kind": _event("kind"),
    "CourseAssignmentEvent.assignedAt": _event("assigned_at"),
    "CourseAssignmentEvent.occurredAt": _event("occurred_at"),
    "CourseAssignmentEvent.student": _nothing_of_itself,
    "CourseAssignmentEvent.course": _nothing_of_itself,
    **{f"{name}.{field}": _changed for name, fields in _CHANGES.items() for field in fields.split()},
}
