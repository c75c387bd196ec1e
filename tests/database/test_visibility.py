"""What is seen becomes part of a statement; where everything is, nothing does."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql, sqlite

from gql_api.database.statements import Entity, Listing, count, counts_by_parent, rows_by_id, seats_by_course
from gql_api.database.visibility import EVERYTHING, OWN_STUDENT_ID, Sight, Visibility
from gql_api.identity import ANONYMOUS, RIGHTS, UNIDENTIFIED, Principal, Role, StudentsSeen, with_open_catalogue

COURSES_ALONE = Visibility(Sight(courses=True, students=StudentsSeen.NONE))

TEXTS: dict[str, tuple[Callable[..., Select[Any]], tuple[Any, ...], str]] = {
    "a row": (
        rows_by_id,
        (Entity.STUDENT, ("id", "name"), "ids"),
        "SELECT students.id, students.name \nFROM students \nWHERE {}",
    ),
    "a total": (count, (Listing.STUDENTS, None), "SELECT count(*) AS count_1 \nFROM students \nWHERE {}"),
    "totals of lists": (
        counts_by_parent,
        (Listing.STUDENTS_OF_COURSE, None),
        "SELECT student_courses.course_id, count(*) AS count_1 \nFROM student_courses \n"
        "WHERE {} GROUP BY student_courses.course_id",
    ),
    "seats": (
        seats_by_course,
        (),
        "SELECT student_courses.course_id, count(*) AS count_1 \nFROM student_courses \n"
        "WHERE {} GROUP BY student_courses.course_id",
    ),
}

CONDITIONS = {
    ("a row", StudentsSeen.ALL): "students.id = ANY (%(ids)s::BIGINT[])",
    ("a row", StudentsSeen.OWN): "students.id = ANY (%(ids)s::BIGINT[]) AND students.id = %(own_student_id)s::BIGINT",
    ("a row", StudentsSeen.NONE): "false",
    ("a total", StudentsSeen.ALL): "true",
    ("a total", StudentsSeen.OWN): "students.id = %(own_student_id)s::BIGINT",
    ("a total", StudentsSeen.NONE): "false",
    ("totals of lists", StudentsSeen.ALL): "student_courses.course_id = ANY (%(parents)s::BIGINT[])",
    ("totals of lists", StudentsSeen.OWN): "student_courses.course_id = ANY (%(parents)s::BIGINT[])"
    " AND student_courses.student_id = %(own_student_id)s::BIGINT",
    ("totals of lists", StudentsSeen.NONE): "false",
    **dict.fromkeys(
        [("seats", seen) for seen in StudentsSeen], "student_courses.course_id = ANY (%(parents)s::BIGINT[])"
    ),
}


def text(statement: Select[Any], dialect_name: str) -> str:
    return str(statement.compile(dialect=(postgresql if dialect_name == "postgresql" else sqlite).dialect()))


@pytest.mark.parametrize(("name", "seen"), CONDITIONS)
def test_a_statement_gives_what_is_seen_and_says_nothing_of_rights_where_all_is(name: str, seen: StudentsSeen) -> None:
    build, shape, expected = TEXTS[name]
    statement = build("postgresql", Sight(courses=True, students=seen), *shape)
    assert text(statement, "postgresql") == expected.format(CONDITIONS[name, seen])


WITHOUT_CATALOGUE: dict[str, tuple[Callable[..., Select[Any]], tuple[Any, ...]]] = {
    "rows": (rows_by_id, (Entity.COURSE, ("id",), "ids")),
    "courses": (count, (Listing.COURSES, None)),
    "courses of students": (counts_by_parent, (Listing.COURSES_OF_STUDENT, None)),
    "students of courses": (counts_by_parent, (Listing.STUDENTS_OF_COURSE, None)),
    "seats": (seats_by_course, ()),
}


@pytest.mark.parametrize("name", WITHOUT_CATALOGUE)
@pytest.mark.parametrize(("dialect_name", "nothing"), [("sqlite", "WHERE 0 = 1"), ("postgresql", "WHERE false")])
def test_without_the_catalogue_there_are_no_courses_no_seats_and_no_assignments(
    dialect_name: str, nothing: str, name: str
) -> None:
    build, shape = WITHOUT_CATALOGUE[name]
    for seen in StudentsSeen:
        assert nothing in text(build(dialect_name, Sight(courses=False, students=seen), *shape), dialect_name)


@pytest.mark.parametrize(
    ("principal", "visibility"),
    [
        (ANONYMOUS, Visibility(Sight(courses=False, students=StudentsSeen.NONE))),
        (Principal(Role.STUDENT, "ada", 7), Visibility(Sight(courses=True, students=StudentsSeen.OWN), 7)),
        (Principal(Role.STUDENT, "nobody"), COURSES_ALONE),
        (Principal(Role.STAFF, "sam"), EVERYTHING),
        (Principal(Role.STAFF, "sam", 7), EVERYTHING),
        (Principal(Role.REGISTRAR, "rae"), EVERYTHING),
        (UNIDENTIFIED, EVERYTHING),
    ],
)
def test_what_is_seen_follows_from_the_table(principal: Principal, visibility: Visibility) -> None:
    assert Visibility.of(principal, RIGHTS) == visibility


def test_an_open_catalogue_is_seen_by_strangers() -> None:
    assert Visibility.of(ANONYMOUS, with_open_catalogue()) == COURSES_ALONE


def test_the_own_key_is_bound_where_only_own_rows_are_seen() -> None:
    own = Visibility(Sight(courses=True, students=StudentsSeen.OWN), 7)
    assert own.bind({"ids": [1]}) == {"ids": [1], OWN_STUDENT_ID: 7}
    assert EVERYTHING.bind({"ids": [1]}) == {"ids": [1]}
