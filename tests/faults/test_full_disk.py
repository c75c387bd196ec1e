"""A disk without room: what is written is refused for now, what is read is read, and nothing is lost."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gql_api.database.migrate import upgrade_to_head
from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import connected
from tests.postgresql_instance import PostgresqlInstance
from tests.server import gql_api, serving

DISK_BYTES = {"sqlite": 4 * 1024 * 1024, "postgresql": 24 * 1024 * 1024}
BLOCK_BYTES = 4096
MUTATIONS = 100

READ = "{ students { totalCount } }"


@contextmanager
def disk(directory: Path, *, size_bytes: int) -> Iterator[Path]:
    """A file system of this size, in memory."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("only root can mount a small disk")
    directory.mkdir()
    options = f"size={size_bytes},mode=0777"
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", options, "none", directory], check=False)  # noqa: S603
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield directory
    finally:
        subprocess.run([umount, "--lazy", directory], check=True)  # noqa: S603


@contextmanager
def database_on(dialect: str, place: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database in this directory."""
    if dialect == "sqlite":
        url = f"sqlite+aiosqlite:///{place / 'school.sqlite3'}"
        asyncio.run(upgrade_to_head(url))
        yield url
        return
    instance: PostgresqlInstance = request.getfixturevalue("postgresql")
    owner = instance.pgdata.stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    with connected(instance.url) as database:
        database.run(f"CREATE TABLESPACE small LOCATION '{place}'")
        database.run("CREATE DATABASE small TABLESPACE small")
        try:
            asyncio.run(upgrade_to_head(instance.url_of("small")))
            yield instance.url_of("small")
        finally:
            database.run("DROP DATABASE small WITH (FORCE)")
            database.run("DROP TABLESPACE small")


def fill(place: Path) -> Path:
    """Take all the room that is left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * BLOCK_BYTES)
        except OSError:
            return ballast


def test_on_a_full_disk_reading_goes_on_and_writing_when_there_is_room_again(
    dialect: str, database_directory: Path, request: pytest.FixtureRequest
) -> None:
    with ExitStack() as stack:
        place = stack.enter_context(disk(database_directory / f"small-{dialect}", size_bytes=DISK_BYTES[dialect]))
        url = stack.enter_context(database_on(dialect, place, request))
        server = stack.enter_context(serving(url))
        client = stack.enter_context(GraphQLClient(server))
        name = "x" * 200
        create = f'mutation {{ createStudent(input: {{name: "{name}"}}) {{ __typename }} }}'
        assert client.execute(create).status == client.execute(READ).status == 200  # SQLite's log has its place
        ballast = fill(place)
        made = 1
        while (answer := client.execute(create)).status == 200:  # into pages that have room
            made += 1
            assert made < MUTATIONS, "the disk was not full"
        assert (answer.status, answer.codes) == (503, ["OVERLOADED"])
        assert "disk" in server.log
        assert client.execute(READ).data == {"students": {"totalCount": made}}
        assert server.get("/health/ready").status_code == 200

        ballast.unlink()
        assert client.execute(create).data == {"createStudent": {"__typename": "CreateStudentSuccess"}}
        assert client.execute(READ).data == {"students": {"totalCount": made + 1}}
        verified = gql_api("verify", database_url=url)
        assert verified.returncode == 0, verified.stdout
