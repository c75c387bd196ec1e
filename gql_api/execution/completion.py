"""Completing columns of values (spec §6.4.3, "Value Completion").

A column is judged by the distinct classes of its values: they tell at once whether anything in it is null, an
exception or awaitable. Lists are flattened into one column of items; objects become results that the next level fills.
What is completed is put in its place right away, so nothing has to travel back up through the levels.
"""

from __future__ import annotations

from functools import partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, Undefined
from graphql.pyutils import inspect, is_iterable

from gql_api.execution.level import Level

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from graphql import GraphQLObjectType, GraphQLResolveInfo

    from gql_api.execution.level import Column
    from gql_api.execution.operation import Operation
    from gql_api.execution.plan import Shape

    Put = Callable[[list[Any]], None]

_NULLS = frozenset({type(None), type(Undefined)})


def complete(operation: Operation, column: Column, shape: Shape, values: list[Any], put: Put) -> None:
    """Complete the values of one position and hand them to ``put``, one for each, in order.

    Awaitables among the values are awaited first. What cannot be completed becomes a ``Raised``.
    """
    kinds = set(map(type, values))
    leaf = shape.leaf
    if leaf is not None and kinds <= leaf.unchanged:
        completed = leaf.complete(values, kinds, operation.raised)
    elif operation.may_be_awaitable(values, kinds):
        operation.wait_for_each(values, lambda awaited: complete(operation, column, shape, awaited, put))
        return
    elif leaf is not None:
        completed = leaf.complete(values, kinds, operation.raised)
    elif shape.item is not None:
        _complete_lists(operation, column, shape, values, put)
        return
    else:
        _complete_objects(operation, column, shape, values, put)
        return
    _put(operation, column, shape, completed, put, has_null=not kinds.isdisjoint(_NULLS))


def _put(operation: Operation, column: Column, shape: Shape, completed: list[Any], put: Put, *, has_null: bool) -> None:
    if has_null and shape.non_null:
        field = column.field
        violation = operation.raised(
            TypeError(f"Cannot return null for non-nullable field {field.parent_type}.{field.name}.")
        )
        completed = [violation if value is None else value for value in completed]
    put(completed)


def _complete_lists(operation: Operation, column: Column, shape: Shape, values: list[Any], put: Put) -> None:
    is_async_iterable = operation.executor.is_async_iterable
    if any(hasattr(kind, "__aiter__") for kind in set(map(type, values))) and any(map(is_async_iterable, values)):
        drained = [_drain(value) if is_async_iterable(value) else value for value in values]
        operation.wait_for_each(drained, lambda lists: _complete_lists(operation, column, shape, lists, put))
        return
    completed: list[Any] = []
    items: list[Any] = []
    filled: list[tuple[list[Any], int]] = []
    has_null = False
    for value in values:
        if value is None or value is Undefined:
            completed.append(None)
            has_null = True
            continue
        try:
            count = len(items)
            items.extend(_iterable(value, column))
        except Exception as error:  # noqa: BLE001  whatever iterating raises is the list's error
            del items[count:]
            completed.append(operation.raised(error))
            continue
        completed.append([])
        filled.append((completed[-1], len(items) - count))
    _put(operation, column, shape, completed, put, has_null=has_null)
    if items:
        assert shape.item is not None
        complete(operation, column, shape.item, items, partial(_fill, filled))


def _iterable(value: Any, column: Column) -> Any:
    if isinstance(value, Exception):
        raise value
    if type(value) is not list and not is_iterable(value):
        field = column.field
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{field.parent_type}.{field.name}'.")
    return value


async def _drain(iterable: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in iterable]


def _fill(lists: list[tuple[list[Any], int]], items: list[Any]) -> None:
    following = iter(items)
    for filled, count in lists:
        filled.extend(islice(following, count))


def _complete_objects(operation: Operation, column: Column, shape: Shape, values: list[Any], put: Put) -> None:
    # What is not there to be completed is settled; the rest has its type told, and is put between.
    settled = [
        None
        if value is None or value is Undefined
        else operation.raised(value)
        if isinstance(value, Exception)
        else ...
        for value in values
    ]
    sources = [value for value, place in zip(values, settled, strict=True) if place is ...]

    def finish(results: list[Any]) -> None:
        following = iter(results)
        completed = [next(following) if place is ... else place for place in settled]
        _put(operation, column, shape, completed, put, has_null=None in settled)

    if not sources:
        finish([])
    elif shape.runtime_types is not None:
        _tell_types(operation, column, shape, sources, finish)
    elif shape.type_check is not None:
        _check_type(operation, column, shape, sources, finish)
    else:
        assert shape.object_type is not None
        finish(_open_level(operation, column, shape.object_type, sources))


def _check_type(operation: Operation, column: Column, shape: Shape, sources: list[Any], finish: Put) -> None:
    object_type = shape.object_type
    assert object_type is not None
    assert shape.type_check is not None

    def check(answers: list[Any]) -> None:
        if all(answer is True for answer in answers):
            finish(_open_level(operation, column, object_type, sources))
            return
        types = [
            answer
            if isinstance(answer, Exception)
            else object_type
            if answer
            else GraphQLError(f"Expected value of type '{object_type}' but got: {inspect(source)}.", column.field.nodes)
            for source, answer in zip(sources, answers, strict=True)
        ]
        finish(_open_levels(operation, column, sources, types))

    operation.settle(shape.type_check.answers(sources, set(map(type, sources)), _info(operation, column)), check)


def _tell_types(operation: Operation, column: Column, shape: Shape, sources: list[Any], finish: Put) -> None:
    runtime_types = shape.runtime_types
    assert runtime_types is not None
    info = _info(operation, column)

    def tell(names: list[Any]) -> None:
        types: list[GraphQLObjectType | Exception] = []
        for name, source in zip(names, sources, strict=True):
            try:
                types.append(name if isinstance(name, Exception) else runtime_types.find(name, source, info, nodes))
            except GraphQLError as error:
                types.append(error)
        finish(_open_levels(operation, column, sources, types))

    nodes = column.field.nodes
    operation.settle(runtime_types.names(operation.executor, sources, set(map(type, sources)), info), tell)


def _open_levels(
    operation: Operation, column: Column, sources: list[Any], types: list[GraphQLObjectType | Exception]
) -> list[Any]:
    """Open a level for every type among the sources; return one result or ``Raised`` per source, in order."""
    results: list[Any] = [operation.raised(type_) if isinstance(type_, Exception) else None for type_ in types]
    indexes_by_type: dict[GraphQLObjectType, list[int]] = {}
    for index, type_ in enumerate(types):
        if not isinstance(type_, Exception):
            indexes_by_type.setdefault(type_, []).append(index)
    for type_, indexes in indexes_by_type.items():
        opened = _open_level(operation, column, type_, [sources[index] for index in indexes])
        for index, result in zip(indexes, opened, strict=True):
            results[index] = result
    return results


def _open_level(operation: Operation, column: Column, object_type: GraphQLObjectType, sources: list[Any]) -> list[Any]:
    """Queue a level of objects of one type; return their results, still to be filled."""
    try:
        selection = column.field.selection(object_type)
    except Exception as error:  # noqa: BLE001  a condition below that cannot be evaluated is every object's error
        return [operation.raised(error)] * len(sources)
    results = list(map(dict.copy, repeat(selection.template, len(sources))))
    operation.queue.append(Level(selection, sources, results, column))
    return results


def _info(operation: Operation, column: Column) -> GraphQLResolveInfo[Any]:
    field = column.field
    return operation.executor.build_resolve_info(field.definition, field.nodes, field.parent_type, field.path)
