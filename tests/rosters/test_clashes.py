import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import create_engine
from gql_api.errors import CourseFull, DatabaseUnusable
from gql_api.rosters.bundle import open_bundle
from gql_api.rosters.importing import IMPORT_OPTIONS, ImportOptions, ImportReport, import_bundle
from gql_api.rosters.manifest import Version
from gql_api.rosters.merge import Changes, OptionalColumns, merge
from gql_api.rosters.oneroster import rostering_files
from gql_api.rosters.progress import SILENT
from gql_api.rosters.scratch import FaultInFile, Standing, open_scratch
from gql_api.rosters.selection import select_courses, select_students
from gql_api.rosters.staging import stage_file
from gql_api.services.assignments import assign_course, assign_courses
from gql_api.services.pairs import Pair
from gql_api.services.students import create_student
from gql_api.services.tables import COURSES, STUDENT_COURSES, STUDENTS
from gql_api.services.unit_of_work import UnitsOfWork
from tests.rosters.sample_bundle import Bundle, appended, replaced, sample, written
from tests.rosters.stored import day, every_row, stored
from tests.services.held import held

SKIP = ImportOptions(skip_invalid=True)


async def run(
    engine: AsyncEngine, bundle: Bundle, folder: Path, options: ImportOptions = IMPORT_OPTIONS
) -> ImportReport:
    return await import_bundle(engine, written(bundle, folder), options)


def faulty(file: str, line: int, column: str, rule: str, value: str = "") -> FaultInFile:
    return FaultInFile(file, line, column, rule, value, Standing.FAULTY)


def dependent(line: int, column: str, file: str, value: str) -> FaultInFile:
    rule = f"needs a row of {file}.csv that is left out"
    return FaultInFile("enrollments", line, column, rule, value, Standing.DEPENDENT)


def with_capacities(math: str, art: str) -> Bundle:
    bundle = replaced(sample(), "courses.csv", "subjectCodes", "subjectCodes,metadata.capacity")
    bundle = replaced(bundle, "courses.csv", '"08,09",school,,', f'"08,09",school,,,{math}')
    return replaced(bundle, "courses.csv", 'at it",,,school,,', f'at it",,,school,,,{art}')


async def test_an_address_of_somebody_else_is_reported(
    engine: AsyncEngine, tmp_path: Path, units_of_work: UnitsOfWork
) -> None:
    await units_of_work.run(lambda uow: create_student(uow, name="Of the API", email="ada@example.org"))
    before = await every_row(engine)
    taken = faulty(
        "users", 2, "email", "must be unique, but the record with databaseId 1 has this already", "ada@example.org"
    )
    report = await run(engine, sample(), tmp_path)
    assert (report.merged, report.faults) == (None, (taken,))
    assert await every_row(engine) == before

    report = await run(engine, sample(), tmp_path, SKIP)
    assert report.faults == (taken, dependent(2, "userSourcedId", "users", "usr-ada"))
    found = await stored(engine)
    assert found.students == {(None, "Of the API", "ada@example.org"), ("usr-jozsef", "József Árvíz", None)}
    assert {row[:2] for row in found.assignments} == {("usr-jozsef", "crs-math"), ("usr-jozsef", "crs-art")}
    assert report.merged is not None
    assert (report.merged.enrollments, report.merged.enrollments_selected, report.other_enrollments) == (2, 4, 1)


async def test_a_code_of_another_course_is_reported(engine: AsyncEngine, tmp_path: Path) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(COURSES), [{"code": "crs-art", "title": "Another"}])
    report = await run(engine, sample(), tmp_path, SKIP)
    rule = "must be unique, but the record with databaseId 1 has this already"
    assert report.faults == (
        faulty("courses", 3, "courseCode", rule, "crs-art"),
        dependent(5, "classSourcedId", "courses", "crs-art"),
    )
    assert {row[:2] for row in (await stored(engine)).courses} == {(None, "crs-art"), ("crs-math", "MATH")}


async def test_a_record_that_is_skipped_does_not_give_up_its_address(
    engine: AsyncEngine, tmp_path: Path, units_of_work: UnitsOfWork
) -> None:
    await run(engine, sample(), tmp_path)
    await units_of_work.run(lambda uow: create_student(uow, name="Of the API", email="taken@example.org"))
    before = await stored(engine)
    bundle = replaced(sample(), "users.csv", "ada@example.org", "taken@example.org")
    bundle = replaced(bundle, "users.csv", "József,Árvíz,,,,", "József,Árvíz,,,ada@example.org,")
    rule = "must be unique, but the record with databaseId {} has this already"
    of_ada = faulty("users", 2, "email", rule.format(3), "taken@example.org")
    of_jozsef = faulty("users", 3, "email", rule.format(1), "ada@example.org")
    report = await run(engine, bundle, tmp_path)
    # Ada cannot have hers, so that József's is not free either.
    assert (report.merged, report.faults) == (None, (of_ada, of_jozsef))
    report = await run(engine, bundle, tmp_path, SKIP)
    assert report.faults[:2] == (of_ada, of_jozsef)
    assert await stored(engine) == before


