"""A unit of work that a test holds open, statement by statement, as no use case can: others wait for it meanwhile."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gql_api.database.transaction import Answer
from gql_api.services.actor import Actor
from gql_api.services.unit_of_work import UnitOfWork


class HeldUnitOfWork(UnitOfWork):
    """A unit of work on a connection of SQLAlchemy's."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection, *, actor: Actor | None = None) -> None:
        super().__init__(_Transaction(connection), connection.dialect.name, actor=actor)
        self._connection = connection

    async def commit(self) -> None:
        self.end()
        await self._connection.commit()


@asynccontextmanager
async def held(engine: AsyncEngine, *, actor: Actor | None = None) -> AsyncIterator[HeldUnitOfWork]:
    """A unit of work that ends with the block: rolled back unless it was committed."""
    async with engine.connect() as connection:
        yield HeldUnitOfWork(connection, actor=actor)


class _Transaction:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer:
        result = await self._connection.execute(statement, dict(parameters))
        if not result.returns_rows:
            return Answer((), result.rowcount)
        rows = result.all()
        return Answer(rows, len(rows))

    async def execute_alone(self, statement: Executable, parameters: Mapping[str, Any]) -> Answer | None:
        raise NotImplementedError
