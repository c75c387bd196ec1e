"""Whatever can be asked of the watched school: every path, and every way of asking for more than is one's own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_event_id, encode_id
from gql_api.schema.limits import Limits
from tests.integration.schema_walk import LEVELS_MAX, SCHEMA, Path, paths, selection, type_of
from tests.integration.watched_school import ADA, BOB, EVERYTHING, LOGIC, MUSIC, NO_COURSE, NOBODY, NURSING, shown

STUDENT_IDS: Final = [encode_id(Entity.STUDENT, key) for key in (*(row["id"] for row in EVERYTHING.students), NOBODY)]
UNLIMITED: Final = Limits(cost_max=10**12, fields_max=10**4)
"""A walk costs more than operations may."""

COURSE_IDS: Final = [encode_id(Entity.COURSE, key) for key in (*(row["id"] for row in EVERYTHING.courses), NO_COURSE)]


class Question(NamedTuple):
    """A document with its variables, and the paths that it goes."""

    document: str
    variables: Mapping[str, Any]
    paths: Sequence[Path] = ()


def question(root: str, variable: str = "", value: Any = None) -> Question:
    """All paths that begin with a root field, which may take one argument, declared as `name: Type`."""
    type_name, field = root.split(".")
    name = variable.partition(":")[0]
    declared, passed = (f"(${variable})", f"({name}: ${name})") if variable else ("", "")
    selected = selection(type_of(root), LEVELS_MAX - 1)
    document = f"{type_name.lower()} {declared} {{ {field}{passed} {selected} }}"
    return Question(document, {name: value} if variable else {}, PATHS[root])


def _paths() -> Mapping[str, Sequence[Path]]:
    by_root: dict[str, list[Path]] = {}
    for root in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type):
        for path in paths(root):
            by_root.setdefault(path[0], []).append(path)
    return by_root


PATHS: Final = _paths()
"""All paths, by the root field they begin with."""


def walks() -> Iterator[Question]:
    """Every path of Query, to everything that has an id and to what has none."""
    ids = [*STUDENT_IDS, *COURSE_IDS]
    yield question("Query.nodes", "ids: [ID!]!", ids)
    for root in ("Query.node", "Query.student", "Query.course"):
        yield from (question(root, "id: ID!", id_) for id_ in ids)
    yield from (question(root) for root in ("Query.students", "Query.courses"))


def events_after(position: int) -> Question:
    """All paths of Subscription, with what has been since an event."""
    return question("Subscription.courseAssignments", "after: ID", encode_event_id(position))


MUTATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "createStudent": {"name": "Eve"},
    "updateStudent": {"id": STUDENT_IDS[1], "name": "Bobby"},
    "deleteStudent": {"id": STUDENT_IDS[2]},
    "createCourse": {"code": "NEW-1", "title": "New"},
    "updateCourse": {"id": COURSE_IDS[0], "title": "Logics"},
    "deleteCourse": {"id": COURSE_IDS[3]},
    "assignCourse": {"studentId": STUDENT_IDS[0], "courseId": COURSE_IDS[2]},
    "unassignCourse": {"studentId": STUDENT_IDS[1], "courseId": COURSE_IDS[0]},
    "assignCourses": {"assignments": [{"studentId": STUDENT_IDS[3], "courseId": COURSE_IDS[1]}]},
}
"""An input for each that would change something."""


class List(NamedTuple):
    """A list, and where a document asks for it."""

    type_name: str
    path: str
    order_fields: Sequence[str]

    def question(self, selected: str | None = None, **variables: Any) -> Question:
        """Ask for a page of the list, or of the lists of all that it is below of."""
        listed = "Student" if "Student" in self.type_name.removeprefix("StudentCourse") else "Course"
        arguments = {
            "first": "Int",
            "after": "String",
            "last": "Int",
            "before": "String",
            "filter": f"{listed}Filter",
            "orderBy": f"[{listed}Order!]",
        }
        declared = ", ".join(f"${name}: {type_}" for name, type_ in arguments.items())
        passed = ", ".join(f"{name}: ${name}" for name in arguments)
        page = f"({passed}) {selected or selection(self.type_name, 3)}"
        return Question(f"query ({declared}) {self.path.replace('PAGE', page)}", variables)


_STUDENT_ORDERS: Final = ("NAME", "EMAIL", "CREATED_AT")
_COURSE_ORDERS: Final = ("CODE", "TITLE", "CREDITS", "CREATED_AT")


def _lists() -> Iterator[List]:
    yield List("StudentConnection", "{ students PAGE }", _STUDENT_ORDERS)
    yield List("CourseConnection", "{ courses PAGE }", _COURSE_ORDERS)
    for key in (LOGIC, NURSING):
        path = f"{{ course(id: {json.dumps(encode_id(Entity.COURSE, key))}) {{ students PAGE }} }}"
        yield List("CourseStudentConnection", path, (*_STUDENT_ORDERS, "ASSIGNED_AT"))
    for key in (ADA, BOB):
        path = f"{{ student(id: {json.dumps(encode_id(Entity.STUDENT, key))}) {{ courses PAGE }} }}"
        yield List("StudentCourseConnection", path, (*_COURSE_ORDERS, "ASSIGNED_AT"))
    yield List("CourseStudentConnection", "{ courses { nodes { students PAGE } } }", _STUDENT_ORDERS)


LISTS: Final = list(_lists())


def orderings(list_: List) -> Iterator[list[dict[str, str]]]:
    """All orderings by one key, and by none."""
    yield []
    for field, direction in product(list_.order_fields, ("ASC", "DESC")):
        yield [{"field": field, "direction": direction}]


def pages(list_: List, ordering: list[dict[str, str]], cursors: Sequence[str]) -> Iterator[Question]:
    """Pages that begin or end at places in the list, which may be another's."""
    places = [{end: cursor} for cursor in cursors for end in ("after", "before")]
    ends: list[dict[str, Any]] = [{}, {"first": 1}, {"last": 1}, {"first": 0}]
    for place in (*ends, *places):
        yield list_.question(orderBy=ordering, **place)


def filtered() -> Iterator[Question]:
    """Lists of students with filters that find others, if they are there to be found."""
    for list_, filter_ in product((LISTS[0], LISTS[-1]), _filters()):
        yield list_.question(filter=filter_)


def _filters() -> Iterator[dict[str, Any]]:
    for row in EVERYTHING.students[:2]:
        for name in ("name", "email"):
            text = row[name]
            for comparison in ({"eq": text}, {"in": [text]}, {"contains": text[1:6]}, {"startsWith": text[:3]}):
                yield {name: comparison}
        yield {"sourcedId": {"eq": row["sourced_id"]}}
        yield from ({"createdAt": {operator: shown(row["created_at"])}} for operator in ("eq", "gt", "lte"))
        yield {"not": {"name": {"eq": row["name"]}}}
        yield {"or": [{"name": {"eq": row["name"]}}, {"name": {"contains": "a"}}]}
    yield {"or": [{}, {"not": {}}]}


def rest_paths() -> Iterator[str]:
    """All that the REST endpoints can be asked."""
    for student_id in (*(row["id"] for row in EVERYTHING.students), NOBODY):
        yield f"/students/{student_id}/courses"
        yield f"/students/{student_id}/courses?first=1"
        yield from (f"/students/{student_id}/courses/{course_id}" for course_id in (LOGIC, MUSIC, NURSING, NO_COURSE))
