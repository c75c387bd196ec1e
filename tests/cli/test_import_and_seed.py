"""`gql-api import`, `gql-api seed` and `gql-api serve --demo`: into which databases, and with which exit status."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import Result

from tests.database.lock_holder import write_lock_held_by_another_process
from tests.database_fixtures import Databases
from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import connected, everything
from tests.rosters.sample_bundle import replaced, sample, written, zipped
from tests.server import Server, command, gql_api, serving

COUNTS = "{ students { totalCount } courses(first: 500) { totalCount nodes { capacity seatsTaken } } }"
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

Fill = Callable[..., Result]


def import_sample(url: str, directory: Path, **settings: object) -> Result:
    return command("import", str(written(sample(), directory)), database_url=url, **settings)


def seed_a_few(url: str, _directory: Path, **settings: object) -> Result:
    numbers = ["--students", "30", "--courses", "5", "--per-student", "2"]
    return command("seed", *numbers, database_url=url, **settings)


every_fill = pytest.mark.parametrize("fill", [import_sample, seed_a_few], ids=["import", "seed"])


def counts(url: str) -> tuple[int, int, int]:
    with connected(url) as database:
        stored = everything(database)
    return len(stored["students"]), len(stored["courses"]), len(stored["student_courses"])


@on_sqlite
@every_fill
def test_a_file_is_made_and_migrated_for_what_comes_in(fill: Fill, empty_database_url: str, tmp_path: Path) -> None:
    filled = fill(empty_database_url, tmp_path)
    assert (filled.exit_code, filled.exception) == (0, None)
    assert all(counts(empty_database_url))
    assert command("verify", database_url=empty_database_url).exit_code == 0


@on_postgresql
@every_fill
def test_a_server_has_to_be_migrated_first(fill: Fill, empty_database_url: str, tmp_path: Path) -> None:
    refused = fill(empty_database_url, tmp_path)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith(" has no schema yet. Run `gql-api migrate`.\n")
    assert command("migrate", database_url=empty_database_url).exit_code == 0
    assert fill(empty_database_url, tmp_path).exit_code == 0
    assert all(counts(empty_database_url))


def test_a_bundle_is_imported_from_a_folder_and_from_an_archive_alike(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert import_sample(database_url, tmp_path / "folder").exit_code == 0
    before = counts(database_url)
    again = command("import", str(zipped(sample(), tmp_path / "bundle.zip")), database_url=database_url)
    assert again.exit_code == 0
    assert counts(database_url) == before


@on_sqlite
def test_a_faulty_bundle_is_not_imported_unless_its_faults_may_be_left_out(database_url: str, tmp_path: Path) -> None:
    faults, folder = tmp_path / "faults.csv", tmp_path / "bundle"
    folder.mkdir()
    bundle = str(written(replaced(sample(), "users.csv", "false,eve", "no,eve"), folder))
    refused = command("import", bundle, "--faults", str(faults), database_url=database_url)
    assert refused.exit_code == 1
    assert "Nothing was imported" in refused.stdout
    assert "enabledUser" in faults.read_text()
    assert counts(database_url) == (0, 0, 0)
    assert command("import", bundle, "--skip-invalid", database_url=database_url).exit_code == 0
    assert all(counts(database_url))


@on_sqlite
def test_a_dry_run_changes_nothing(database_url: str, tmp_path: Path) -> None:
    assert command("import", str(written(sample(), tmp_path)), "--dry-run", database_url=database_url).exit_code == 0
    assert counts(database_url) == (0, 0, 0)


@on_sqlite
def test_what_cannot_be_read_is_named_before_a_database_is_made(empty_database_url: str, tmp_path: Path) -> None:
    absent = command("import", str(tmp_path / "absent.zip"), database_url=empty_database_url)
    assert absent.exit_code == 2
    assert absent.stderr.endswith(f"Path '{tmp_path / 'absent.zip'}' does not exist.\n")
    too_many = command("seed", "--students", "-1", database_url=empty_database_url)
    assert (too_many.exit_code, too_many.stdout) == (1, "")
    assert too_many.stderr.startswith("Error: The number of students")
    assert too_many.stderr.count("\n") == 1
    listed = command("verify", database_url=empty_database_url)
    assert "does not exist" in listed.stdout


@on_sqlite
def test_a_broken_archive_is_one_line_and_exit_status_1(database_url: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(zipped(sample(), tmp_path / "whole.zip").read_bytes()[:-50])
    refused = command("import", str(broken), database_url=database_url)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: ")
    assert refused.stderr.count("\n") == 1
    assert counts(database_url) == (0, 0, 0)


def test_seeding_is_for_empty_databases_alone(database_url: str, tmp_path: Path) -> None:
    assert seed_a_few(database_url, tmp_path).exit_code == 0
    before = counts(database_url)
    refused = seed_a_few(database_url, tmp_path)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: ")
    assert counts(database_url) == before == (30, 5, before[2])


@on_sqlite
@every_fill
def test_a_file_that_another_process_writes_to_is_given_up(fill: Fill, database_url: str, tmp_path: Path) -> None:
    file = Path(database_url.removeprefix("sqlite+aiosqlite:///"))
    with write_lock_held_by_another_process(file):
        refused = fill(database_url, tmp_path, busy_timeout_seconds=0.1)
    assert refused.exit_code == 1
    assert "is locked by another writer" in refused.stderr
    assert counts(database_url) == (0, 0, 0)


def shown(server: Server) -> tuple[int, int, int]:
    """The numbers of students, of courses, and of full courses, as clients see them."""
    with GraphQLClient(server) as client:
        seen = client.execute(COUNTS).data
    full = [course for course in seen["courses"]["nodes"] if course["seatsTaken"] == course["capacity"]]
    return seen["students"]["totalCount"], seen["courses"]["totalCount"], len(full)


INVENTED = "The database was empty: some students and courses were invented."


def test_a_demonstration_fills_an_empty_database_once_and_keeps_what_is_done_to_it(databases: Databases) -> None:
    with databases.empty() as url:
        with serving(url, "--demo") as server:
            students, courses, full = shown(server)
            assert (students, courses, full) == (300, 24, 3)
            assert INVENTED in server.log
            with GraphQLClient(server) as client:
                client.execute('mutation { createStudent(input: {name: "Ada"}) { __typename } }')
        with serving(url, "--demo") as server:
            assert shown(server) == (301, 24, 3)
            assert INVENTED not in server.log
        assert command("verify", database_url=url).exit_code == 0


def test_a_demonstration_invents_nothing_beside_what_is_there(database_url: str) -> None:
    with connected(database_url) as database:
        database.run("INSERT INTO students (name) VALUES ('Ada')")
    with serving(database_url, "--demo") as server:
        assert shown(server) == (1, 0, 0)


def test_two_demonstrations_that_start_at_once_are_one(databases: Databases) -> None:
    with databases.empty() as url, ExitStack() as servers, ThreadPoolExecutor(2) as pool:
        started = list(pool.map(lambda _: servers.enter_context(serving(url, "--demo")), range(2)))
        assert [shown(server) for server in started] == [(300, 24, 3)] * 2
        assert sum(INVENTED in server.log for server in started) == 1


@on_sqlite
def test_what_is_written_to_a_pipe_is_plain_text(database_url: str, tmp_path: Path) -> None:
    imported = gql_api("import", str(written(sample(), tmp_path)), database_url=database_url)
    assert imported.returncode == 0
    assert "\x1b" not in imported.stdout + imported.stderr
    assert "Traceback" not in imported.stderr
