"""Databases that cannot be used: one line that says which and why, exit status 1, and nothing changed."""

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.command import downgrade

from gql_api.database.address import parse_database_url
from gql_api.database.migrate import alembic_config, revisions
from tests.database.lock_holder import write_lock_held_by_another_process
from tests.database_fixtures import Databases
from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import connected, everything
from tests.server import command, gql_api, serving

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
every_command = pytest.mark.parametrize(
    "command_line", [["serve", "--port", "0"], ["migrate"], ["verify"]], ids=" ".join
)

FIRST, *LATER = (revision.revision for revision in revisions())
CREATE = 'mutation { createStudent(input: {name: "Ada"}) { __typename } }'


def applied(*names: str) -> str:
    return "".join(f"Applied {name}.\n" for name in names)


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def complaint(command_line: list[str], url: str) -> str:
    """What the command says when it refuses to go on: one line."""
    if command_line[0] == "serve":
        served = gql_api(*command_line, database_url=url)
        status, stdout, stderr = served.returncode, served.stdout, served.stderr
    else:
        done = command(*command_line, database_url=url)
        status, stdout, stderr = done.exit_code, done.stdout, done.stderr
    assert status == 1
    return said_by_verify(stdout, stderr) if command_line == ["verify"] else only_line(stdout, stderr)


def only_line(stdout: str, stderr: str) -> str:
    assert stdout == ""
    assert stderr.count("\n") == 1
    return stderr.removeprefix("Error: ").removesuffix("\n")


def said_by_verify(stdout: str, stderr: str) -> str:
    """Why the first check failed; all others have to be skipped then."""
    assert stderr == ""
    summary, failed, reason, *skipped = stdout.splitlines()
    assert summary.endswith(f": 1 of {1 + len(skipped)} checks failed")
    assert failed.split()[:2] == ["FAILED", "revision"]
    assert {line.split()[0] for line in skipped} == {"skipped"}
    return reason.removeprefix("           - ")


def shown(url: str) -> str:
    return str(parse_database_url(url))


@every_command
def test_a_directory_that_does_not_exist_is_not_made(command_line: list[str], tmp_path: Path) -> None:
    file = tmp_path / "absent" / "school.sqlite3"
    assert complaint(command_line, url_of(file)) == (
        f"The database file {file} cannot be made: its directory does not exist."
    )
    assert list(tmp_path.iterdir()) == []


def test_verifying_a_file_that_does_not_exist_does_not_make_it(tmp_path: Path) -> None:
    file = tmp_path / "school.sqlite3"
    assert (
        complaint(["verify"], url_of(file)) == f"The database file {file} does not exist; `gql-api migrate` makes it."
    )
    assert list(tmp_path.iterdir()) == []


@every_command
def test_another_kind_of_file_is_left_alone(command_line: list[str], tmp_path: Path) -> None:
    file = tmp_path / "school.csv"
    content = "sourcedId,status\n" * 1000
    file.write_text(content)
    assert (
        complaint(command_line, url_of(file)) == f"The database file {file} is not an SQLite database, or is damaged."
    )
    assert file.read_text() == content


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    file.chmod(0o444)
    file.parent.chmod(0o555)
    try:
        yield
    finally:
        file.parent.chmod(0o755)
        file.chmod(0o644)


@on_sqlite
def test_a_read_only_file_is_not_served(database_url: str, tmp_path: Path) -> None:
    file = Path(shutil.copy(parse_database_url(database_url).file, tmp_path / "school.sqlite3"))
    before = file.read_bytes()
    with read_only(file):
        refused = gql_api("serve", "--port", "0", database_url=url_of(file), obeys_file_modes=True)
    assert refused.returncode == 1
    assert only_line(refused.stdout, refused.stderr) == f"The database file {file} is read-only."
    assert file.read_bytes() == before


@pytest.mark.parametrize("command_line", [["serve", "--port", "0"], ["migrate"]], ids=" ".join)
def test_a_read_only_file_is_not_migrated(command_line: list[str], tmp_path: Path) -> None:
    file = tmp_path / "school.sqlite3"
    sqlite3.connect(file).close()
    with read_only(file):
        refused = gql_api(*command_line, database_url=url_of(file), obeys_file_modes=True)
    assert refused.returncode == 1
    assert only_line(refused.stdout, refused.stderr) in {
        f"The database file {file} is read-only.",
        f"The database file {file} cannot be opened by this user: both the file and its directory must be writable.",
    }
    assert [(made.name, made.read_bytes()) for made in tmp_path.iterdir()] == [(file.name, b"")]


