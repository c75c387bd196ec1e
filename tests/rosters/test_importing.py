import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.rosters.importing import IMPORT_OPTIONS, ImportOptions, ImportReport, import_bundle
from gql_api.rosters.merge import Changes, Merged
from gql_api.services.actor import OPERATOR, Actor
from gql_api.services.students import create_student
from gql_api.services.tables import COURSES
from gql_api.services.unit_of_work import UnitsOfWork
from tests.rosters.sample_bundle import Bundle, manifest, replaced, sample, written, zipped
from tests.rosters.stored import NOTHING_STORED, Stored, day, every_row, stored
from tests.services.stored import audited

ADA = ("usr-ada", "Ada Lovelace", "ada@example.org")
JOZSEF = ("usr-jozsef", "József Árvíz", None)
MATH = ("crs-math", "MATH", "Mathematics", None, None)
ART = ("crs-art", "crs-art", "Art, and how to look at it", None, None)
ADA_TAKES_MATH = ("usr-ada", "crs-math", day("2024-09-02"))
JOZSEF_TAKES_ART = ("usr-jozsef", "crs-art", day("2024-10-01"))


async def run(
    engine: AsyncEngine, bundle: Bundle, folder: Path, options: ImportOptions = IMPORT_OPTIONS
) -> ImportReport:
    return await import_bundle(engine, written(bundle, folder), options)


async def kept(engine: AsyncEngine) -> Stored:
    """What is stored, without the one assignment whose time is that of the import, which must be there."""
    everything = await stored(engine)
    [undated] = [row for row in everything.assignments if row[:2] == ("usr-jozsef", "crs-math")]
    assert timedelta(0) <= datetime.now(UTC) - undated[2] < timedelta(minutes=1)
    return everything._replace(assignments=everything.assignments - {undated})


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_bundle_becomes_students_courses_and_assignments(
    engine: AsyncEngine, tmp_path: Path, version: str
) -> None:
    report = await run(engine, sample(version), tmp_path)
    assert await kept(engine) == Stored({ADA, JOZSEF}, {MATH, ART}, {ADA_TAKES_MATH, JOZSEF_TAKES_ART})
    assert report.merged == Merged(
        students=Changes(2, 0, 0, 0),
        courses=Changes(2, 0, 0, 0),
        assignments=Changes(3, 0, 0, 0),
        enrollments=4,
        enrollments_selected=4,
    )
    assert (report.other_users, report.other_enrollments, report.faults, report.faults_total) == (1, 1, (), 0)
    rows = {"orgs": 2, "academicSessions": 2, "courses": 2, "classes": 3, "users": 3, "roles": 3, "enrollments": 5}
    assert report.rows == {name: number for name, number in rows.items() if version == "1.2" or name != "roles"}


