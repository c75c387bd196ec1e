"""Completing columns of values (spec §6.4.3, "Value Completion").

A column is judged by the distinct classes of its values: they tell at once whether anything in it is null, an
exception or awaitable. Lists are flattened into one column of items; objects become results that their level fills.
What is completed is put in its place right away, so nothing has to travel back up through the levels.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLObjectType, Undefined
from graphql.pyutils import is_iterable

from gql_api.execution.level import Column, Level, kinds_of
from gql_api.execution.records import build_records
from gql_api.execution.runtime_type import AbstractType
from gql_api.execution.shape import LeafShape, ListShape, ObjectShape
from gql_api.execution.table import Parts, is_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterator, Sequence

    from gql_api.execution.operation import Operation
    from gql_api.execution.plan import FieldPlan
    from gql_api.execution.shape import Shape
    from gql_api.execution.table import Table

    Put = Callable[[Sequence[Any]], None]

_NULLS = frozenset({type(None), type(Undefined)})


def complete(column: Column, shape: Shape, values: Sequence[Any], put: Put) -> None:
    """Complete the values of one position and hand them to ``put``, one for each, in order.

    Awaitables among the values are awaited first. What cannot be completed becomes a ``Raised``.
    """
    if type(values) is not list and _is_completed_by_column(column, shape, values, put):
        return
    kinds = kinds_of(values)
    operation = column.operation
    if isinstance(shape, ObjectShape) and len(kinds) == 1 and operation.judges_by_class:
        (kind,) = kinds
        told = shape.types_by_kind.get(kind)
        if told is not None:
            put(_open_level(column, told, values))
            return
    if isinstance(shape, LeafShape) and kinds <= shape.unchanged:
        put(complete_leaves(operation, column.field, shape, values, kinds))
    elif operation.may_be_awaitable(values, kinds):
        operation.wait_for_each(values, lambda awaited: complete(column, shape, awaited, put))
    elif isinstance(shape, LeafShape):
        put(complete_leaves(operation, column.field, shape, values, kinds))
    elif isinstance(shape, ListShape):
        _complete_lists(column, shape, values, kinds, put)
    else:
        _complete_objects(column, shape, values, kinds, put)


def _is_completed_by_column(column: Column, shape: Shape, values: Sequence[Any], put: Put) -> bool:
    """Complete objects, or lists of objects, that are kept by column; tell whether these were."""
    if isinstance(shape, ObjectShape) and is_table(values):
        _complete_sources(column, shape, values, put)
    elif isinstance(shape, ListShape) and isinstance(shape.item, ObjectShape) and isinstance(values, Parts):
        _complete_parts(column, shape.item, values.whole, values.stops, put)
    else:
        return False
    return True


def complete_leaves(
    operation: Operation, field: FieldPlan, shape: LeafShape, values: Sequence[Any], kinds: set[type]
) -> Sequence[Any]:
    """Complete scalars and enums, none of them awaitable; ``kinds`` are their classes."""
    completed = shape.leaf.complete(values, kinds, operation.raised)
    return completed if kinds.isdisjoint(_NULLS) else _refuse_nulls(operation, field, shape, completed)


def _refuse_nulls(operation: Operation, field: FieldPlan, shape: Shape, completed: Sequence[Any]) -> Sequence[Any]:
    if not shape.non_null:
        return completed
    error = TypeError(f"Cannot return null for non-nullable field {field.parent_type}.{field.name}.")
    violation = operation.raised(error)
    return [violation if value is None else value for value in completed]


def _complete_lists(column: Column, shape: ListShape, values: Sequence[Any], kinds: set[type], put: Put) -> None:
    operation, field = column.operation, column.field
    item = shape.item
    is_of_tables = len(kinds) == 1 and is_table(values[0]) and (len(values) == 1 or hasattr(values[0], "joined"))
    if is_of_tables and isinstance(item, ObjectShape):
        _complete_tables(column, item, values, put)
        return
    is_async_iterable = operation.executor.is_async_iterable
    if any(hasattr(kind, "__aiter__") for kind in kinds) and any(map(is_async_iterable, values)):
        read = [_read(value) if is_async_iterable(value) else value for value in values]
        operation.wait_for_each(read, lambda lists: _complete_lists(column, shape, lists, kinds_of(lists), put))
        return
    completed: list[Any] = []
    items: list[Any] = []
    counts: list[tuple[list[Any], int]] = []
    for value in values:
        if value is None or value is Undefined:
            completed.append(None)
            continue
        if type(value) is list or type(value) is tuple:
            taken = value
        else:
            try:
                taken = _take_items(operation, field, value)
            except Exception as error:  # noqa: BLE001  whatever iterating raises is the list's error
                completed.append(operation.raised(error))
                continue
        filled: list[Any] = []
        completed.append(filled)
        counts.append((filled, len(taken)))
        items.extend(taken)
    put(_refuse_nulls(operation, field, shape, completed) if None in completed else completed)
    if items:
        complete(column, shape.item, items, partial(_fill, counts))


def _complete_tables(column: Column, item: ObjectShape, tables: Sequence[Table], put: Put) -> None:
    """Complete lists that are tables, or parts of one: their rows stay columns."""
    if len(tables) == 1 and len(tables[0]):
        _complete_sources(column, item, tables[0], lambda results: put([results]))
        return
    rows = tables[0].joined(tables[1:]) if len(tables) > 1 else tables[0]
    _complete_parts(column, item, rows, list(accumulate(map(len, tables))), put)


def _complete_parts(column: Column, item: ObjectShape, rows: Table, stops: Sequence[int], put: Put) -> None:
    def put_lists(results: Sequence[Any]) -> None:
        put([results[start:stop] for start, stop in zip([0, *stops], stops, strict=False)])

    if stops and stops[-1]:
        _complete_sources(column, item, rows, put_lists)
    else:
        put_lists([])


def _take_items(operation: Operation, field: FieldPlan, value: Any) -> list[Any]:
    if isinstance(value, Exception):
        raise value
    if not is_iterable(value):
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.parent_type}.{field.name}'.")
    items: list[Any] = []
    iterator = iter(value)
    try:
        items.extend(iterator)
    except Exception:
        # What the list held, and what it still holds, may be awaitables that nobody else will await.
        operation.abandon([*items, *_rest(iterator)])
        raise
    return items


def _rest(iterator: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from iterator
    except Exception:  # noqa: BLE001  the first error of the iterator is the one that is reported
        return


async def _read(iterable: AsyncIterable[Any]) -> list[Any]:
    iterator = aiter(iterable)
    try:
        return [item async for item in iterator]
    except BaseException:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
        raise


def _fill(counts: list[tuple[list[Any], int]], items: list[Any]) -> None:
    following = iter(items)
    for filled, count in counts:
        filled.extend(islice(following, count))


def _complete_objects(column: Column, shape: ObjectShape, values: Sequence[Any], kinds: set[type], put: Put) -> None:
    if kinds.isdisjoint(_NULLS) and not any(issubclass(kind, Exception) for kind in kinds):
        _complete_sources(column, shape, values, put)
        return
    # What is no object is settled here; the objects are completed apart, and put between.
    operation = column.operation
    settled: list[Any] = [
        operation.raised(value) if isinstance(value, Exception) else None if type(value) in _NULLS else ...
        for value in values
    ]

    def put_between(results: Sequence[Any]) -> None:
        following = iter(results)
        completed = [next(following) if place is ... else place for place in settled]
        put(_refuse_nulls(operation, column.field, shape, completed) if None in settled else completed)

    sources = [value for value, place in zip(values, settled, strict=True) if place is ...]
    if sources:
        _complete_sources(column, shape, sources, put_between)
    else:
        put_between([])


def _complete_sources(column: Column, shape: ObjectShape, sources: Sequence[Any], put: Put) -> None:
    operation, field, type_ = column.operation, column.field, shape.type_
    kinds = {sources.row_type} if type(sources) is not list and is_table(sources) else kinds_of(sources)
    if len(kinds) == 1:
        (kind,) = kinds
        told = shape.types_by_kind.get(kind)
        if told is None:
            told = _type_of_class(operation, field, type_, kind, sources)
            if told is not None:
                shape.note(kind, told)
        if told is not None:
            put(_open_level(column, told, sources))
            return
    if isinstance(type_, GraphQLObjectType):
        put(_open_level(column, type_, sources))
        return
    sources = list(sources)
    info = field.build_info(operation.executor, field.path)

    def go_on(answers: Sequence[Any]) -> None:
        types = type_.tell(answers, sources, info)
        if isinstance(type_, AbstractType):
            _check_told(column, type_, types, sources, put)
        else:
            put(_open_levels(column, sources, types))

    operation.settle(type_.ask(operation.executor, sources, info), go_on)


def _type_of_class(
    operation: Operation, field: FieldPlan, type_: Any, kind: type, sources: Sequence[Any]
) -> GraphQLObjectType | None:
    if isinstance(type_, GraphQLObjectType):
        return type_
    told: GraphQLObjectType | None = type_.tell_of_class(operation.executor, kind, sources, field)
    return told


def _check_told(
    column: Column,
    abstract: AbstractType,
    types: list[GraphQLObjectType | Exception],
    sources: Sequence[Any],
    put: Put,
) -> None:
    operation = column.operation
    info = column.field.build_info(operation.executor, column.field.path)
    operation.settle(
        abstract.ask_again(operation.executor, types, sources, info),
        lambda answers: put(_open_levels(column, sources, abstract.tell_again(answers, types, sources, info))),
    )


def _open_levels(column: Column, sources: Sequence[Any], types: list[GraphQLObjectType | Exception]) -> list[Any]:
    """Open a level for every type among the sources; return one result or ``Raised`` per source, in order."""
    first = types[0]
    if isinstance(first, GraphQLObjectType) and types.count(first) == len(types):
        return _open_level(column, first, sources)
    results: list[Any] = [None] * len(sources)
    indexes_by_type: dict[GraphQLObjectType, list[int]] = {}
    for index, type_ in enumerate(types):
        if isinstance(type_, Exception):
            results[index] = column.operation.raised(type_)
        else:
            indexes_by_type.setdefault(type_, []).append(index)
    for type_, indexes in indexes_by_type.items():
        opened = _open_level(column, type_, [sources[index] for index in indexes])
        for index, result in zip(indexes, opened, strict=True):
            results[index] = result
    return results


def _open_level(column: Column, object_type: GraphQLObjectType, sources: Sequence[Any]) -> list[Any]:
    """Return the results of objects of one type: plain attributes are in them, the rest is filled by their level."""
    operation = column.operation
    selection = column.field.selections.get(object_type)
    if selection is None:
        try:
            selection = column.field.collect(object_type)
        except Exception as error:  # noqa: BLE001  a condition below that cannot be evaluated is every object's error
            return [operation.raised(error)] * len(sources)
    count = len(sources)
    ready: dict[str, Sequence[Any]] = {}
    taken: list[tuple[FieldPlan, list[Any]]] = []
    for field, take_column, shape in selection.attributes:
        values = take_column(sources)
        kinds = kinds_of(values)
        if kinds <= shape.kept:
            ready[field.response_name] = values
        elif kinds <= shape.unchanged or not operation.may_be_awaitable(values, kinds):
            ready[field.response_name] = complete_leaves(operation, field, shape, values, kinds)
        else:
            taken.append((field, list(values)))
    results = build_records(selection.keys, ready, count)
    level = Level(selection, sources, results, column)
    operation.open(level)
    for field, values in taken:
        awaited = Column(operation, field, level)
        complete(awaited, field.shape, values, awaited.put)
    return results
