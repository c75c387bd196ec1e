"""The rostering files of OneRoster CSV 1.1 and 1.2 as data: which columns, of which type, and what must be filled in.

Sources: OneRoster 1.2 CSV Binding, tables 3.2 to 3.20, and its list of changes between 1.1 and 1.2, which for these
files touches users.csv and adds roles.csv and the vocabularies' `ext:` terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from gql_api.rosters.cells import (
    TRUE_OR_FALSE,
    BlankInBulk,
    CellType,
    Date,
    Guid,
    GuidList,
    OneOf,
    Reference,
    ReferenceList,
    Text,
    WholeNumber,
    Year,
)
from gql_api.rosters.manifest import Version


class Need(Enum):
    """The column "Required" of the standard's tables."""

    ALWAYS = "Yes"
    DELTA = "Yes for Delta"
    NEVER = "No"


class Use(Enum):
    """What an import does with a column, beyond checking it."""

    KEPT = "kept"
    CHECKED = "checked"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; references are kept in any case, to be looked up."""

    name: str
    type: CellType
    need: Need = Need.NEVER
    use: Use = Use.CHECKED

    @property
    def kept(self) -> bool:
        """Whether the scratch database has this column."""
        return self.use is Use.KEPT or isinstance(self.type, Reference)


@dataclass(frozen=True, slots=True)
class File:
    """A file; `extensions` are those `metadata.*` columns that mean something to us."""

    name: str
    columns: tuple[Column, ...]
    extensions: tuple[Column, ...] = ()

    @property
    def csv_name(self) -> str:
        """The name with its ending."""
        return f"{self.name}.csv"

    @property
    def kept_columns(self) -> tuple[Column, ...]:
        """The columns that the scratch database has, in order."""
        return tuple(column for column in (*self.columns, *self.extensions) if column.kept)


STUDENT: Final = "student"
"""The role that makes a user a student, and an enrolment an assignment."""

YES, NO, KEPT = Need.ALWAYS, Need.NEVER, Use.KEPT

_RECORD = (
    Column("sourcedId", Guid(), YES, KEPT),
    Column("status", BlankInBulk(), Need.DELTA),
    Column("dateLastModified", BlankInBulk(), Need.DELTA),
)


def rostering_files(version: Version) -> tuple[File, ...]:
    """Give the files of a rostering bundle, each after those that it refers to, itself excepted."""
    extensible = version is Version.V1_2
    return (
        _orgs(extensible=extensible),
        _academic_sessions(extensible=extensible),
        COURSES,
        _classes(extensible=extensible),
        *((USERS_1_2, ROLES) if version is Version.V1_2 else (USERS_1_1,)),
        _enrollments(extensible=extensible),
    )


def _orgs(*, extensible: bool) -> File:
    types = OneOf(("department", "school", "district", "local", "state", "national"), extensible)
    return File(
        "orgs",
        (
            *_RECORD,
            Column("name", Text(), YES),
            Column("type", types, YES, KEPT),
            Column("identifier", Text()),
            Column("parentSourcedId", Reference("orgs")),
        ),
    )


def _academic_sessions(*, extensible: bool) -> File:
    types = OneOf(("gradingPeriod", "semester", "schoolYear", "term"), extensible)
    return File(
        "academicSessions",
        (
            *_RECORD,
            Column("title", Text(), YES),
            Column("type", types, YES, KEPT),
            Column("startDate", Date(), YES),
            Column("endDate", Date(), YES),
            Column("parentSourcedId", Reference("academicSessions")),
            Column("schoolYear", Year(), YES),
        ),
    )


COURSES: Final = File(
    "courses",
    (
        *_RECORD,
        Column("schoolYearSourcedId", Reference("academicSessions", of_type="schoolYear")),
        Column("title", Text(), YES, KEPT),
        Column("courseCode", Text(), NO, KEPT),
        Column("grades", Text()),
        Column("orgSourcedId", Reference("orgs"), YES),
        Column("subjects", Text()),
        Column("subjectCodes", Text()),
    ),
    extensions=(
        Column("metadata.credits", WholeNumber(), NO, KEPT),
        Column("metadata.capacity", WholeNumber(), NO, KEPT),
    ),
)


def _classes(*, extensible: bool) -> File:
    return File(
        "classes",
        (
            *_RECORD,
            Column("title", Text(), YES),
            Column("grades", Text()),
            Column("courseSourcedId", Reference("courses"), YES),
            Column("classCode", Text()),
            Column("classType", OneOf(("homeroom", "scheduled"), extensible), YES),
            Column("location", Text()),
            Column("schoolSourcedId", Reference("orgs", of_type="school"), YES),
            Column("termSourcedIds", ReferenceList("academicSessions"), YES),
            Column("subjects", Text()),
            Column("subjectCodes", Text()),
            Column("periods", Text()),
        ),
    )


_USER_ROLES_1_1 = OneOf(
    ("administrator", "aide", "guardian", "parent", "proctor", "relative", STUDENT, "teacher"),
)
_NAMED = (
    Column("username", Text(), YES),
    Column("userIds", Text()),
    Column("givenName", Text(), YES, KEPT),
    Column("familyName", Text(), YES, KEPT),
    Column("middleName", Text()),
    Column("identifier", Text()),
    Column("email", Text(), NO, KEPT),
    Column("sms", Text()),
    Column("phone", Text()),
    Column("agentSourcedIds", ReferenceList("users")),
    Column("grades", Text()),
    Column("password", Text()),
)

USERS_1_1: Final = File(
    "users",
    (
        *_RECORD,
        Column("enabledUser", TRUE_OR_FALSE, YES),
        Column("orgSourcedIds", ReferenceList("orgs"), YES),
        Column("role", _USER_ROLES_1_1, YES, KEPT),
        *_NAMED,
    ),
)

USERS_1_2: Final = File(
    "users",
    (
        *_RECORD,
        Column("enabledUser", TRUE_OR_FALSE, YES),
        *_NAMED,
        Column("userMasterIdentifier", Text()),
        Column("resourceSourcedIds", GuidList()),
        Column("preferredGivenName", Text(), NO, KEPT),
        Column("preferredMiddleName", Text()),
        Column("preferredFamilyName", Text(), NO, KEPT),
        Column("primaryOrgSourcedId", Reference("orgs")),
        Column("pronouns", Text()),
    ),
)

_ROLES_1_2 = OneOf(
    (
        "aide",
        "counselor",
        "districtAdministrator",
        "guardian",
        "parent",
        "principal",
        "proctor",
        "relative",
        "siteAdministrator",
        STUDENT,
        "systemAdministrator",
        "teacher",
    ),
    extensible=True,
)

ROLES: Final = File(
    "roles",
    (
        *_RECORD,
        Column("userSourcedId", Reference("users"), YES),
        Column("roleType", OneOf(("primary", "secondary")), YES),
        Column("role", _ROLES_1_2, YES, KEPT),
        Column("beginDate", Date()),
        Column("endDate", Date()),
        Column("orgSourcedId", Reference("orgs"), YES),
        Column("userProfileSourcedId", Guid()),
    ),
)


def _enrollments(*, extensible: bool) -> File:
    roles = OneOf(("administrator", "proctor", STUDENT, "teacher"), extensible)
    return File(
        "enrollments",
        (
            *_RECORD,
            Column("classSourcedId", Reference("classes"), YES),
            Column("schoolSourcedId", Reference("orgs", of_type="school"), YES),
            Column("userSourcedId", Reference("users"), YES),
            Column("role", roles, YES, KEPT),
            Column("primary", TRUE_OR_FALSE),
            Column("beginDate", Date(), NO, KEPT),
            Column("endDate", Date()),
        ),
        extensions=(Column("metadata.registrationDate", Date(), NO, KEPT),),
    )
