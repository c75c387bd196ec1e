"""The outbox, read: events in the order in which they were committed, by any number of processes.

On PostgreSQL a committed event has no place in that order at first. Whoever wants to read gives the next positions to
all that have none (`PostgresqlWatch.settle`), one process at a time. Positions become visible in their own order, so
reading what lies behind the last one misses nothing and repeats nothing; a transaction that takes long delays nobody;
and all processes see the same order. Among events that are found together the `id` decides, which is taken after the
writer has waited for all who stood in its way: an event that another one rests upon comes before it.

On SQLite a transaction writes alone, and the order of the ids is the order of the commits.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import asyncpg
from sqlalchemy import BigInteger, ColumnElement, Select, Table, and_, bindparam, func, select

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.database.compiled import Reader
from gql_api.database.engine import TIMEOUTS, asyncpg_session_arguments, open_sqlite_reader
from gql_api.database.failure import explain_failure
from gql_api.database.rows import CourseRow, StudentRow
from gql_api.database.sqlite_file import FileIdentity, file_identity
from gql_api.database.visibility import Sight, Visibility, VisibleReader, assignments_seen
from gql_api.errors import DatabaseUnusable
from gql_api.models import AssignmentEvent, AssignmentEventKind, Course, Model, Student

PAGE_SIZE: Final = 500
"""Events that are read by one statement."""

SETTLE_SIZE: Final = 2000
"""Events that get their positions by one statement; the advisory lock is held for some 20 ms then."""

NOTIFY_PAUSE_SECONDS: Final = 0.01
"""A process notifies the others once in this time at most, however many events it has committed meanwhile."""

FALLBACK_SECONDS: Final = 0.25
"""How long an event may go unnoticed whose writer died before it could notify, on PostgreSQL."""

DATA_VERSION_SECONDS: Final = 0.02
"""How often SQLite is asked whether anybody has committed: 5 µs each time, without touching the disk."""

CHANNEL: Final = "gql_api_events"

_ADVISORY_LOCK: Final = int.from_bytes(b"gql_evt", "big")
_EVENTS: Final[Table] = Model.metadata.tables[AssignmentEvent.__tablename__]
_STUDENTS: Final[Table] = Model.metadata.tables[Student.__tablename__]
_COURSES: Final[Table] = Model.metadata.tables[Course.__tablename__]

# Every statement in the block sees the database as it is when that statement begins, so whoever had to wait for the
# lock sees the positions that its last holder gave. The server runs the block by itself: a process that hangs does not
# keep the lock.
_SETTLE: Final = f"""
DO $$ BEGIN
    PERFORM pg_advisory_xact_lock({_ADVISORY_LOCK});
    UPDATE assignment_events AS event SET position = found.position
    FROM (
        SELECT id, row_number() OVER (ORDER BY id)
            + coalesce((SELECT max(position) FROM assignment_events), 0) AS position
        FROM (SELECT id FROM assignment_events WHERE position IS NULL ORDER BY id LIMIT {SETTLE_SIZE}) AS unsettled
    ) AS found
    WHERE event.id = found.id;
END $$
"""  # noqa: S608 - numbers of our own
_IS_UNSETTLED: Final = "SELECT EXISTS (SELECT FROM assignment_events WHERE position IS NULL)"


EventKind: TypeAlias = AssignmentEventKind
"""What happened to an assignment, for storeys that name no table."""


class Event(NamedTuple):
    """An assignment was made or removed.

    Attributes:
        position: its place in the order of events, from 1; grows, with gaps.
        student: as it was when the event was read; one that was deleted has its last name, and no e-mail address.
        course: likewise; one that was deleted has its last code and title, and neither credits nor capacity.
    """

    position: int
    kind: EventKind
    assigned_at: datetime
    occurred_at: datetime
    student: StudentRow
    course: CourseRow


class Watch(Protocol):
    """Notices commits, on a connection of its own."""

    async def settle(self) -> None:
        """See to it that every event committed before this call can be read."""
        ...

    async def wait(self) -> None:
        """Return when something may have been committed since the last `settle`, or after a short while anyway."""
        ...


class EventLog:
    """The events of a database.

    Args:
        url: the database; see `parse_database_url`.
        reader: what reads events; connections of its own are used for nothing but noticing them.
    """

    def __init__(self, url: str, reader: Reader) -> None:
        self._address = parse_database_url(url)
        self._reader = reader
        self._notifying: asyncio.Task[None] | None = None
        self._to_notify = False

    async def last_position(self) -> int:
        """The position of the newest event that can be read; 0 if there is none."""
        records = await self._reader.fetch(_last_position, values={})
        position: int = records[0][0]
        return position

    async def holds(self, position: int, visibility: Visibility) -> bool:
        """Whether this event is seen and still kept; if it is, all that came after it are kept, too."""
        records = await VisibleReader(self._reader, visibility).fetch(_at_position, values={"position": position})
        return bool(records)

    async def read_after(self, position: int, visibility: Visibility) -> list[Event]:
        """The next PAGE_SIZE events that are seen, fewer if there are no more."""
        records = await VisibleReader(self._reader, visibility).fetch(_events_after, values={"position": position})
        return [_event(record) for record in records]

    def watch(self) -> AbstractAsyncContextManager[Watch]:
        """Open the connection that notices commits.

        Raises:
            DatabaseUnusable, OSError, asyncpg.PostgresError: it cannot be made, or breaks.
        """
        if self._address.dialect is Dialect.SQLITE:
            return _watch_sqlite(self._address)
        return _watch_postgresql(self._address)

    def notify(self) -> None:
        """Wake the watches of all processes, soon; called after a commit. SQLite's notice by themselves."""
        if self._address.dialect is Dialect.SQLITE:
            return
        self._to_notify = True
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.get_running_loop().create_task(self._notify())

    async def close(self) -> None:
        """Wake nobody any more."""
        if self._notifying is not None:
            self._notifying.cancel()
            await asyncio.wait([self._notifying])

    async def _notify(self) -> None:
        while self._to_notify:
            self._to_notify = False
            with suppress(Exception):  # a wake-up that gets lost is made up for by FALLBACK_SECONDS
                await self._reader.fetch(_notification, values={})
            await asyncio.sleep(NOTIFY_PAUSE_SECONDS)


