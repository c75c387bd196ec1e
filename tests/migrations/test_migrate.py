import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from gql_api.database.address import parse_database_url
from gql_api.database.engine import create_engine
from gql_api.database.migrate import migration_connection, migrations_directory, revisions, upgrade_to_head
from gql_api.errors import DatabaseUnusable
from gql_api.models import Model
from tests.migrations.migrating import alembic, migrate_in_processes_at_once, upgrade

ALL = tuple(revision.revision for revision in revisions())

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


async def test_migrating_runs_what_is_missing_and_then_nothing(empty_database_url: str) -> None:
    assert await upgrade_to_head(empty_database_url) == ALL
    assert await upgrade_to_head(empty_database_url) == ()


def test_of_many_processes_one_migrates_and_the_others_find_nothing_to_do(empty_database_url: str) -> None:
    assert migrate_in_processes_at_once(empty_database_url, processes=3) == ["", "", ",".join(ALL)]


async def test_many_tasks_of_one_process_migrate_in_turn(empty_database_url: str) -> None:
    outcomes = await asyncio.gather(*(upgrade_to_head(empty_database_url) for _ in range(4)))
    assert sorted(outcomes) == [(), (), (), ALL]


async def test_waiting_for_another_migration_ends(empty_database_url: str) -> None:
    async with migration_connection(empty_database_url) as connection, connection.begin():
        with pytest.raises(DatabaseUnusable, match="locked by another writer"):
            await upgrade_to_head(empty_database_url, wait_seconds=0.1)
    assert await upgrade_to_head(empty_database_url) == ALL


async def test_a_database_that_is_newer_than_the_program_is_left_alone(database_url: str) -> None:
    engine = create_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable) as caught:
        await upgrade_to_head(database_url)
    assert caught.value.message == (
        f"The database {parse_database_url(database_url)} is at revision 9999, which this program does not know: "
        f"it is newer than the program, whose newest revision is {ALL[-1]}. Update the program."
    )
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    await engine.dispose()


async def test_tables_of_somebody_else_are_not_overwritten(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, create_missing_file=True)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE courses (name text)"))
    with pytest.raises(DatabaseUnusable, match=r"could not be migrated; nothing was changed.*courses.* already exists"):
        await upgrade_to_head(empty_database_url)
    async with engine.begin() as connection:
        with pytest.raises(Exception, match="students"):
            await connection.execute(text("SELECT * FROM students"))
    await engine.dispose()


def migrations_with(directory: Path, revision: str, upgrade_body: str) -> Path:
    """Copy our migrations and put another revision on top."""
    shutil.copytree(migrations_directory(), directory, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "versions" / f"{revision}_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = {revision!r}\ndown_revision = {ALL[-1]!r}\n\ndef upgrade():\n{upgrade_body}\n"
    )
    return directory


ASSIGNED = [
    "INSERT INTO students (name) VALUES ('Ann')",
    "INSERT INTO courses (code, title) VALUES ('L1', 'Logic')",
    "INSERT INTO student_courses (student_id, course_id) VALUES (1, 1)",
]


async def assign(url: str) -> None:
    engine = create_engine(url)
    async with engine.begin() as connection:
        for statement in ASSIGNED:
            await connection.execute(text(statement))
    await engine.dispose()


async def test_making_a_table_anew_keeps_the_rows_that_refer_to_it(database_url: str, tmp_path: Path) -> None:
    directory = migrations_with(
        tmp_path / "migrations",
        "9000",
        "    with op.batch_alter_table('students') as students:\n"
        "        students.alter_column('name', existing_type=sa.String(255), nullable=True)",
    )
    await assign(database_url)
    await upgrade(database_url, "head", directory=directory)
    engine = create_engine(database_url)
    async with engine.begin() as connection:
        assert (await connection.execute(text("SELECT student_id, course_id FROM student_courses"))).all() == [(1, 1)]
        await connection.execute(text("UPDATE students SET name = NULL"))
        await connection.execute(text("DELETE FROM students"))
        assert await connection.scalar(text("SELECT count(*) FROM student_courses")) == 0
    await engine.dispose()


@on_sqlite
async def test_a_migration_that_loses_rows_which_others_refer_to_is_rolled_back(
    database_url: str, tmp_path: Path
) -> None:
    directory = migrations_with(tmp_path / "migrations", "9000", "    op.execute('DELETE FROM students')")
    await assign(database_url)
    with pytest.raises(DatabaseUnusable, match="rows of student_courses refer to rows of students that are gone"):
        await upgrade(database_url, "head", directory=directory)
    with sqlite3.connect(parse_database_url(database_url).file) as connection:
        assert connection.execute("SELECT name FROM students").fetchall() == [("Ann",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(ALL[-1],)]
    connection.close()


def test_alembics_own_command_line_works_at_the_root(empty_database_url: str) -> None:
    upgraded = alembic("upgrade", "head", url=empty_database_url)
    assert (upgraded.returncode, upgraded.stderr) == (0, "")
    checked = alembic("check", url=empty_database_url)
    assert (checked.returncode, checked.stdout) == (0, "No new upgrade operations detected.\n")


def test_alembics_command_line_prints_sql(empty_database_url: str, dialect: str) -> None:
    printed = alembic("upgrade", "head", "--sql", url=empty_database_url)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.startswith("BEGIN;")
    assert printed.stdout.endswith("COMMIT;\n\n")
    assert printed.stdout.count("CREATE TABLE") == len(Model.metadata.tables) + 1
    assert ('COLLATE "C"' in printed.stdout) == (dialect == "postgresql")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://ann:hunter2@db/school", "write postgresql+asyncpg://ann:***@db/school."),
        ("sqlite+aiosqlite:////absent/school.sqlite3", "cannot be made: its directory does not exist."),
    ],
)
def test_alembics_command_line_says_what_is_wrong(url: str, reason: str) -> None:
    failed = alembic("upgrade", "head", url=url)
    assert failed.returncode != 0
    assert failed.stdout.startswith("FAILED: ")
    assert failed.stdout.endswith(f"{reason}\n")
    assert "hunter2" not in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr
