"""Look-ups of one operation: batched, each row read once, one connection at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import Select
from strawberry.dataloader import DataLoader

from gql_api.database.compiled import Columns, Reader, Result
from gql_api.database.lists import read_rows
from gql_api.database.statements import Entity
from gql_api.database.visibility import Visibility, VisibleReader

BATCH_SIZE_MAX: Final = 1000
"""Ids looked up by one statement."""


class OperationReader(VisibleReader):
    """The reader as one operation sees it: its statements run one after another, and are counted.

    An operation with fifty root fields thus holds one connection, not fifty: the pool is shared fairly.
    """

    __slots__ = ("_turn", "statements")

    def __init__(self, reader: Reader, visibility: Visibility) -> None:
        super().__init__(reader, visibility)
        self._turn = asyncio.Lock()
        self.statements = 0

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Result:
        """Run a statement when it is its turn; see `VisibleReader.fetch`."""
        async with self._turn:
            self.statements += 1
            return await super().fetch(build, *shape, values=values)

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        """Run a statement when it is its turn; see `VisibleReader.fetch_columns`."""
        async with self._turn:
            self.statements += 1
            return await super().fetch_columns(build, *shape, values=values)


class Lookup(NamedTuple):
    """A row that is asked for, and which of its columns."""

    key: int
    columns: tuple[str, ...]


class Loaders:
    """The dataloaders of one operation; what they read is kept until it ends or `forget`, and seen by nobody else."""

    def __init__(self, reader: VisibleReader) -> None:
        self._reader = reader
        self._rows: dict[Entity, DataLoader[Lookup, Any]] = {}

    async def row(self, entity: Entity, key: int, *, columns: tuple[str, ...]) -> Any | None:
        """The row with at least these columns, or None if there is none.

        All rows of one kind that are asked for in one turn are one statement, whatever columns each is asked for.
        """
        loader = self._rows.get(entity)
        if loader is None:
            loader = self._rows[entity] = DataLoader(partial(self._load, entity), max_batch_size=BATCH_SIZE_MAX)
        return await loader.load(Lookup(key, columns))

    def forget(self) -> None:
        """Read anew whatever is asked for from now on."""
        self._rows.clear()

    async def _load(self, entity: Entity, lookups: list[Lookup]) -> list[Any | None]:
        columns = tuple(sorted({name for lookup in lookups for name in lookup.columns}))
        rows_by_id = await read_rows(self._reader, entity, columns, list({lookup.key for lookup in lookups}))
        return [rows_by_id.get(lookup.key) for lookup in lookups]
