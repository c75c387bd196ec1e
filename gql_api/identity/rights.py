"""Who may see and do what: the one table. `docs/security.md` shows it to readers; a test holds both to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from gql_api.identity.principal import Role


class StudentsSeen(Enum):
    """Whose records, and assignments, are seen; the others are as if they were not there."""

    NONE = auto()
    OWN = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role allows.

    Attributes:
        sees_courses: the catalogue: courses with their fields, `seatsTaken` among them, which names no student.
        students_seen: whose records and assignments are seen, in whatever way one comes to them.
        changes: all mutations.
    """

    sees_courses: bool
    students_seen: StudentsSeen
    changes: bool


RIGHTS: Final[Mapping[Role, Rights]] = MappingProxyType({
    Role.ANONYMOUS: Rights(sees_courses=False, students_seen=StudentsSeen.NONE, changes=False),
    Role.STUDENT: Rights(sees_courses=True, students_seen=StudentsSeen.OWN, changes=False),
    Role.STAFF: Rights(sees_courses=True, students_seen=StudentsSeen.ALL, changes=False),
    Role.REGISTRAR: Rights(sees_courses=True, students_seen=StudentsSeen.ALL, changes=True),
})  # fmt: skip
"""A setting lets ANONYMOUS see the courses, too."""
