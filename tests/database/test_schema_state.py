import asyncio

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.address import DatabaseAddress
from gql_api.database.engine import create_engine
from gql_api.database.migrate import revisions
from gql_api.database.schema_state import SchemaState, SchemaStatus, read_schema_status
from gql_api.errors import DatabaseUnusable

HEAD = revisions()[-1].revision


async def set_revision(engine: AsyncEngine, revision: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


async def test_a_migrated_database_is_at_head_and_asked_by_one_statement(engine: AsyncEngine) -> None:
    statements: list[str] = []
    event.listen(
        engine.sync_engine, "before_cursor_execute", lambda _c, _cu, statement, *_: statements.append(statement)
    )
    status = await read_schema_status(engine)
    assert status == SchemaStatus(SchemaState.AT_HEAD, HEAD, f"The schema is at revision {HEAD}, the newest.")
    assert statements == ["SELECT version_num FROM alembic_version LIMIT 2"]
    status.require_head()


async def test_an_older_schema_is_told_how_to_migrate(engine: AsyncEngine) -> None:
    await set_revision(engine, "0001")
    status = await read_schema_status(engine)
    name = DatabaseAddress(engine.url)
    message = f"The database {name} is at revision 0001, older than {HEAD}. Run `gql-api migrate`."
    assert status == SchemaStatus(SchemaState.OLDER, "0001", message)
    with pytest.raises(DatabaseUnusable, match="Run `gql-api migrate`"):
        status.require_head()


async def test_a_newer_schema_asks_for_a_newer_program(engine: AsyncEngine) -> None:
    await set_revision(engine, "9999")
    status = await read_schema_status(engine)
    assert (status.state, status.revision, status.is_ready) == (SchemaState.NEWER, "9999", False)
    assert status.message.endswith(
        f"is at revision 9999, which this program does not know: it is newer than the program, "
        f"whose newest revision is {HEAD}. Update the program."
    )


async def test_a_schema_on_two_branches_is_not_ours(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO alembic_version VALUES ('beef')"))
    status = await read_schema_status(engine)
    assert (status.state, status.revision) == (SchemaState.NEWER, "beef")


async def test_a_database_without_schema_is_empty(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, create_missing_file=True)
    status = await read_schema_status(engine)
    await engine.dispose()
    assert (status.state, status.revision) == (SchemaState.EMPTY, None)
    assert status.message.endswith("has no schema yet. Run `gql-api migrate`.")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "postgresql+asyncpg://ann:hunter2@127.0.0.1:1/school",
            "The database postgresql+asyncpg://ann:***@127.0.0.1:1/school cannot be reached.",
        ),
        (
            "sqlite+aiosqlite:////absent/school.sqlite3",
            "The database file /absent/school.sqlite3 cannot be made: its directory does not exist.",
        ),
    ],
)
async def test_a_database_that_cannot_be_reached_is_away(url: str, message: str) -> None:
    engine = create_engine(url)
    assert await read_schema_status(engine) == SchemaStatus(SchemaState.AWAY, None, message)
    await engine.dispose()


async def test_a_database_that_does_not_answer_in_time_is_away(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)
    async with engine.connect():
        status = await read_schema_status(engine, timeout_seconds=0.05)
    name = DatabaseAddress(engine.url)
    message = f"The database {name} did not answer within 0.05 seconds."
    assert status == SchemaStatus(SchemaState.AWAY, None, message)
    assert (await read_schema_status(engine)).is_ready
    await engine.dispose()


async def test_asking_does_not_wait_for_writers(engine: AsyncEngine) -> None:
    async with engine.begin() as writer:
        await writer.execute(text("INSERT INTO courses (code, title) VALUES ('L1', 'Logic')"))
        answers = await asyncio.gather(*(read_schema_status(engine, timeout_seconds=5) for _ in range(5)))
    assert {answer.state for answer in answers} == {SchemaState.AT_HEAD}
