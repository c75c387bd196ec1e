from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.rosters.cells import GUID_RULE
from gql_api.rosters.importing import import_bundle
from gql_api.rosters.scratch import FaultInFile, Standing
from tests.rosters.sample_bundle import Bundle, replaced, sample, written
from tests.rosters.stored import NOTHING_STORED, stored


def faulty(file: str, line: int, column: str, rule: str, value: str = "") -> FaultInFile:
    return FaultInFile(file, line, column, rule, value, Standing.FAULTY)


def changed(file: str, old: str, new: str, version: str = "1.2") -> Bundle:
    return replaced(sample(version), file, old, new)


NO_USER = "no row of users.csv has this sourcedId"

SINGLE_FAULTS = [
    (
        changed("orgs.csv", "School,school", "School,School"),
        faulty("orgs", 3, "type", "must be written school: case matters", "School"),
    ),
    (
        changed("orgs.csv", "S1,district", "S1,nowhere"),
        faulty("orgs", 3, "parentSourcedId", "no row of orgs.csv has this sourcedId", "nowhere"),
    ),
    (
        changed("academicSessions.csv", "2024-09-01,2025-02-01", "1.9.2024,2025-02-01"),
        faulty("academicSessions", 3, "startDate", "must be a day of the calendar, written YYYY-MM-DD", "1.9.2024"),
    ),
    (
        changed("academicSessions.csv", "year,2025", "year,24/25"),
        faulty("academicSessions", 3, "schoolYear", "must be a year, written YYYY", "24/25"),
    ),
    (
        changed("courses.csv", "year,Mathematics", "autumn,Mathematics"),
        faulty(
            "courses",
            2,
            "schoolYearSourcedId",
            "must refer to a row of academicSessions.csv whose type is schoolYear",
            "autumn",
        ),
    ),
    (changed("courses.csv", ",Mathematics,", ",,"), faulty("courses", 2, "title", "must not be blank")),
    (
        changed("courses.csv", "Mathematics", "M" * 256),
        faulty("courses", 2, "title", "title has 256 characters; it may have at most 255"),
    ),
    (
        changed("courses.csv", "Mathematics", "Mathe\x1bmatics"),
        faulty(
            "courses",
            2,
            "title",
            "title holds U+001B at position 6; control characters and lone surrogates are not allowed",
        ),
    ),
    (
        changed("courses.csv", 'at it",,', 'at it",MATH,'),
        faulty("courses", 3, "courseCode", "must be unique, but stands on line 2 already", "MATH"),
    ),
    (
        changed("courses.csv", 'at it",,', 'at it", ,'),
        faulty(
            "courses", 3, "courseCode", "courseCode is empty; it must have at least one character that is not blank"
        ),
    ),
    (
        changed("classes.csv", "crs-art", "crs-arts"),
        faulty("classes", 4, "courseSourcedId", "no row of courses.csv has this sourcedId", "crs-arts"),
    ),
    (
        changed("classes.csv", "A,homeroom,,school", "A,homeroom,,district"),
        faulty("classes", 4, "schoolSourcedId", "must refer to a row of orgs.csv whose type is school", "district"),
    ),
    (
        changed("classes.csv", '"autumn,year"', '"autumn,spring"'),
        faulty("classes", 2, "termSourcedIds", "no row of academicSessions.csv has this sourcedId", "spring"),
    ),
    (
        changed("classes.csv", '"autumn,year"', '"autumn, year"'),
        faulty(
            "classes", 2, "termSourcedIds", f"every item {GUID_RULE}, with single commas between them", "autumn, year"
        ),
    ),
    (
        changed("classes.csv", "homeroom", "seminar"),
        faulty("classes", 4, "classType", "must be one of homeroom, scheduled, ext:…", "seminar"),
    ),
    (
        changed("classes.csv", "homeroom", "ext:seminar", "1.1"),
        faulty("classes", 4, "classType", "must be one of homeroom, scheduled", "ext:seminar"),
    ),
    (
        changed("users.csv", "usr-ada,,", "usr-ada,active,"),
        faulty("users", 2, "status", "must be blank in bulk mode; delta mode is not supported", "active"),
    ),
    (
        changed("users.csv", "usr-ada,,", "usr-ada,tobedeleted,"),
        faulty("users", 2, "status", "must be blank in bulk mode; delta mode is not supported", "tobedeleted"),
    ),
    (
        changed("users.csv", "false,eve", "False,eve"),
        faulty("users", 4, "enabledUser", "must be written false: case matters", "False"),
    ),
    (
        changed("users.csv", "ada@example.org", "ada"),
        faulty("users", 2, "email", "email must be one address, like ada@example.org, without blanks"),
    ),
    (
        changed("users.csv", "József,Árvíz", "József," + "Á" * 250),
        faulty(
            "users", 3, "givenName, familyName", "givenName, familyName has 257 characters; it may have at most 255"
        ),
    ),
    (changed("users.csv", ",usr-eve,", ",usr-parent,"), faulty("users", 3, "agentSourcedIds", NO_USER, "usr-parent")),
    (
        changed("users.csv", ",school,student,ada", ",school,pupil,ada", "1.1"),
        faulty(
            "users",
            2,
            "role",
            "must be one of administrator, aide, guardian, parent, proctor, relative, student, teacher",
            "pupil",
        ),
    ),
    (
        changed("users.csv", '"school,district"', '"school,school2"', "1.1"),
        faulty("users", 3, "orgSourcedIds", "no row of orgs.csv has this sourcedId", "school2"),
    ),
    (
        changed("users.csv", "József,Árvíz,,,,", "József,Árvíz,,,ada@example.org,"),
        faulty("users", 3, "email", "must be unique, but stands on line 2 already", "ada@example.org"),
    ),
    (
        changed("roles.csv", "usr-eve,primary", "usr-eve,main"),
        faulty("roles", 4, "roleType", "must be one of primary, secondary", "main"),
    ),
    (
        changed("roles.csv", "rol-eve,,,usr-eve", "rol-eve,,,usr-x"),
        faulty("roles", 4, "userSourcedId", NO_USER, "usr-x"),
    ),
    (
        changed("enrollments.csv", "enr-5,,,cls-math-1", "enr-5,,,cls-x"),
        faulty("enrollments", 6, "classSourcedId", "no row of classes.csv has this sourcedId", "cls-x"),
    ),
    (
        changed("enrollments.csv", "enr-5,,,cls-math-1,school,usr-eve", "enr-5,,,cls-math-1,school,usr-x"),
        faulty("enrollments", 6, "userSourcedId", NO_USER, "usr-x"),
    ),
    (
        changed("enrollments.csv", "teacher,true", "teacher,yes"),
        faulty("enrollments", 6, "primary", "must be one of true, false", "yes"),
    ),
    (
        changed("enrollments.csv", "2024-10-01,", "2024-10-01"),
        faulty("enrollments", 5, "", "has 9 fields, the header has 10"),
    ),
    (
        changed("enrollments.csv", "2024-10-01,", "2024-10-01,,"),
        faulty("enrollments", 5, "", "has 11 fields, the header has 10"),
    ),
    (
        changed("enrollments.csv", "enr-4,", "enr-3,"),
        faulty("enrollments", 5, "sourcedId", "must be unique in its file, but stands on line 4 already", "enr-3"),
    ),
    (changed("enrollments.csv", "enr-4,", "enr 4,"), faulty("enrollments", 5, "sourcedId", GUID_RULE, "enr 4")),
    (
        changed("enrollments.csv", "enr-4,", '"enr"-4,'),
        faulty("enrollments", 5, "", "after a closing quote, a comma or the line's end must follow"),
    ),
    (
        changed("enrollments.csv", "enr-4,", "enr-\0004,"),
        faulty("enrollments", 5, "", "no field may hold a NUL character"),
    ),
]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # they are found before a database is asked
@pytest.mark.parametrize(("bundle", "fault"), SINGLE_FAULTS)
async def test_a_row_that_breaks_a_rule_is_reported_and_nothing_is_imported(
    engine: AsyncEngine, tmp_path: Path, bundle: Bundle, fault: FaultInFile
) -> None:
    report = await import_bundle(engine, written(bundle, tmp_path))
    assert report.faults == (fault,)
    assert (report.merged, report.faults_total) == (None, 1)
    assert await stored(engine) == NOTHING_STORED
