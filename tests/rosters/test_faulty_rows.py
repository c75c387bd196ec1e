from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import BundleUnusable, OperatorError
from gql_api.rosters import scratch
from gql_api.rosters.importing import FAULTS_SHOWN_MAX, IMPORT_OPTIONS, ImportOptions, ImportReport, import_bundle
from gql_api.rosters.merge import Changes, Merged
from gql_api.rosters.scratch import FaultInFile, Standing
from tests.rosters.sample_bundle import Bundle, appended, manifest, replaced, sample, written
from tests.rosters.stored import NOTHING_STORED, day, every_row, stored

SKIP = ImportOptions(skip_invalid=True)
ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
"""For what is found before a database is asked."""


async def run(
    engine: AsyncEngine, bundle: Bundle, folder: Path, options: ImportOptions = IMPORT_OPTIONS
) -> ImportReport:
    return await import_bundle(engine, written(bundle, folder), options)


def faulty(file: str, line: int, column: str, rule: str, value: str = "") -> FaultInFile:
    return FaultInFile(file, line, column, rule, value, Standing.FAULTY)


def dependent(file: str, line: int, column: str, rule: str, value: str = "") -> FaultInFile:
    return FaultInFile(file, line, column, rule, value, Standing.DEPENDENT)


def changed(file: str, old: str, new: str, version: str = "1.2") -> Bundle:
    return replaced(sample(version), file, old, new)


def added(file: str, *lines: str) -> Bundle:
    return appended(sample(), file, *lines)


USER = "usr-{0},,,true,{0},,{1},Family,,,{2},,,,,,,,,,,,"


@ON_SQLITE
async def test_text_that_is_not_utf_8_is_reported_with_its_line(engine: AsyncEngine, tmp_path: Path) -> None:
    folder = written(sample(), tmp_path)
    users = (folder / "users.csv").read_text(encoding="utf-8")
    (folder / "users.csv").write_bytes(users.encode("latin-1"))
    report = await import_bundle(engine, folder)
    assert report.faults == (faulty("users", 3, "", "the text must be UTF-8, but byte 0xf3 is not"),)
    assert await stored(engine) == NOTHING_STORED


@ON_SQLITE
@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        (sample() | {"users.csv": ""}, "users.csv is empty; the header is missing."),
        (
            changed("users.csv", ",username,", ",userName,"),
            "users.csv, line 1: the column 'userName' must be written username.",
        ),
        (changed("users.csv", "usr-ada", '"usr-ada'), "users.csv, line 2: a quoted field does not end."),
        (
            replaced(changed("enrollments.csv", "enr-2", '"enr-2'), "enrollments.csv", "enr-4", 'enr"-4'),
            "enrollments.csv, line 3: after a closing quote, a comma or the line's end must follow; "
            "quotes make one record of lines 3 to 5, and what was lost with it cannot be told.",
        ),
        (
            replaced(changed("enrollments.csv", "enr-2", '"enr-2'), "enrollments.csv", "enr-4,,", 'enr-4,",'),
            "enrollments.csv, line 3: no field may hold a carriage return; "
            "quotes make one record of lines 3 to 5, and what was lost with it cannot be told.",
        ),
        (
            sample() | {"manifest.csv": manifest(users="delta")},
            "manifest.csv says that users.csv is delta; export it in bulk mode: delta is not supported.",
        ),
    ],
)
async def test_a_file_that_cannot_be_read_as_a_whole_is_refused_even_if_rows_may_be_skipped(
    engine: AsyncEngine, tmp_path: Path, bundle: Bundle, message: str
) -> None:
    with pytest.raises(BundleUnusable) as refused:
        await run(engine, bundle, tmp_path, SKIP)
    assert refused.value.message == message
    assert await stored(engine) == NOTHING_STORED


@ON_SQLITE
async def test_a_file_without_rows_is_refused(engine: AsyncEngine, tmp_path: Path) -> None:
    bundle = sample()
    bundle["roles.csv"] = bundle["roles.csv"].splitlines()[0] + "\n\n"
    with pytest.raises(BundleUnusable, match=r"roles\.csv has no data rows"):
        await run(engine, bundle, tmp_path)


@ON_SQLITE
async def test_a_missing_file_is_refused(engine: AsyncEngine, tmp_path: Path) -> None:
    bundle = sample()
    del bundle["roles.csv"], bundle["classes.csv"]
    bundle["manifest.csv"] = manifest(roles="absent", classes="absent")
    with pytest.raises(BundleUnusable, match=r"says that classes\.csv, roles\.csv is absent; a rostering bundle needs"):
        await run(engine, bundle, tmp_path)


@ON_SQLITE
async def test_faults_beyond_the_first_are_counted_and_written_to_a_file(engine: AsyncEngine, tmp_path: Path) -> None:
    extra = [f"enr-x{i},,,cls-x,school,usr-ada,student,,," for i in range(FAULTS_SHOWN_MAX)]
    bundle = appended(changed("users.csv", "false,eve", "no,eve"), "enrollments.csv", *extra)
    faults_file = tmp_path / "faults.csv"
    report = await run(engine, bundle, tmp_path / "bundle", ImportOptions(faults_file=faults_file))
    rule = "no row of classes.csv has this sourcedId"
    expected = [faulty("users", 4, "enabledUser", "must be one of true, false", "no")]
    expected += [faulty("enrollments", 7 + i, "classSourcedId", rule, "cls-x") for i in range(FAULTS_SHOWN_MAX)]
    assert list(report.faults) == expected[:FAULTS_SHOWN_MAX]
    assert report.faults_total == FAULTS_SHOWN_MAX + 1
    lines = faults_file.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == [
        "file,line,column,rule,value,standing",
        'users.csv,4,enabledUser,"must be one of true, false",no,faulty',
    ]
    assert len(lines) == 1 + report.faults_total


