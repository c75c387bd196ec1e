"""Databases to be measured: migrated, filled, and put back to what they were after whatever was written."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import bindparam, delete, inspect, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.population import AssignmentRow, CourseRow, Population, StudentRow
from benchmarks.postgresql import PostgresqlServer
from gql_api.database.address import Dialect
from gql_api.database.engine import Timeouts, create_engine
from gql_api.database.migrate import upgrade_to_head
from gql_api.rosters.bulk_load import analyze, load, prepare
from gql_api.rosters.progress import ProgressReport
from gql_api.services.tables import COURSES, STUDENT_COURSES, STUDENTS

_PATIENT: Final = Timeouts(connect_seconds=60, lock_seconds=60, statement_seconds=0, idle_in_transaction_seconds=0)

_STANDING_TABLES: Final = frozenset({"alembic_version", "audit_entries", "students", "courses", "student_courses"})


@dataclass(frozen=True, slots=True)
class Database:
    """A filled database.

    Attributes:
        url: spelled as `GQL_API_DATABASE_URL` is.
        population: who is in it.
        description: its product and version.
        postmaster: the process id of PostgreSQL, if it runs on this machine, where we can see it.
        engine: its owner's way in; the servers have their own.
    """

    url: URL
    population: Population
    description: str
    postmaster: int | None
    engine: AsyncEngine

    @property
    def dialect(self) -> Dialect:
        """Which of the two it is."""
        return Dialect(self.url.get_backend_name())

    @property
    def url_text(self) -> str:
        """The URL with its password."""
        return self.url.render_as_string(hide_password=False)

    async def remove(self, pairs: Collection[tuple[int, int]]) -> None:
        """Take back these assignments, and empty the tables that record that they were made."""
        if not pairs:
            return
        link = STUDENT_COURSES.c
        this_pair = delete(STUDENT_COURSES).where(
            link.student_id == bindparam("student"), link.course_id == bindparam("course")
        )
        async with self.engine.begin() as connection:
            await connection.execute(this_pair, [{"student": student, "course": course} for student, course in pairs])
            for table in await connection.run_sync(_tables):
                if table not in _STANDING_TABLES:
                    await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - a name from the catalogue
        await self._tidy()

    async def _tidy(self) -> None:
        """Leave nothing behind that would slow down, or delay, what is measured next."""
        tidying = "PRAGMA wal_checkpoint(TRUNCATE)" if self.dialect is Dialect.SQLITE else "VACUUM"
        async with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text(tidying))


@asynccontextmanager
async def filled_database(
    population: Population, server: PostgresqlServer | Path, progress: ProgressReport
) -> AsyncIterator[Database]:
    """Make a database, migrate and fill it; it is gone at the end.

    Args:
        population: who is to be in it.
        server: where on PostgreSQL, or in which directory on SQLite.
        progress: is told about the filling.
    """
    if isinstance(server, Path):
        with tempfile.TemporaryDirectory(prefix="gql_api_benchmark_", dir=server) as directory:
            url = URL.create("sqlite+aiosqlite", database=f"{directory}/{population.students}.sqlite3")
            async with _filled(url, population, progress) as database:
                yield database
    else:
        name = f"gql_api_benchmark_{population.students}"
        await _maintain(server, f"DROP DATABASE IF EXISTS {name}")
        await _maintain(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        try:
            async with _filled(server.url.set(database=name), population, progress) as database:
                yield database
        finally:
            await _maintain(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@asynccontextmanager
async def _filled(url: URL, population: Population, progress: ProgressReport) -> AsyncIterator[Database]:
    await upgrade_to_head(url.render_as_string(hide_password=False))
    engine = create_engine(url.render_as_string(hide_password=False), pool_size=1, timeouts=_PATIENT)
    try:
        await _fill(engine, population, progress)
        async with engine.connect() as connection:
            description, postmaster = await _identify(connection)
        database = Database(url, population, description, postmaster, engine)
        await analyze(engine)
        await database._tidy()  # noqa: SLF001 - its own maker
        yield database
    finally:
        await engine.dispose()


async def _fill(engine: AsyncEngine, population: Population, progress: ProgressReport) -> None:
    async with engine.begin() as connection:
        await prepare(connection)
        if connection.dialect.name == Dialect.POSTGRESQL:
            # References are right by construction; looking up each of them takes longer than all the rest.
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, row_type, rows, total in (
            (COURSES, CourseRow, population.all_courses(), population.courses),
            (STUDENTS, StudentRow, population.all_students(), population.students),
            (STUDENT_COURSES, AssignmentRow, population.all_assignments(), population.students * 8),
        ):
            with progress.step(f"{population.students:,} students: {table.name}", total) as step:
                await load(connection, table, row_type._fields, rows, step)


async def _identify(connection: Any) -> tuple[str, int | None]:
    if connection.dialect.name == Dialect.SQLITE:
        return f"SQLite {(await connection.execute(text('SELECT sqlite_version()'))).scalar_one()}", None
    version = (await connection.execute(text("SELECT current_setting('server_version')"))).scalar_one()
    backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    return f"PostgreSQL {version.split()[0]}", _parent_of_postgresql(backend)


def _parent_of_postgresql(backend: int) -> int | None:
    """The postmaster of this backend; None if it runs on another machine, or in another name space of processes."""
    try:
        name, fields = Path(f"/proc/{backend}/stat").read_text().split(" (", 1)[1].rsplit(") ", 1)
    except OSError:
        return None
    return int(fields.split()[1]) if name == "postgres" else None


def _tables(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


async def _maintain(server: PostgresqlServer, statement: str) -> None:
    engine = create_async_engine(server.url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()
