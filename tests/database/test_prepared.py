"""Statements that a connection holds prepared."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gql_api.database import prepared
from gql_api.database.address import parse_database_url
from gql_api.database.prepared import PreparingConnection

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

COUNT = "SELECT count(*)::INTEGER FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::INTEGER +%'"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    arguments = parse_database_url(database_url).asyncpg_arguments()
    connection = await asyncpg.connect(**arguments, connection_class=PreparingConnection)
    yield connection
    await connection.close()


async def test_a_statement_is_prepared_once(connection: Any) -> None:
    for number in range(3):
        assert [tuple(row) for row in await connection.fetch_prepared("SELECT $1::INTEGER + 1", [number])] == [
            (number + 1,)
        ]
    assert await connection.fetchval(COUNT) == 1


async def test_no_more_than_so_many_statements_are_held(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "PREPARED_MAX", 3)
    for added in [*range(5), 4, 3, 0]:
        [[total]] = await connection.fetch_prepared(f"SELECT $1::INTEGER + {added}", [10])
        assert total == 10 + added
    assert await connection.fetchval(COUNT) <= 4  # of which the driver closes the last one when it prepares the next


async def test_a_statement_whose_columns_have_changed_is_prepared_anew(connection: Any) -> None:
    await connection.execute("CREATE TABLE changing (id INTEGER)")
    await connection.execute("INSERT INTO changing VALUES (7)")
    for type_, value in (("BIGINT", 7), ("TEXT", "7"), ("TEXT[] USING ARRAY[id]", ["7"])):
        await connection.fetch_prepared("SELECT * FROM changing", [])
        await connection.execute(f"ALTER TABLE changing ALTER COLUMN id TYPE {type_}")
        [row] = await connection.fetch_prepared("SELECT * FROM changing", [])
        assert row["id"] == value


async def test_an_error_of_a_statement_is_raised_and_the_connection_stays_of_use(connection: Any) -> None:
    for divisor, expected in ((0, None), (2, 5), (0, None)):
        if expected is None:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await connection.fetch_prepared("SELECT 10 / $1::INTEGER", [divisor])
        else:
            [[quotient]] = await connection.fetch_prepared("SELECT 10 / $1::INTEGER", [divisor])
            assert quotient == expected