async def test_no_import_overfills_a_course(engine: AsyncEngine, tmp_path: Path) -> None:
    bundle = with_capacities(math="1", art="0")
    full = [
        faulty("enrollments", 4, "classSourcedId", "needs a seat, but all 1 of this course are taken", "MATH"),
        faulty("enrollments", 5, "classSourcedId", "needs a seat, but all 0 of this course are taken", "crs-art"),
    ]
    report = await run(engine, bundle, tmp_path)
    assert (report.merged, report.faults) == (None, tuple(full))
    assert await stored(engine) == (set(), set(), set())

    report = await run(engine, bundle, tmp_path, SKIP)
    assert report.faults == tuple(full)
    assert (await stored(engine)).assignments == {("usr-ada", "crs-math", day("2024-09-02"))}


async def test_seats_taken_by_others_are_counted(engine: AsyncEngine, tmp_path: Path) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            insert(COURSES), [{"code": "MATH", "title": "M", "capacity": 2, "sourced_id": "crs-math"}]
        )
        await connection.execute(insert(STUDENTS), [{"name": "Of the API"}])
        await connection.execute(insert(STUDENT_COURSES), [{"student_id": 1, "course_id": 1}])
    report = await run(engine, sample(), tmp_path)
    rule = "needs a seat, but all 2 of this course are taken"
    assert (report.merged, report.faults) == (None, (faulty("enrollments", 4, "classSourcedId", rule, "MATH"),))


async def test_a_stored_assignment_keeps_its_seat(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    async with engine.begin() as connection:
        await connection.execute(update(COURSES).where(COURSES.c.code == "MATH").values(capacity=2))
    report = await run(engine, sample(), tmp_path)
    assert report.merged is not None
    assert (report.merged.assignments, report.faults) == (Changes(0, 0, 3, 0), ())


async def test_a_capacity_below_the_seats_taken_is_reported(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    before = await every_row(engine)
    too_few = faulty("courses", 2, "metadata.capacity", "must be at least 2: so many seats are taken", "1")
    report = await run(engine, with_capacities(math="1", art="1"), tmp_path)
    assert (report.merged, report.faults) == (None, (too_few,))
    assert await every_row(engine) == before

    report = await run(engine, with_capacities(math="1", art="1"), tmp_path, SKIP)
    assert report.faults == (
        too_few,
        dependent(2, "classSourcedId", "courses", "crs-math"),
        dependent(4, "classSourcedId", "courses", "crs-math"),
    )
    found = await stored(engine)
    assert {(row[0], row[4]) for row in found.courses} == {("crs-math", None), ("crs-art", 1)}
    assert len(found.assignments) == 3


LAST_SEAT_SECONDS = 0.5
"""How long somebody is watched waiting; were it not for the lock, a hundredth of it would do."""


async def test_an_import_waits_for_whoever_is_taking_a_seat(
    engine: AsyncEngine, tmp_path: Path, units_of_work: UnitsOfWork
) -> None:
    await run(engine, with_capacities(math="3", art="9"), tmp_path)
    rival = await units_of_work.run(lambda uow: create_student(uow, name="Rival"))
    async with held(engine) as uow:
        await assign_course(uow, student_id=rival.id, course_id=1)
        importing = asyncio.create_task(run(engine, with_a_new_student(), tmp_path))
        await asyncio.wait({importing}, timeout=LAST_SEAT_SECONDS)
        assert not importing.done()
        await uow.commit()
    report = await importing
    rule = "needs a seat, but all 3 of this course are taken"
    assert (report.merged, report.faults) == (None, (faulty("enrollments", 7, "classSourcedId", rule, "MATH"),))


async def test_whoever_wants_a_seat_waits_for_an_import(
    engine: AsyncEngine, tmp_path: Path, units_of_work: UnitsOfWork
) -> None:
    await run(engine, with_capacities(math="3", art="9"), tmp_path)
    rival = await units_of_work.run(lambda uow: create_student(uow, name="Rival"))
    files = rostering_files(Version.V1_2)
    with open_bundle(written(with_a_new_student(), tmp_path)) as bundle, open_scratch(files) as scratch:
        for file in files:
            with SILENT.step(file.name, 1) as step:
                stage_file(scratch, bundle, file, step)
        select_courses(scratch)
        select_students(scratch)
        async with engine.connect() as connection:
            optional = OptionalColumns(email=True, credits=False, capacity=False)
            assert await merge(connection, scratch, optional, SILENT, skip_invalid=False) is not None
            # This one counts the seats first, and takes them by a later statement.
            assigning = asyncio.create_task(
                units_of_work.run(lambda uow: assign_courses(uow, [Pair(student_id=rival.id, course_id=1)]))
            )
            await asyncio.wait({assigning}, timeout=LAST_SEAT_SECONDS)
            assert not assigning.done()
            await connection.commit()
    [refusal] = await assigning
    assert isinstance(refusal, CourseFull)


def with_a_new_student() -> Bundle:
    """The sample, with one more student of mathematics, on the last line of enrollments.csv."""
    bundle = appended(sample(), "users.csv", "usr-new,,,true,new,,New,Student,,,,,,,,,,,,,,,")
    bundle = appended(bundle, "roles.csv", "rol-new,,,usr-new,primary,student,,,school,")
    return appended(bundle, "enrollments.csv", "enr-new,,,cls-math-1,school,usr-new,student,,,")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_locked_file_is_an_error_that_says_so(engine: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    impatient = create_engine(database_url, busy_timeout_seconds=0.1)
    async with engine.begin():
        with pytest.raises(DatabaseUnusable, match="is locked by another"):
            await run(impatient, sample(), tmp_path)
    await impatient.dispose()
    report = await run(engine, sample(), tmp_path)
    assert report.merged is not None
