"""Filters as clients write them: what is refused, what every field means, and that nothing in them is SQL."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_id
from tests.database.school import Row, School
from tests.schema.api import DIALECTS, Api, stored_once

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
INT_MIN, INT_MAX = -(2**31), 2**31 - 1

STUDENTS = "query ($filter: StudentFilter) { students(filter: $filter) { nodes { name } totalCount } }"
STUDENTS_OF_A_COURSE = """
    query ($id: ID!, $filter: StudentFilter) {
        course(id: $id) { students(filter: $filter) { nodes { name } totalCount } }
    }
"""
COURSES = "query ($filter: CourseFilter) { courses(filter: $filter) { nodes { code } totalCount } }"


def student(*values: Any) -> Row:
    return dict(zip(("id", "name", "email", "sourced_id", "created_at"), values, strict=True))


def course(*values: Any) -> Row:
    columns = ("id", "code", "title", "credits", "capacity", "sourced_id", "created_at")
    return dict(zip(columns, (*values, None, NOON), strict=True))


SCHOOL = School(
    (
        student(1, "Ada", "ada@example.org", "s-1", NOON),
        student(2, "bob", None, None, NOON + timedelta(microseconds=1)),
        student(3, "100%_\\", "Ä@example.org", "S-1", datetime.max.replace(tzinfo=UTC)),
    ),
    (course(1, "A", "Art", None, None), course(2, "B", "Bio", 0, INT_MAX), course(3, "C", "Civ", INT_MAX, 0)),
    tuple({"student_id": key, "course_id": 1, "assigned_at": NOON} for key in (1, 2, 3)),
)


@pytest.fixture(scope="module", params=DIALECTS)
def stored_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with stored_once(request, SCHOOL) as url:
        yield url


@pytest.fixture
async def stored(stored_url: str) -> AsyncIterator[Api]:
    async with Api(stored_url) as api:
        yield api


async def names(api: Api, filter_: Any) -> list[str]:
    """The students that a filter lets through, the same at the root, below a course, and in the totals."""
    students = (await api.data(STUDENTS, filter=filter_))["students"]
    nested = await api.data(STUDENTS_OF_A_COURSE, id=encode_id(Entity.COURSE, 1), filter=filter_)
    assert nested["course"]["students"] == students
    assert students["totalCount"] == len(students["nodes"])
    return [node["name"] for node in students["nodes"]]


async def codes(api: Api, filter_: Any) -> str:
    courses = (await api.data(COURSES, filter=filter_))["courses"]
    assert courses["totalCount"] == len(courses["nodes"])
    return "".join(node["code"] for node in courses["nodes"])


EVERYBODY = ["Ada", "bob", "100%_\\"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, EVERYBODY),
        ({}, EVERYBODY),
        ({"name": None}, EVERYBODY),
        ({"name": {}}, EVERYBODY),
        ({"name": {"in": None, "contains": None, "startsWith": None}}, EVERYBODY),
        ({"name": {"eq": None}}, []),
        ({"email": {"eq": None}}, ["bob"]),
        ({"not": {"email": {"eq": None}}}, ["Ada", "100%_\\"]),
        ({"name": {"eq": "ada"}}, []),
        ({"name": {"in": ["Ada", "bob", "nobody"]}}, ["Ada", "bob"]),
        ({"name": {"in": "Ada"}}, ["Ada"]),
        ({"name": {"in": []}}, []),
        ({"name": {"contains": "DA"}}, ["Ada"]),
        ({"name": {"startsWith": "B"}}, ["bob"]),
        ({"name": {"contains": "%_\\"}}, ["100%_\\"]),
        ({"name": {"startsWith": "%"}}, []),
        ({"email": {"contains": "ä@"}}, ["100%_\\"]),
        ({"sourcedId": {"eq": "S-1"}}, ["100%_\\"]),
        ({"sourcedId": {"in": ["s-1", "S-1"]}}, ["Ada", "100%_\\"]),
        ({"sourcedId": {"eq": None}}, ["bob"]),
        ({"name": {"startsWith": "a", "contains": "d", "in": ["Ada", "Adam"]}}, ["Ada"]),
        ({"name": {"eq": "Ada"}, "email": {"eq": None}}, []),
        ({"or": [{"name": {"eq": "Ada"}}, {"email": {"eq": None}}]}, ["Ada", "bob"]),
        ({"and": [{"name": {"contains": "a"}}, {"email": {"contains": "example"}}]}, ["Ada"]),
        ({"or": []}, []),
        ({"and": []}, EVERYBODY),
        ({"or": [{}]}, EVERYBODY),
        ({"not": {}}, []),
        ({"not": {"or": []}}, EVERYBODY),
        ({"not": {"name": {"in": []}}}, EVERYBODY),
        ({"createdAt": {"eq": "2026-11-22T12:00:00Z"}}, ["Ada"]),
        ({"createdAt": {"eq": "2026-11-22t17:45:00.000000+05:45"}}, ["Ada"]),
        ({"createdAt": {"in": ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00.000001Z"]}}, ["Ada", "bob"]),
        ({"createdAt": {"in": []}}, []),
        ({"createdAt": {"eq": None}}, []),
        ({"createdAt": {"gt": "2026-11-22T12:00:00Z"}}, ["bob", "100%_\\"]),
        ({"createdAt": {"gte": "2026-11-22T12:00:00.000001Z", "lt": "9999-12-31T23:59:59.999999Z"}}, ["bob"]),
        ({"createdAt": {"gt": "0001-01-01T00:00:00Z"}}, EVERYBODY),
        ({"createdAt": {"lte": "9999-12-31T23:59:59.999999Z"}}, EVERYBODY),
    ],
)
async def test_what_a_filter_of_students_lets_through(stored: Api, filter_: Any, expected: list[str]) -> None:
    assert await names(stored, filter_) == expected


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"credits": {"eq": None}}, "A"),
        ({"credits": {"eq": 0}}, "B"),
        ({"credits": {"gte": 0}}, "BC"),
        ({"credits": {"gt": INT_MIN}}, "BC"),
        ({"credits": {"lt": INT_MAX}}, "B"),
        ({"credits": {"lte": INT_MAX}}, "BC"),
        ({"credits": {"gt": INT_MAX}}, ""),
        ({"credits": {"in": [INT_MIN, 0, INT_MAX]}}, "BC"),
        ({"not": {"credits": {"in": [0]}}}, "AC"),
        ({"not": {"credits": {"gt": 5}}}, "AB"),
        ({"capacity": {"eq": None}}, "A"),
        ({"capacity": {"lt": 1}}, "C"),
        ({"code": {"startsWith": "b"}, "title": {"contains": "IO"}}, "B"),
        ({"or": [{"title": {"eq": "Art"}}, {"capacity": {"gte": 1}}]}, "AB"),
    ],
)
async def test_what_a_filter_of_courses_lets_through(stored: Api, filter_: Any, expected: str) -> None:
    assert await codes(stored, filter_) == expected


async def test_and_is_not_or_in_the_next_request(stored: Api) -> None:
    parts = [{"name": {"eq": "Ada"}}, {"name": {"eq": "bob"}}]
    for _ in range(2):
        assert await names(stored, {"and": parts}) == []
        assert await names(stored, {"or": parts}) == ["Ada", "bob"]
        assert await names(stored, {"not": {"or": parts}}) == ["100%_\\"]


SQL = [
    "' OR '1'='1",
    "'; DROP TABLE students; --",
    "'; DELETE FROM student_courses; --",
    '" OR ""="',
    "\\' OR 1=1 --",
    "1) OR (1=1",
    "$1",
    "?",
    ":filter_0",
    "%(name)s",
    "{0}",
    "/* */",
    "UNION SELECT * FROM students",
    "x') UNION SELECT sql FROM sqlite_master --",
]


@pytest.mark.parametrize("text", SQL)
async def test_sql_in_a_filter_is_text(stored: Api, text: str) -> None:
    for column in ("name", "email"):
        for comparison in ({"eq": text}, {"in": [text]}, {"contains": text}, {"startsWith": text}):
            assert await names(stored, {column: comparison}) == []
    for comparison in ({"eq": text}, {"in": [text]}):
        assert await names(stored, {"sourcedId": comparison}) == []
        assert await codes(stored, {"code": comparison}) == ""
    assert await names(stored, None) == EVERYBODY


LONG = "x" * 256
NO_TEXT = "holds U+0000 or half a surrogate pair, which no text of a record does."
TOO_LONG = "is a text of 256 characters; at most 255 are allowed."
TOO_MANY = "lists 501 values; at most 500 are allowed."
TOO_MANY_COMPARISONS = "makes more than 50 comparisons."
TOO_MANY_FILTERS = "combines more than 100 filters."

DEEP: dict[str, Any] = {"name": {"eq": "x"}}
for _ in range(8):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("filter_", "place", "message"),
    [
        ({"name": {"eq": "a\0b"}}, "filter.name.eq", NO_TEXT),
        ({"name": {"contains": "\ud83d"}}, "filter.name.contains", NO_TEXT),
        ({"sourcedId": {"in": ["a", "\udfff"]}}, "filter.sourcedId.in", NO_TEXT),
        ({"name": {"eq": LONG}}, "filter.name.eq", TOO_LONG),
        ({"name": {"startsWith": LONG}}, "filter.name.startsWith", TOO_LONG),
        ({"email": {"in": ["a", "😀" * 256]}}, "filter.email.in", TOO_LONG),
        ({"email": {"in": ["a"] * 501}}, "filter.email.in", TOO_MANY),
        ({"createdAt": {"in": ["2026-11-22T12:00:00Z"] * 501}}, "filter.createdAt.in", TOO_MANY),
        (DEEP, "filter", "is more than 8 levels deep."),
        ({"or": [{"name": {"eq": "x"}}] * 51}, "filter", TOO_MANY_COMPARISONS),
        ({"and": [{"or": [{"name": {"eq": "x", "contains": "y"}}] * 13}] * 2}, "filter", TOO_MANY_COMPARISONS),
        ({"or": [{}] * 100}, "filter", TOO_MANY_FILTERS),
        ({"and": [{"not": {}}] * 1_000}, "filter", TOO_MANY_FILTERS),
        ({"and": [{"or": []}] * 1_000}, "filter", TOO_MANY_FILTERS),
        ({"and": [{"and": [{"or": [{}] * 5}] * 5}] * 5}, "filter", TOO_MANY_FILTERS),
    ],
)
async def test_a_filter_beyond_its_limits_is_refused(stored: Api, filter_: Any, place: str, message: str) -> None:
    assert await stored.refusal(STUDENTS, filter=filter_) == f"`{place}` {message}"
    assert stored.statements == []


@pytest.mark.parametrize(
    "filter_",
    [
        {"name": {"contains": "x" * 255}},
        {"name": {"contains": "%" * 255}},
        {"name": {"contains": "😀" * 255}},
        {"name": {"in": [str(number) for number in range(500)]}},
        {"or": [{"name": {"eq": str(number)}} for number in range(50)]},
        {"and": [{"name": {"contains": "no", "startsWith": "no"}}] * 25},
        {"or": [{"not": {"name": {"contains": ""}}}] * 33},
        {"not": {"or": [{}] * 98}},
        DEEP["not"]["not"] | {"name": {"eq": "nobody"}},
    ],
)
async def test_the_largest_filters_are_accepted(stored: Api, filter_: Any) -> None:
    assert await names(stored, filter_) == []


@pytest.mark.parametrize(
    "filter_",
    [
        [],
        "name",
        {"nmae": {"eq": "x"}},
        {"name": "Ada"},
        {"name": {"eq": 1}},
        {"name": {"eq": ["Ada"]}},
        {"name": {"in": [None]}},
        {"name": {"in": [1]}},
        {"name": {"like": "%"}},
        {"sourcedId": {"contains": "x"}},
        {"createdAt": {"eq": 0}},
        {"createdAt": {"eq": ""}},
        {"createdAt": {"eq": "yesterday"}},
        {"createdAt": {"eq": "2026-11-22"}},
        {"createdAt": {"eq": "2026-11-22T12:00:00"}},
        {"createdAt": {"eq": "2026-11-22 12:00:00Z"}},
        {"createdAt": {"eq": "2026-02-30T12:00:00Z"}},
        {"createdAt": {"eq": "2026-11-22T24:00:01Z"}},
        {"createdAt": {"eq": "2026-11-22T12:00:60Z"}},
        {"createdAt": {"eq": "2026-11-22T12:00:00.1234567Z"}},
        {"createdAt": {"eq": "2026-11-22T12:00:00+24:00"}},
        {"createdAt": {"eq": "0000-01-01T00:00:00Z"}},
        {"createdAt": {"eq": "10000-01-01T00:00:00Z"}},
        {"createdAt": {"gt": "0001-01-01T00:00:00+00:01"}},
        {"createdAt": {"gt": "9999-12-31T23:59:59-00:01"}},
        {"createdAt": {"eq": "\uff12026-11-22T12:00:00Z"}},
        {"createdAt": {"eq": "2026-11-22T12:00:00Z\0"}},
        {"createdAt": {"in": ["2026-11-22T12:00:00Z", None]}},
        {"or": {"name": 1}},
        {"not": [{}]},
    ],
)
async def test_a_filter_of_the_wrong_form_is_refused(stored: Api, filter_: Any) -> None:
    response = await stored.execute(STUDENTS, filter=filter_)
    assert {error["extensions"]["code"] for error in response["errors"]} == {"BAD_USER_INPUT"}
    assert stored.statements == []


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**63, 10**400, 1.5, "1", True, [1, None]])
async def test_a_number_that_is_no_int_is_refused(stored: Api, number: Any) -> None:
    for comparison in ({"eq": number}, {"in": [number]}, {"gte": number}):
        response = await stored.execute(COURSES, filter={"credits": comparison})
        assert {error["extensions"]["code"] for error in response["errors"]} == {"BAD_USER_INPUT"}
        assert stored.statements == []
