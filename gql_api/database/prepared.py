"""A connection to PostgreSQL that holds on to the statements it has prepared."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

PREPARED_MAX: Final = 100
"""Statements held by a connection; the driver's own cache holds as many. What was prepared first goes first."""


class PreparingConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is not typed
    """Runs statements that come back again and again.

    The driver's own `fetch` looks each statement up in its cache, under guards that a connection which is one task's
    alone does not need: 7,000 instructions each time.
    """

    __slots__ = ("_prepared",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._prepared: dict[str, Any] = {}

    async def fetch_prepared(self, sql: str, arguments: list[Any]) -> list[Any]:
        """The rows of a statement, which is prepared if it is not yet."""
        statement = self._prepared.get(sql) or await self._hold(sql)
        try:
            rows: list[Any] = await statement.fetch(*arguments)
        except asyncpg.InvalidCachedStatementError:
            # A migration has changed the types of its columns since.
            self._prepared.clear()
            rows = await (await self._hold(sql)).fetch(*arguments)
        return rows

    async def _hold(self, sql: str) -> Any:
        while len(self._prepared) >= PREPARED_MAX:
            self._prepared.pop(next(iter(self._prepared)))
        statement = self._prepared[sql] = await self.prepare(sql)
        return statement
