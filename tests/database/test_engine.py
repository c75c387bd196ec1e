import asyncio
import unicodedata

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.address import parse_database_url
from gql_api.database.engine import Timeouts, create_engine, lower, open_sqlite_reader
from gql_api.errors import DatabaseUnusable

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

COUNT_COURSES = text("SELECT count(*) FROM courses")
INSERT_COURSE = text("INSERT INTO courses (code, title) VALUES (:code, 'Logic')")


async def test_what_is_rolled_back_was_never_there(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE scratch (id integer)"))
        await connection.execute(INSERT_COURSE, {"code": "L1"})
        await connection.rollback()
        assert await connection.scalar(COUNT_COURSES) == 0
        with pytest.raises(Exception, match="scratch"):
            await connection.execute(text("SELECT * FROM scratch"))


async def test_autocommit_begins_no_transaction_and_is_forgotten_afterwards(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(INSERT_COURSE, {"code": "L1"})
    async with engine.connect() as connection:
        await connection.execute(INSERT_COURSE, {"code": "L2"})
    async with engine.connect() as connection:
        assert (await connection.scalars(text("SELECT code FROM courses"))).all() == ["L1"]
    await engine.dispose()


async def test_a_broken_constraint_is_the_statements_fault_not_the_databases(engine: AsyncEngine) -> None:
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            await connection.execute(INSERT_COURSE, {"code": None})


@on_sqlite
async def test_every_connection_has_a_write_ahead_log_full_sync_and_foreign_keys(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        pragmas = {
            name: await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


@on_sqlite
async def test_the_driver_itself_never_begins_a_transaction(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)
    for isolation_level in ("AUTOCOMMIT", "SERIALIZABLE", "AUTOCOMMIT"):
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level=isolation_level)
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        assert raw.isolation_level is None
    await engine.dispose()


@on_sqlite
async def test_a_transaction_takes_the_write_lock_at_its_beginning(database_url: str) -> None:
    engine = create_engine(database_url, busy_timeout_seconds=0)
    async with engine.begin() as first:
        await first.execute(COUNT_COURSES)
        with pytest.raises(DatabaseUnusable, match="locked by another writer"):
            async with engine.begin():
                pass
    async with engine.begin():
        pass
    await engine.dispose()


@on_sqlite
async def test_readers_do_not_wait_for_a_writer(database_url: str, engine: AsyncEngine) -> None:
    reader = open_sqlite_reader(parse_database_url(database_url), busy_timeout_seconds=0)
    async with engine.begin() as writer:
        await writer.execute(INSERT_COURSE, {"code": "L1"})
        assert reader.execute("SELECT count(*) FROM courses").fetchall() == [(0,)]
    assert reader.execute("SELECT count(*) FROM courses").fetchall() == [(1,)]
    reader.close()


@on_sqlite
async def test_concurrent_read_modify_writes_lose_nothing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO courses (code, title, credits) VALUES ('L1', 'Logic', 0)"))

    async def add_one() -> None:
        async with engine.begin() as connection:
            credits_before = await connection.scalar(text("SELECT credits FROM courses"))
            await connection.execute(text("UPDATE courses SET credits = :credits"), {"credits": credits_before + 1})

    await asyncio.gather(*(add_one() for _ in range(60)))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT credits FROM courses")) == 60


@on_sqlite
def test_a_reader_cannot_write(database_url: str) -> None:
    reader = open_sqlite_reader(parse_database_url(database_url), busy_timeout_seconds=0)
    with pytest.raises(Exception, match="readonly"):
        reader.execute("DELETE FROM courses")
    reader.close()


@on_postgresql
async def test_a_session_has_its_name_utc_and_a_limit_on_every_wait(database_url: str) -> None:
    timeouts = Timeouts(lock_seconds=1.5, statement_seconds=2, idle_in_transaction_seconds=3)
    engine = create_engine(database_url, timeouts=timeouts, application_name="gql-api test")
    settings = (
        "application_name",
        "TimeZone",
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
    )
    async with engine.connect() as connection:
        values = [await connection.scalar(text(f"SHOW {name}")) for name in settings]
    await engine.dispose()
    assert values == ["gql-api test", "UTC", "1500ms", "2s", "3s"]


@on_postgresql
async def test_a_row_that_stays_locked_is_waited_for_no_longer_than_allowed(database_url: str) -> None:
    engine = create_engine(database_url, timeouts=Timeouts(lock_seconds=0.05))
    async with engine.begin() as first, engine.connect() as second:
        await first.execute(text("LOCK TABLE courses"))
        with pytest.raises(DatabaseUnusable, match="locked by another writer"):
            await second.execute(COUNT_COURSES)
    await engine.dispose()


@on_postgresql
async def test_a_connection_that_the_server_ended_is_replaced(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        backend = await connection.scalar(text("SELECT pg_backend_pid()"))
    other = create_engine(database_url)
    async with other.connect() as connection:
        await connection.execute(text(f"SELECT pg_terminate_backend({backend}, 5000)"))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) != backend
    await engine.dispose()
    await other.dispose()


@on_postgresql
async def test_a_connection_that_is_lost_in_the_middle_says_so(database_url: str, engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        backend = await connection.scalar(text("SELECT pg_backend_pid()"))
        other = create_engine(database_url)
        async with other.connect() as another:
            await another.execute(text(f"SELECT pg_terminate_backend({backend}, 5000)"))
        await other.dispose()
        with pytest.raises(DatabaseUnusable, match=r"shutting down|broke the connection"):
            await connection.execute(COUNT_COURSES)


async def test_lower_gives_one_small_letter_for_every_capital_on_both_databases(
    engine: AsyncEngine, dialect: str
) -> None:
    known = [chr(code) for code in range(1, 0x110000) if unicodedata.category(chr(code)) not in {"Cn", "Cs"}]
    capitals = "".join(character for character in known if lower(character) != character)
    assert len(capitals) > 1300
    folded = "lower(:texts)" if dialect == "sqlite" else 'lower((:texts)::text COLLATE "default")'
    async with engine.connect() as connection:
        assert await connection.scalar(text(f"SELECT {folded}"), {"texts": capitals}) == lower(capitals)
        everything = "".join(known)
        changed = await connection.scalar(text(f"SELECT {folded}"), {"texts": everything})
    assert [pair for pair in zip(everything, changed, strict=True) if pair[1] != lower(pair[0])] == []


@pytest.mark.parametrize(
    ("given", "folded"),
    [
        ("\u039f\u03a3 \u0391\u03a3", "\u03bf\u03c3 \u03b1\u03c3"),
        ("İstanbul", "istanbul"),
        ("ÄÖ-Ж", "äö-ж"),
        (None, None),
        (7, 7),
    ],
)
@on_sqlite
async def test_lower_does_not_look_at_the_neighbours(engine: AsyncEngine, given: object, folded: object) -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT lower(:value)"), {"value": given}) == folded