@every_command
def test_a_server_that_is_not_there_is_named_without_its_password(command_line: list[str]) -> None:
    said = complaint(command_line, "postgresql+asyncpg://ann:hunter2@127.0.0.1:1/school")
    assert said == "The database postgresql+asyncpg://ann:***@127.0.0.1:1/school cannot be reached."


@every_command
def test_a_host_that_has_no_address_is_named(command_line: list[str]) -> None:
    said = complaint(command_line, "postgresql+asyncpg://ann@absent.invalid/school")
    assert said == "The database postgresql+asyncpg://ann@absent.invalid/school cannot be reached."


@every_command
def test_a_database_that_is_newer_than_the_program_is_left_alone(command_line: list[str], database_url: str) -> None:
    with connected(database_url) as database:
        database.run("UPDATE alembic_version SET version_num = '9999'")
        before = everything(database)
        said = complaint(command_line, database_url)
        assert said.startswith(
            f"The database {shown(database_url)} is at revision 9999, which this program does not know: "
        )
        assert said.endswith(" Update the program.")
        assert everything(database) == before


@on_postgresql
@pytest.mark.parametrize("command_line", [["serve", "--port", "0"], ["verify"]], ids=" ".join)
def test_a_database_without_a_schema_is_not_served(command_line: list[str], empty_database_url: str) -> None:
    said = complaint(command_line, empty_database_url)
    assert said == f"The database {shown(empty_database_url)} has no schema yet. Run `gql-api migrate`."


@pytest.fixture
def older_database_url(database_url: str) -> str:
    """A database of the first revision, with a student in it."""
    downgrade(alembic_config(database_url), FIRST)
    with connected(database_url) as database:
        database.run("INSERT INTO students (name) VALUES ('Ada')")
    return database_url


@on_postgresql
@pytest.mark.parametrize("command_line", [["serve", "--port", "0"], ["verify"]], ids=" ".join)
def test_an_older_database_is_not_served_until_it_is_migrated(command_line: list[str], older_database_url: str) -> None:
    said = complaint(command_line, older_database_url)
    state = f"is at revision {FIRST}, older than {LATER[-1]}"
    assert said == f"The database {shown(older_database_url)} {state}. Run `gql-api migrate`."
    migrated = command("migrate", database_url=older_database_url)
    assert (migrated.exit_code, migrated.stdout, migrated.stderr) == (0, applied(*LATER), "")
    with serving(older_database_url) as server, GraphQLClient(server) as client:
        assert client.execute("{ students { nodes { name } } }").data == {"students": {"nodes": [{"name": "Ada"}]}}


@on_sqlite
def test_an_older_file_is_migrated_by_serving_it(older_database_url: str) -> None:
    with serving(older_database_url) as server, GraphQLClient(server) as client:
        assert client.execute("{ students { nodes { name courses { totalCount } } } }").data == {
            "students": {"nodes": [{"name": "Ada", "courses": {"totalCount": 0}}]}
        }


@on_sqlite
def test_a_file_that_another_process_writes_to_is_read_meanwhile_and_written_later(database_url: str) -> None:
    with write_lock_held_by_another_process(parse_database_url(database_url).file):
        migrated = command("migrate", database_url=database_url)
        assert (migrated.exit_code, migrated.stdout) == (0, "The schema is at head already.\n")
        assert command("verify", database_url=database_url).exit_code == 0
        with serving(database_url, busy_timeout_seconds=0.1) as server, GraphQLClient(server) as client:
            assert server.get("/health/ready").status_code == 200
            assert client.execute("{ students { totalCount } }").data == {"students": {"totalCount": 0}}
            refused = client.execute(CREATE)
            assert (refused.status, "data" in refused.body, refused.codes) == (503, False, ["OVERLOADED"])
            assert refused.messages == ["This cannot be done at the moment; try again later."]
            log = server.log
    assert "is locked by another writer; the wait for its lock was given up." in log
    assert refused.body["errors"][0]["extensions"]["requestId"] in log
    with serving(database_url) as server, GraphQLClient(server) as client:
        assert client.execute(CREATE).data == {"createStudent": {"__typename": "CreateStudentSuccess"}}


def test_two_who_migrate_at_once_migrate_once(databases: Databases) -> None:
    with databases.empty() as url, ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: gql_api("migrate", database_url=url), range(3)))
    assert {run.returncode for run in done} == {0}
    assert sorted(run.stdout for run in done) == [
        applied(FIRST, *LATER),
        *["The schema is at head already.\n"] * 2,
    ]
