"""An SQLite file that is removed, replaced or damaged under the server: never a write that no path leads to."""

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from gql_api.database.address import parse_database_url
from gql_api.database.migrate import upgrade_to_head
from gql_api.database.sqlite_reader import FILE_CHECK_SECONDS
from tests.integration.graphql_client import Answer, GraphQLClient
from tests.server import serving, wait_for

ONLY_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

NAMES = "{ students { nodes { name } } }"
CREATE = "mutation ($name: String!) { createStudent(input: {name: $name}) { __typename } }"
RETURN_SECONDS_MAX = 1.0


def remove(file: Path) -> None:
    """With what belongs to it."""
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()


def put(source: Path, file: Path) -> None:
    """A copy of the source, all at once."""
    copy = file.with_name(f"new-{file.name}")
    shutil.copyfile(source, copy)
    copy.rename(file)


def names(client: GraphQLClient) -> list[str] | None:
    """Of all students; None if that cannot be told for now."""
    answer = client.execute(NAMES)
    return None if refused_for_now(answer) else [student["name"] for student in answer.data["students"]["nodes"]]


def refused_for_now(answer: Answer) -> bool:
    return (answer.status, answer.codes) == (503, ["OVERLOADED"])


@ONLY_SQLITE
def test_a_file_that_was_removed_is_neither_read_nor_written_and_one_that_was_put_there_is_served(
    database_url: str, tmp_path: Path
) -> None:
    file = parse_database_url(database_url).file
    other = tmp_path / "other.sqlite3"
    asyncio.run(upgrade_to_head(f"sqlite+aiosqlite:///{other}"))
    with serving(database_url) as server, GraphQLClient(server) as client:
        client.execute(CREATE, name="Before")
        assert names(client) == ["Before"]

        remove(file)
        assert refused_for_now(client.execute(CREATE, name="Lost"))
        time.sleep(FILE_CHECK_SECONDS)
        assert names(client) is None
        assert not file.exists()
        assert "does not exist" in server.log

        put(other, file)
        assert wait_for(lambda: names(client), timeout_seconds=RETURN_SECONDS_MAX) == []
        client.execute(CREATE, name="After")
        assert names(client) == ["After"]

        remove(file)
        put(other, file)
        client.execute(CREATE, name="Again")
        time.sleep(FILE_CHECK_SECONDS)
        assert names(client) == ["Again"]


@ONLY_SQLITE
@pytest.mark.parametrize("content", [b"", b"no database " * 1000], ids=["empty", "damaged"])
def test_a_file_that_is_no_database_of_ours_is_refused_until_it_is(
    database_url: str, tmp_path: Path, content: bytes
) -> None:
    file = parse_database_url(database_url).file
    kept = tmp_path / "kept"
    shutil.copyfile(file, kept)
    with serving(database_url) as server, GraphQLClient(server) as client:
        assert names(client) == []
        remove(file)
        file.write_bytes(content)
        time.sleep(FILE_CHECK_SECONDS)
        assert names(client) is None
        assert refused_for_now(client.execute(CREATE, name="Lost"))
        assert server.get("/health/ready").status_code == 503
        rest = server.get("/students/1/courses")
        assert (rest.status_code, rest.json()["code"], rest.headers["retry-after"]) == (503, "OVERLOADED", "1")

        remove(file)
        put(kept, file)
        assert wait_for(lambda: names(client), timeout_seconds=RETURN_SECONDS_MAX) == []
        assert server.get("/health/ready").status_code == 200