async def test_an_import_that_changes_something_stands_in_the_audit_with_its_counts(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    folder = written(sample(), tmp_path)
    actor = Actor("ida", OPERATOR)
    await import_bundle(engine, folder, ImportOptions(dry_run=True), actor=actor)
    assert await audited(engine) == []
    await import_bundle(engine, folder, actor=actor)
    await import_bundle(engine, folder, actor=actor)
    counts = {
        name: {"created": new, "updated": 0} for name, new in (("assignments", 3), ("courses", 2), ("students", 2))
    }
    [entry] = await audited(engine)
    assert entry[:5] == ("ida", "operator", "IMPORT", None, None)
    assert json.loads(entry.details or "") == counts


async def test_an_archive_is_imported_like_a_folder(engine: AsyncEngine, tmp_path: Path) -> None:
    report = await import_bundle(engine, zipped(sample(), tmp_path / "roster.zip"))
    assert await kept(engine) == Stored({ADA, JOZSEF}, {MATH, ART}, {ADA_TAKES_MATH, JOZSEF_TAKES_ART})
    assert report.merged is not None


async def test_ids_follow_the_order_of_the_files(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    students, courses, _ = await every_row(engine)
    assert [row[1] for row in students] == ["Ada Lovelace", "József Árvíz"]
    assert [row[1] for row in courses] == ["MATH", "crs-art"]


async def test_importing_twice_changes_nothing(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    before = await every_row(engine)
    report = await run(engine, sample(), tmp_path)
    assert await every_row(engine) == before
    assert report.merged == Merged(Changes(0, 0, 2, 0), Changes(0, 0, 2, 0), Changes(0, 0, 3, 0), 4, 4)


async def test_what_has_changed_is_updated_and_keeps_its_id(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    before = await every_row(engine)
    bundle = replaced(sample(), "users.csv", ",,,,school,she/her", ",Augusta Ada,,King,school,she/her")
    bundle = replaced(bundle, "users.csv", "ada@example.org", "king@example.org")
    bundle = replaced(bundle, "courses.csv", "Mathematics,MATH", "Analysis,ANA")
    bundle = replaced(bundle, "enrollments.csv", "2024-10-01", "2024-09-30")
    report = await run(engine, bundle, tmp_path)
    assert report.merged == Merged(Changes(0, 1, 1, 0), Changes(0, 1, 1, 0), Changes(0, 1, 2, 0), 4, 4)
    assert await kept(engine) == Stored(
        {("usr-ada", "Augusta Ada King", "king@example.org"), JOZSEF},
        {("crs-math", "ANA", "Analysis", None, None), ART},
        {ADA_TAKES_MATH, ("usr-jozsef", "crs-art", day("2024-09-30"))},
    )
    after = await every_row(engine)
    assert [[row[0] for row in table] for table in after] == [[row[0] for row in table] for table in before]


async def test_students_may_exchange_addresses_and_courses_codes(engine: AsyncEngine, tmp_path: Path) -> None:
    first = replaced(sample(), "users.csv", "József,Árvíz,,,,", "József,Árvíz,,,j@example.org,")
    first = replaced(first, "courses.csv", 'at it",,', 'at it",ART,')
    await run(engine, first, tmp_path)
    second = replaced(first, "users.csv", "j@example.org", "ada@example.com")
    second = replaced(second, "users.csv", "ada@example.org", "j@example.org")
    second = replaced(second, "users.csv", "ada@example.com", "ada@example.org")
    second = replaced(second, "courses.csv", "Mathematics,MATH", "Mathematics,ART")
    second = replaced(second, "courses.csv", 'at it",ART,', 'at it",MATH,')
    report = await run(engine, second, tmp_path)
    assert report.merged == Merged(Changes(0, 2, 0, 0), Changes(0, 2, 0, 0), Changes(0, 0, 3, 0), 4, 4)
    found = await stored(engine)
    assert found.students == {(*ADA[:2], "j@example.org"), (*JOZSEF[:2], "ada@example.org")}
    assert found.courses == {("crs-math", "ART", *MATH[2:]), ("crs-art", "MATH", *ART[2:])}


async def test_what_is_not_in_the_bundle_is_left_alone_and_counted(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    before = await every_row(engine)
    bundle = sample()
    for file, gone in {
        "courses.csv": "crs-art,",
        "classes.csv": "cls-art,",
        "users.csv": "usr-jozsef,",
        "roles.csv": "usr-jozsef,",
        "enrollments.csv": "usr-jozsef,",
    }.items():
        bundle[file] = "".join(f"{line}\n" for line in bundle[file].splitlines() if gone not in line)
    report = await run(engine, bundle, tmp_path)
    assert report.merged == Merged(Changes(0, 0, 1, 1), Changes(0, 0, 1, 1), Changes(0, 0, 1, 2), 2, 2)
    assert await every_row(engine) == before


async def test_records_made_elsewhere_are_left_alone_and_not_counted(
    engine: AsyncEngine, tmp_path: Path, units_of_work: UnitsOfWork
) -> None:
    await units_of_work.run(lambda uow: create_student(uow, name="Of the API", email="api@example.org"))
    report = await run(engine, sample(), tmp_path)
    assert report.merged is not None
    assert report.merged.students == Changes(2, 0, 0, 0)
    assert (await stored(engine)).students == {ADA, JOZSEF, (None, "Of the API", "api@example.org")}


async def test_columns_that_the_bundle_lacks_change_nothing(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample("1.1"), tmp_path)
    async with engine.begin() as connection:
        await connection.execute(update(COURSES).values(credits=5, capacity=9))
    bundle = sample("1.1")
    rows = [line.replace('"school,district"', "school").split(",") for line in bundle["users.csv"].splitlines()]
    position = rows[0].index("email")
    bundle["users.csv"] = "".join(",".join(row[:position] + row[position + 1 :]) + "\n" for row in rows)
    report = await run(engine, bundle, tmp_path)
    assert report.merged == Merged(Changes(0, 0, 2, 0), Changes(0, 0, 2, 0), Changes(0, 0, 3, 0), 4, 4)
    found = await stored(engine)
    assert (found.students, found.courses) == ({ADA, JOZSEF}, {(*MATH[:3], 5, 9), (*ART[:3], 5, 9)})


async def test_metadata_columns_give_credits_capacity_and_registration_dates(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    bundle = with_metadata(sample(), "courses.csv", "metadata.credits,metadata.capacity", {2: "10,2", 3: ",0012"})
    bundle = with_metadata(
        bundle, "enrollments.csv", "metadata.other,metadata.registrationDate", {3: "x,2024-08-01", 4: ",2024-08-02"}
    )
    await run(engine, bundle, tmp_path)
    assert await stored(engine) == Stored(
        {ADA, JOZSEF},
        {(*MATH[:3], 10, 2), (*ART[:3], None, 12)},
        {ADA_TAKES_MATH, JOZSEF_TAKES_ART, ("usr-jozsef", "crs-math", day("2024-08-02"))},
    )


def with_metadata(bundle: Bundle, file: str, header: str, cells: dict[int, str]) -> Bundle:
    """The bundle with columns added to a file; `cells` by line, blank where not said."""
    first, *rows = bundle[file].splitlines()
    blank = "," * header.count(",")
    lines = [f"{first},{header}", *(f"{row},{cells.get(line, blank)}" for line, row in enumerate(rows, 2))]
    return {**bundle, file: "\n".join([*lines, ""])}


async def test_a_manifest_alone_says_that_there_is_nothing_new(engine: AsyncEngine, tmp_path: Path) -> None:
    absent = dict.fromkeys(
        ["orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments"], "absent"
    )
    report = await run(engine, {"manifest.csv": manifest(**absent)}, tmp_path)
    assert report.merged == Merged(Changes(0, 0, 0, 0), Changes(0, 0, 0, 0), Changes(0, 0, 0, 0), 0, 0)
    assert report.rows == {}


async def test_a_dry_run_reports_the_same_and_keeps_nothing(engine: AsyncEngine, tmp_path: Path) -> None:
    rehearsed = await run(engine, sample(), tmp_path, ImportOptions(dry_run=True))
    assert await stored(engine) == NOTHING_STORED
    performed = await run(engine, sample(), tmp_path)
    assert rehearsed.merged == performed.merged
