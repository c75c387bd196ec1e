"""Look-ups of one operation: batched, one connection at a time."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping
from typing import Any

from sqlalchemy import Select

from gql_api.admission import Places
from gql_api.database.compiled import Columns, Reader, Records
from gql_api.database.lists import read_rows
from gql_api.database.statements import Entity
from gql_api.database.visibility import Visibility, VisibleReader


class OperationReader(VisibleReader):
    """The reader as one operation sees it: its statements run one after another, and are counted.

    An operation with fifty root fields thus holds one connection, not fifty: the pool is shared fairly.
    """

    __slots__ = ("_turn", "statements")

    def __init__(self, reader: Reader, visibility: Visibility) -> None:
        super().__init__(reader, visibility)
        self._turn = Places(executing_max=1, waiting_max=0)
        self.statements = 0

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        """Run a statement when it is its turn; see `VisibleReader.fetch`."""
        turn = self._turn
        if not turn.take():
            await turn.wait(patient=True)
        try:
            self.statements += 1
            return await super().fetch(build, *shape, values=values)
        finally:
            turn.leave()

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        """Run a statement when it is its turn; see `VisibleReader.fetch_columns`."""
        turn = self._turn
        if not turn.take():
            await turn.wait(patient=True)
        try:
            self.statements += 1
            return await super().fetch_columns(build, *shape, values=values)
        finally:
            turn.leave()


class Loaders:
    """The dataloaders of one operation: what they read is seen by nobody else."""

    __slots__ = ("_open", "_reader")

    def __init__(self, reader: VisibleReader) -> None:
        self._reader = reader
        self._open: dict[Entity, _Batch] = {}

    def row(self, entity: Entity, key: int, *, columns: tuple[str, ...]) -> Awaitable[Any | None]:
        """The row with at least these columns, or None if there is none, for whoever awaits it.

        Both executors call all resolvers of a level before they await any. So the rows of one kind that are asked for
        until the first of them is awaited are one statement, whatever columns each is asked for.
        """
        batch = self._open.get(entity)
        if batch is None or batch.is_sent:
            batch = self._open[entity] = _Batch(self._reader, entity)
        batch.wanted.append((key, columns))
        return _Lookup(batch, key)


class _Batch:
    """The look-ups of one statement; it runs in the task of whoever awaits the first of them."""

    __slots__ = ("_entity", "_reader", "_rows", "is_sent", "wanted")

    def __init__(self, reader: VisibleReader, entity: Entity) -> None:
        self._reader = reader
        self._entity = entity
        self._rows: Future[dict[int, Any]] | None = None
        self.wanted: list[tuple[int, tuple[str, ...]]] = []
        self.is_sent = False

    async def row(self, key: int) -> Any | None:
        """The row, once the statement has run."""
        if self._rows is None:
            self.is_sent = True
            if len(self.wanted) == 1:  # nobody else will wait for it
                [(_, columns)] = self.wanted
                return (await read_rows(self._reader, self._entity, columns, [key])).get(key)
            self._rows = get_running_loop().create_future()
            try:
                self._rows.set_result(await self._read())
            except Exception as error:
                self._rows.set_exception(error)
                self._rows.exception()  # retrieved: there may be nobody else who asks for it
                raise
            except BaseException:
                self._rows.cancel()
                raise
        return (await self._rows).get(key)

    def _read(self) -> Awaitable[dict[int, Any]]:
        columns = {name for _, columns in self.wanted for name in columns}
        return read_rows(self._reader, self._entity, tuple(sorted(columns)), list({key for key, _ in self.wanted}))


class _Lookup:
    """One look-up of a batch; awaited, it is the row."""

    __slots__ = ("_batch", "_key")

    def __init__(self, batch: _Batch, key: int) -> None:
        self._batch = batch
        self._key = key

    def __await__(self) -> Generator[Any, None, Any | None]:
        return self._batch.row(self._key).__await__()