async def test_nothing_is_imported_if_the_faults_cannot_be_written(engine: AsyncEngine, tmp_path: Path) -> None:
    options = ImportOptions(skip_invalid=True, faults_file=tmp_path / "none" / "faults.csv")
    with pytest.raises(OperatorError, match=r"faults\.csv cannot be written: No such file or directory"):
        await run(engine, sample(), tmp_path, options)
    assert await stored(engine) == NOTHING_STORED


async def test_the_rest_is_imported_if_faulty_rows_may_be_skipped(engine: AsyncEngine, tmp_path: Path) -> None:
    bundle = changed("orgs.csv", "School,school", "School,School")
    bundle = replaced(bundle, "classes.csv", "homeroom", "seminar")
    bundle = replaced(bundle, "roles.csv", "usr-ada,primary,student", "usr-ada,primary,Student")
    report = await run(engine, bundle, tmp_path, SKIP)
    roles = (
        "aide, counselor, districtAdministrator, guardian, parent, principal, proctor, relative, siteAdministrator, "
    )
    assert roles
    assert report.faults == (
        faulty("orgs", 3, "type", "must be written school: case matters", "School"),
        faulty("classes", 4, "classType", "must be one of homeroom, scheduled, ext:…", "seminar"),
        faulty("roles", 2, "role", "must be written student: case matters", "Student"),
        dependent("users", 2, "sourcedId", "needs line 2 of roles.csv, which is left out", "usr-ada"),
        dependent("enrollments", 2, "userSourcedId", "needs line 2 of users.csv, which is left out", "usr-ada"),
        dependent("enrollments", 3, "userSourcedId", "needs line 2 of users.csv, which is left out", "usr-ada"),
        dependent("enrollments", 5, "classSourcedId", "needs line 4 of classes.csv, which is left out", "cls-art"),
    )
    found = await stored(engine)
    assert found.students == {("usr-jozsef", "József Árvíz", None)}
    assert {row[0] for row in found.courses} == {"crs-math", "crs-art"}
    assert {row[:2] for row in found.assignments} == {("usr-jozsef", "crs-math")}
    assert report.merged == Merged(Changes(1, 0, 0, 0), Changes(2, 0, 0, 0), Changes(1, 0, 0, 0), 1, 1)
    assert (report.other_users, report.other_enrollments) == (1, 1)


async def test_what_depends_on_a_skipped_course_is_skipped(engine: AsyncEngine, tmp_path: Path) -> None:
    report = await run(engine, changed("courses.csv", ",Mathematics,", ",,"), tmp_path, SKIP)
    needs_course = "needs line 2 of courses.csv, which is left out"
    assert report.faults == (
        faulty("courses", 2, "title", "must not be blank"),
        dependent("classes", 2, "courseSourcedId", needs_course, "crs-math"),
        dependent("classes", 3, "courseSourcedId", needs_course, "crs-math"),
        dependent("enrollments", 2, "classSourcedId", "needs line 2 of classes.csv, which is left out", "cls-math-1"),
        dependent("enrollments", 3, "classSourcedId", "needs line 3 of classes.csv, which is left out", "cls-math-2"),
        dependent("enrollments", 4, "classSourcedId", "needs line 2 of classes.csv, which is left out", "cls-math-1"),
    )
    found = await stored(engine)
    assert found.assignments == {("usr-jozsef", "crs-art", day("2024-10-01"))}
    assert {row[0] for row in found.courses} == {"crs-art"}


async def test_of_rows_with_one_sourced_id_the_first_is_imported(engine: AsyncEngine, tmp_path: Path) -> None:
    bundle = added("users.csv", USER.format("ada", "Other", ""), USER.format("ada", "Third", ""))
    report = await run(engine, bundle, tmp_path, SKIP)
    rule = "must be unique in its file, but stands on line 2 already"
    assert report.faults == (
        faulty("users", 5, "sourcedId", rule, "usr-ada"),
        faulty("users", 6, "sourcedId", rule, "usr-ada"),
    )
    assert (await stored(engine)).students == {
        ("usr-ada", "Ada Lovelace", "ada@example.org"),
        ("usr-jozsef", "József Árvíz", None),
    }


async def test_a_stored_student_who_is_skipped_stays_as_stored(engine: AsyncEngine, tmp_path: Path) -> None:
    await run(engine, sample(), tmp_path)
    before = await every_row(engine)
    bundle = replaced(sample(), "users.csv", "true,ada,,Ada", "maybe,ada,,Augusta")
    bundle = replaced(bundle, "enrollments.csv", "2024-09-02", "2023-09-02")
    report = await run(engine, bundle, tmp_path, SKIP)
    assert await every_row(engine) == before
    assert report.merged == Merged(Changes(0, 0, 1, 1), Changes(0, 0, 2, 0), Changes(0, 0, 2, 1), 2, 2)


@ON_SQLITE
async def test_a_temporary_file_that_cannot_grow_is_an_error_that_says_so(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "PAGES_MAX", 50)
    extra = [f"enr-x{i},,,cls-art,school,usr-ada,student,,," for i in range(5_000)]
    with pytest.raises(OperatorError) as refused:
        await run(engine, added("enrollments.csv", *extra), tmp_path)
    assert refused.value.message == (
        "The temporary file of the import cannot be written: database or disk is full. "
        "SQLITE_TMPDIR names another directory for it."
    )
    assert await stored(engine) == NOTHING_STORED
