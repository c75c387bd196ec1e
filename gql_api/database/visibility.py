"""Whose rows are seen: a part of every statement that reads for somebody, and not a test of what it gave.

What is not seen is as if it were not there, in every list, count, look-up and place of a cursor. The `Sight` goes into
the shape of a statement, the own key into its values: one compiled statement serves all students, and none of them can
be given another's rows. Where everything is seen, nothing is added to the statement.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, false, true

from gql_api.database.compiled import Columns, Reader, Records
from gql_api.identity import Principal, RightsTable, StudentsSeen

_ALL_STUDENTS: Final = StudentsSeen.ALL
"""Until Python 3.12, to find a member on its enumeration takes 900 instructions; this is asked for each operation."""

OWN_STUDENT_ID: Final = "own_student_id"
"""The parameter of the own key, in statements that give own rows alone."""


class Sight(NamedTuple):
    """What is seen, but for the own key: that which decides on a statement's text."""

    courses: bool
    students: StudentsSeen


@dataclass(frozen=True, slots=True)
class Visibility:
    """What is seen, by whom.

    Attributes:
        own_student_id: the student whose rows are seen, where only own ones are.
    """

    sight: Sight
    own_student_id: int | None = None

    @classmethod
    def of(cls, principal: Principal, table: RightsTable) -> Visibility:
        """What somebody sees by the table; who sees own rows and is no student sees no rows of students."""
        rights = table[principal.role]
        if rights.students_seen is _ALL_STUDENTS and rights.sees_courses:
            return EVERYTHING
        if rights.students_seen is not StudentsSeen.OWN:
            return cls(Sight(rights.sees_courses, rights.students_seen))
        if principal.student_id is None:
            return cls(Sight(rights.sees_courses, StudentsSeen.NONE))
        return cls(Sight(rights.sees_courses, StudentsSeen.OWN), principal.student_id)

    def bind(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values of a statement, and the own key where it is asked for."""
        return values if self.own_student_id is None else {**values, OWN_STUDENT_ID: self.own_student_id}


EVERYTHING: Final = Visibility(Sight(courses=True, students=StudentsSeen.ALL))
"""What registrars and staff see, everybody where identity is switched off, and the program itself."""


class VisibleReader:
    """A reader for somebody: statements get the sight as the first part of their shape, whoever builds them.

    `database/lists.py` reads through this and nothing else, so that no list can be had without saying for whom.
    """

    __slots__ = ("_reader", "visibility")

    def __init__(self, reader: Reader, visibility: Visibility) -> None:
        self._reader = reader
        self.visibility = visibility

    # No coroutines of their own: one more for each statement would cost more than all the rest that is done here.

    def fetch(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Awaitable[Records]:
        """Run the statement that `build` makes for the sight and `shape`; see `Reader.fetch`."""
        visibility = self.visibility
        return self._reader.fetch(build, visibility.sight, *shape, values=visibility.bind(values))

    def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Awaitable[Columns]:
        """The same, by column; see `Reader.fetch_columns`."""
        visibility = self.visibility
        return self._reader.fetch_columns(build, visibility.sight, *shape, values=visibility.bind(values))


def courses_seen(sight: Sight) -> ColumnElement[bool]:
    """Whether courses are seen: all of them, or none."""
    return true() if sight.courses else false()


def students_seen(sight: Sight, student_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the student whose key stands in this column is seen."""
    match sight.students:
        case StudentsSeen.ALL:
            return true()
        case StudentsSeen.OWN:
            return student_id == bindparam(OWN_STUDENT_ID, type_=BigInteger())
        case StudentsSeen.NONE:
            return false()


def assignments_seen(sight: Sight, student_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the assignments of the student whose key stands in this column are seen: those whose both ends are."""
    return students_seen(sight, student_id) if sight.courses else false()
