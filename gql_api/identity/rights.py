"""Who may see and do what: the one table. `docs/security.md` shows it to readers; a test holds both to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, TypeAlias

from gql_api.errors import Forbidden, RequestRefused, Unauthenticated
from gql_api.identity.principal import Principal, Role


class StudentsSeen(Enum):
    """Whose records, and assignments, are seen; the others are as if they were not there."""

    NONE = auto()
    OWN = auto()
    ALL = auto()

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is written in Python


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


RightsTable: TypeAlias = Mapping[Role, Rights]

RIGHTS: Final[RightsTable] = MappingProxyType({
    Role.ANONYMOUS: Rights(sees_courses=False, students_seen=StudentsSeen.NONE, changes=False),
    Role.STUDENT: Rights(sees_courses=True, students_seen=StudentsSeen.OWN, changes=False),
    Role.STAFF: Rights(sees_courses=True, students_seen=StudentsSeen.ALL, changes=False),
    Role.REGISTRAR: Rights(sees_courses=True, students_seen=StudentsSeen.ALL, changes=True),
})  # fmt: skip
"""What holds unless `with_open_catalogue` is asked for."""


def with_open_catalogue(table: RightsTable = RIGHTS) -> RightsTable:
    """The table of a school that shows its catalogue to everybody."""
    return MappingProxyType({**table, Role.ANONYMOUS: replace(table[Role.ANONYMOUS], sees_courses=True)})


def require_changes(principal: Principal, table: RightsTable) -> None:
    """See that somebody may change something.

    Raises:
        Unauthenticated: nobody has said who they are, and such a one may not.
        Forbidden: their role may not.
    """
    if not table[principal.role].changes:
        allowed = [role for role, rights in table.items() if rights.changes]
        raise _refusal(principal, "change anything", allowed)


def require_events(principal: Principal, table: RightsTable) -> None:
    """See that somebody may hear of assignments, be it only of their own.

    Raises:
        Unauthenticated: nobody has said who they are, and such a one may not.
        Forbidden: their role may not.
    """
    if table[principal.role].students_seen is StudentsSeen.NONE:
        allowed = [role for role, rights in table.items() if rights.students_seen is not StudentsSeen.NONE]
        raise _refusal(principal, "listen to assignments", allowed)


def _refusal(principal: Principal, act: str, allowed: list[Role]) -> RequestRefused:
    kind = Unauthenticated if principal.role is Role.ANONYMOUS else Forbidden
    roles = " or ".join(f"`{role}`" for role in allowed)
    return kind(f"The role `{principal.role}` may not {act}; {roles} may.")
