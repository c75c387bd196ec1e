"""How a field gets its values for all objects of a level at once (spec §6.4.2, "Value Resolution").

The plan chooses one resolution per field, the cheapest that means the same: a constant, an attribute taken from every
source, a batch function called once, and only then a resolver called for every object.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from graphql import TypeNameMetaFieldDef
from graphql.execution import default_field_resolver

from gql_api.execution.batch_resolver import BatchResolver, one_per_source
from gql_api.execution.level import Level, kinds_of
from gql_api.execution.location import field_paths
from gql_api.execution.strawberry_field import StrawberryBatch, StrawberryCall, attribute_name, plain_resolver
from gql_api.execution.table import is_table
from gql_api.execution.take import take

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graphql import GraphQLField, GraphQLResolveInfo, GraphQLSchema

    from gql_api.execution.executor import BreadthFirstExecutor
    from gql_api.execution.plan import FieldPlan


class Resolution(Protocol):
    """How one field of a plan gets its values."""

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> Sequence[Any] | Awaitable[Any]:
        """Return one value per source, in order, or an awaitable of them.

        An exception among the values is its object's error; one that is raised is the error of all objects.
        """


def choose_resolution(field: FieldPlan) -> Resolution:
    """Return the cheapest way to resolve a field that means what graphql-core would do."""
    definition = field.definition
    if definition is TypeNameMetaFieldDef:
        return TypeName(field.parent_type.name)
    if definition.resolve is None:
        return Property()
    if isinstance(definition.resolve, BatchResolver):
        return Batch(definition.resolve)
    return _choose_for_strawberry(definition, field.plan.schema) or Resolver(definition.resolve)


def _choose_for_strawberry(definition: GraphQLField, schema: GraphQLSchema) -> Resolution | None:
    name = attribute_name(definition, schema)
    if name is not None:
        return Attribute(name)
    batch = StrawberryBatch.of(definition, schema)
    if batch is not None:
        return Batch(batch)
    function = plain_resolver(definition, schema)
    if function is not None:
        return Function(function)
    call = StrawberryCall.of(definition, schema)
    return None if call is None else Resolver(call)


def column_taker(resolution: Resolution, field_name: str) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """Return what takes a field's values from the sources alone, None if there is more to resolving the field."""
    if isinstance(resolution, (Attribute, TypeName)):
        return resolution.take
    return resolution.column_function(field_name) if isinstance(resolution, Batch) else None


class TypeName:
    """``__typename``: all objects of a level have one type."""

    def __init__(self, name: str) -> None:
        self._name = name

    def take(self, sources: Sequence[Any]) -> Sequence[Any]:
        """Return the name once per source."""
        return [self._name] * len(sources)

    def values(self, _executor: BreadthFirstExecutor, _field: FieldPlan, level: Level) -> Sequence[Any]:
        """See ``Resolution``."""
        return self.take(level.sources)


class Attribute:
    """A plain attribute of every source."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._getter = attrgetter(name)

    def take(self, sources: Sequence[Any]) -> Sequence[Any]:
        """Return the attribute of every source."""
        if type(sources) is not list and is_table(sources):
            try:
                return sources.column(self._name)
            except KeyError:
                pass
        if len(sources) == 1:
            try:
                return [self._getter(sources[0])]
            except Exception as error:  # noqa: BLE001  any exception is the error of the one value
                return [error]
        return take(map(self._getter, sources), len(sources))

    def values(self, _executor: BreadthFirstExecutor, _field: FieldPlan, level: Level) -> Sequence[Any]:
        """See ``Resolution``."""
        return self.take(level.sources)


class Function:
    """A resolver that asks for nothing but the source."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def values(self, _executor: BreadthFirstExecutor, _field: FieldPlan, level: Level) -> list[Any]:
        """See ``Resolution``."""
        return take(map(self._function, level.sources), len(level.sources))


class Property:
    """A field without a resolver: the item or attribute of the field's name, called if it can be called."""

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
        """See ``Resolution``."""
        if executor.field_resolver is not default_field_resolver:
            return call_each(executor.field_resolver, executor, field, level)
        sources, name = level.sources, field.name
        kinds = kinds_of(sources)
        if kinds == {dict}:
            properties = list(map(dict.get, sources, repeat(name)))
        elif any(issubclass(kind, Mapping) for kind in kinds):
            return call_each(default_field_resolver, executor, field, level)
        else:
            properties = take(map(getattr, sources, repeat(name), repeat(None)), len(sources))
        if any(map(callable, properties)):
            methods = Level(level.selection, properties, level.results, level.column)
            return call_each(_call_method, executor, field, methods)
        return properties


class Batch:
    """A function called once with the sources of the whole level."""

    def __init__(self, batch: BatchResolver | StrawberryBatch) -> None:
        self._batch = batch

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> Sequence[Any] | Awaitable[Any]:
        """See ``Resolution``."""
        arguments = field.arguments
        if arguments is None:
            arguments = field.coerce_arguments(executor.variable_values)
        batch = self._batch
        info = field.build_info(executor, field.path) if batch.takes_info else None
        values: Sequence[Any] | Awaitable[Any] = batch.values(level.sources, info, arguments)
        return values

    def column_function(self, field_name: str) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
        """Return the function as one that takes a column, None if it asks for more than the sources, or waits."""
        batch = self._batch
        if not isinstance(batch, StrawberryBatch) or not batch.is_column_function:
            return None

        def take_column(sources: Sequence[Any]) -> Sequence[Any]:
            try:
                return one_per_source(batch.values(sources, None, {}), len(sources), field_name)
            except Exception as error:  # noqa: BLE001  what it raises is the error of every object
                return [error] * len(sources)

        return take_column


class Resolver:
    """A resolver called for every source."""

    def __init__(self, resolve: Callable[..., Any]) -> None:
        self._resolve = resolve

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
        """See ``Resolution``."""
        return call_each(self._resolve, executor, field, level)


def call_each(resolve: Callable[..., Any], executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
    """Call a resolver for every source, with the info and the arguments that graphql-core would pass."""
    if level.column is None:
        return [_call_at_root(resolve, executor, field, level)]
    infos = map(field.build_info, repeat(executor), field_paths(level, field))
    arguments = field.arguments

    def call(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        # What cannot be changed is shared by the calls; lists and input objects are each call's own.
        kept = field.coerce_arguments(executor.variable_values) if arguments is None else arguments
        return resolve(source, info, **kept)

    return take(map(call if arguments != {} else resolve, level.sources, infos), len(level.sources))


def _call_at_root(resolve: Callable[..., Any], executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> Any:
    """Call a resolver for the one source that the root has, whose path is the field's own."""
    arguments = field.arguments
    try:
        if arguments is None:
            arguments = field.coerce_arguments(executor.variable_values)
        return resolve(level.sources[0], field.build_info(executor, field.path), **arguments)
    except Exception as error:  # noqa: BLE001  any exception is the error of the one value
        return error


def _call_method(value: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    return value(info, **arguments) if callable(value) else value