@asynccontextmanager
async def _watch_postgresql(address: DatabaseAddress) -> AsyncIterator[Watch]:
    try:
        arguments = {**address.asyncpg_arguments(), **asyncpg_session_arguments(timeouts=TIMEOUTS)}
        connection = await asyncpg.connect(**arguments)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise explain_failure(error, address) or error from error
    try:
        watch = _PostgresqlWatch(connection)
        await connection.add_listener(CHANNEL, watch.wake)
        connection.add_termination_listener(watch.wake)
        yield watch
    finally:
        connection.terminate()  # nothing is under way that would have to be ended in good order


class _PostgresqlWatch:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._woken = asyncio.Event()

    def wake(self, *_notification: object) -> None:
        self._woken.set()

    async def settle(self) -> None:
        self._woken.clear()
        while await self._connection.fetchval(_IS_UNSETTLED):
            await self._connection.execute(_SETTLE)

    async def wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FALLBACK_SECONDS):
                await self._woken.wait()


@asynccontextmanager
async def _watch_sqlite(address: DatabaseAddress) -> AsyncIterator[Watch]:
    file = file_identity(address.file)
    connection = open_sqlite_reader(address, busy_timeout_seconds=0)
    try:
        yield _SqliteWatch(connection, address, file)
    finally:
        connection.close()


class _SqliteWatch:
    def __init__(self, connection: sqlite3.Connection, address: DatabaseAddress, file: FileIdentity | None) -> None:
        self._connection = connection
        self._address = address
        self._file = file
        self._version = -1

    async def settle(self) -> None:
        self._version = self._data_version()

    async def wait(self) -> None:
        while self._data_version() == self._version:  # noqa: ASYNC110 - other processes set no Event of ours
            await asyncio.sleep(DATA_VERSION_SECONDS)

    def _data_version(self) -> int:
        if self._file != file_identity(self._address.file):
            raise DatabaseUnusable(f"The database file {self._address.file} was removed or replaced.")
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version


def _position(dialect_name: str) -> ColumnElement[int]:
    return _EVENTS.c.id if dialect_name == Dialect.SQLITE else _EVENTS.c.position


def _last_position(dialect_name: str) -> Select[Any]:
    return select(func.coalesce(func.max(_position(dialect_name)), 0))


def _at_position(dialect_name: str, sight: Sight) -> Select[Any]:
    position = _position(dialect_name)
    is_there = position == bindparam("position", type_=BigInteger())
    return select(position).where(and_(is_there, assignments_seen(sight, _EVENTS.c.student_id)))


def _events_after(dialect_name: str, sight: Sight) -> Select[Any]:
    position = _position(dialect_name)
    return (
        select(
            position.label("position"),
            _EVENTS.c.kind,
            _EVENTS.c.assigned_at,
            _EVENTS.c.occurred_at,
            _EVENTS.c.student_id,
            func.coalesce(_STUDENTS.c.name, _EVENTS.c.student_name),
            _STUDENTS.c.email,
            _STUDENTS.c.sourced_id,
            _EVENTS.c.student_created_at,
            _EVENTS.c.course_id,
            func.coalesce(_COURSES.c.code, _EVENTS.c.course_code),
            func.coalesce(_COURSES.c.title, _EVENTS.c.course_title),
            _COURSES.c.credits,
            _COURSES.c.capacity,
            _COURSES.c.sourced_id,
            _EVENTS.c.course_created_at,
        )
        .select_from(
            _EVENTS.outerjoin(_STUDENTS, _STUDENTS.c.id == _EVENTS.c.student_id).outerjoin(
                _COURSES, _COURSES.c.id == _EVENTS.c.course_id
            )
        )
        .where(
            and_(position > bindparam("position", type_=BigInteger()), assignments_seen(sight, _EVENTS.c.student_id))
        )
        .order_by(position)
        .limit(PAGE_SIZE)
    )


def _notification(_dialect_name: str) -> Select[Any]:
    return select(func.pg_notify(CHANNEL, ""))


_STUDENT_AT: Final = 4
_COURSE_AT: Final = _STUDENT_AT + len(StudentRow._fields)


def _event(record: Any) -> Event:
    position, kind, assigned_at, occurred_at = record[:_STUDENT_AT]
    return Event(
        position,
        EventKind(kind),
        assigned_at,
        occurred_at,
        StudentRow._make(record[_STUDENT_AT:_COURSE_AT]),
        CourseRow._make(record[_COURSE_AT:]),
    )
