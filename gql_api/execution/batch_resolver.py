"""A field resolved once for all the objects that ask for it, as graphql-core sees it: one resolver, two ways in."""

from __future__ import annotations

from asyncio import CancelledError, create_task, get_running_loop
from collections.abc import Awaitable, Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from gql_api.execution.table import Parts, is_table

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Callable

    from graphql import GraphQLResolveInfo
    from graphql.pyutils import Path


class BatchResolver:
    """A resolver for a ``GraphQLField``, made of a function that resolves the field for many sources at once.

    The function is called as ``function(sources, info, **arguments)`` and returns, or is awaited for, a sequence with
    one value per source, in order. An exception in the place of a value is that source's error::

        GraphQLField(GraphQLList(course_type), resolve=BatchResolver(courses_of_students))

    ``BreadthFirstExecutor`` calls it with all sources of a level. Any other executor calls the resolver per object;
    the sources then go through a ``Batcher`` if the function is asynchronous, and one by one if it is not.
    """

    takes_info = True

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._batcher = Batcher() if iscoroutinefunction(function) else None

    def values(self, sources: Sequence[Any], info: GraphQLResolveInfo[Any] | None, arguments: dict[str, Any]) -> Any:
        """Call the function with the sources of a level."""
        return self._function(sources, info, **arguments)

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """Resolve the field for one source."""

        def call(sources: list[Any]) -> Any:
            return self._function(sources, info, **arguments)

        return resolve_one(self._batcher, call, source, info)


def resolve_one(
    batcher: Batcher | None, call: Callable[[list[Any]], Any], source: Any, info: GraphQLResolveInfo[Any]
) -> Any:
    """Resolve a batched field for a single source, together with others where there is a batcher."""
    if batcher is not None:
        return batcher.load(call, source, info)
    value: Any = one_per_source(call([source]), 1, info.field_name)[0]
    return value


def one_per_source(values: object, count: int, field_name: str) -> Sequence[Any]:
    """Return the values of a batch function as a list, or as they are where they are kept by column.

    Raises:
        TypeError: They are no sequence.
        ValueError: They are not one per source.
    """
    if not isinstance(values, list):
        if not isinstance(values, Sequence) or isinstance(values, (str, bytes)):
            raise TypeError(
                f"The batch function of field '{field_name}' must return a sequence with one value per source,"
                f" not {type(values).__name__}."
            )
        if not (is_table(values) or isinstance(values, Parts)):
            values = list(values)
    if len(values) != count:
        raise ValueError(
            f"The batch function of field '{field_name}' must return one value per source:"
            f" {count} sources, {len(values)} values."
        )
    return values


class _Batch:
    """The sources that wait for one call. ``info`` is referred to because its identity is part of the key."""

    __slots__ = ("call", "futures", "info", "sources")

    def __init__(self, call: Callable[[list[Any]], Awaitable[Any]], info: GraphQLResolveInfo[Any]) -> None:
        self.call = call
        self.info = info
        self.sources: list[Any] = []
        self.futures: list[Future[Any]] = []


class Batcher:
    """Gathers the sources for which a field is asked one by one.

    A batch belongs to one operation (by its variable values, which no two operations share), and in it to one path
    without list indices, which stands for the field and its arguments. It opens with the first source, is sent when
    the event loop has run everything that was ready at that moment, and is then forgotten: nothing is cached, and
    nothing outlives the operation. The arguments and the info passed to the function are those of the first source.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[Any, ...], _Batch] = {}
        self._running: set[Task[None]] = set()

    def load(
        self, call: Callable[[list[Any]], Awaitable[Any]], source: Any, info: GraphQLResolveInfo[Any]
    ) -> Future[Any]:
        """Return a future of the source's value."""
        loop = get_running_loop()
        key = (id(info.variable_values), id(loop), *_pattern(info.path))
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = _Batch(call, info)
            # Two turns of the loop, as tasks that are ready now may start others that ask for the same field.
            loop.call_soon(self._send, key)
        future: Future[Any] = loop.create_future()
        batch.sources.append(source)
        batch.futures.append(future)
        return future

    def _send(self, key: tuple[Any, ...]) -> None:
        task = create_task(self._run(key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, key: tuple[Any, ...]) -> None:
        batch = self._open.pop(key)
        try:
            values = one_per_source(await batch.call(batch.sources), len(batch.sources), batch.info.field_name)
        except CancelledError:
            for future in batch.futures:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001  the error of every source
            values = [error] * len(batch.sources)
        for future, value in zip(batch.futures, values, strict=True):
            if future.done():
                continue
            if isinstance(value, Exception):
                future.set_exception(value)
            else:
                future.set_result(value)


def _pattern(path: Path | None) -> list[Any]:
    pattern: list[Any] = []
    while path is not None:
        if path.typename is not None:
            pattern.append((path.key, path.typename))
        path = path.prev
    return pattern
