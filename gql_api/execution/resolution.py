"""How a field gets its values for all objects of a level at once (spec §6.4.2, "Value Resolution").

The plan chooses one resolution per field, from the cheapest that means the same: a constant, an attribute taken from
every source, a batch function called once, and only then a resolver called per object.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from graphql import TypeNameMetaFieldDef
from graphql.execution import default_field_resolver

from gql_api.execution.batched import BatchResolver
from gql_api.execution.level import Level
from gql_api.execution.location import field_paths
from gql_api.execution.strawberry_field import attribute_getter, strawberry_batch
from gql_api.execution.take import take

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graphql import GraphQLResolveInfo

    from gql_api.execution.executor import BreadthFirstExecutor
    from gql_api.execution.plan import FieldPlan


class Resolution(Protocol):
    """How one field of a plan gets its values."""

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any] | Awaitable[Any]:
        """Return one value per source, in order, or an awaitable of them.

        An exception among the values is its object's error; one that is raised is the error of all objects.
        """


def choose_resolution(field: FieldPlan) -> Resolution:
    """Return the cheapest way to resolve a field that means what graphql-core would do."""
    definition = field.definition
    if definition is TypeNameMetaFieldDef:
        return TypeName()
    resolve = definition.resolve
    if resolve is None:
        return Property()
    if isinstance(resolve, BatchResolver):
        return Batch(resolve.values)
    getter = attribute_getter(definition)
    if getter is not None:
        return Attribute(getter)
    batch = strawberry_batch(definition, field.plan.schema)
    if batch is not None:
        return Batch(batch)
    return Calls()


class TypeName:
    """``__typename``: all objects of a level have one type."""

    def values(self, _executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
        return [field.parent_type.name] * len(level.sources)


class Attribute:
    """A plain attribute of every source."""

    def __init__(self, getter: Callable[[Any], Any]) -> None:
        self._getter = getter

    def values(self, _executor: BreadthFirstExecutor, _field: FieldPlan, level: Level) -> list[Any]:
        return take(map(self._getter, level.sources), len(level.sources))


class Property:
    """A field without a resolver: the item or attribute of the field's name, called if it can be called."""

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
        if executor.field_resolver is not default_field_resolver:
            return call_each(executor.field_resolver, executor, field, level)
        sources, name = level.sources, field.name
        kinds = set(map(type, sources))
        if kinds == {dict}:
            properties = list(map(dict.get, sources, repeat(name)))
        elif any(issubclass(kind, Mapping) for kind in kinds):
            return call_each(default_field_resolver, executor, field, level)
        else:
            properties = take(map(getattr, sources, repeat(name), repeat(None)), len(sources))
        if any(map(callable, properties)):
            called = Level(level.selection, properties, level.results, level.column)
            return call_each(_call_property, executor, field, called)
        return properties


def _call_property(value: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    return value(info, **arguments) if callable(value) else value


class Batch:
    """A function called once with the sources of the whole level."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any] | Awaitable[Any]:
        arguments = field.arguments
        if arguments is None:
            arguments = field.coerce_arguments(executor.variable_values)
        info = executor.build_resolve_info(field.definition, field.nodes, field.parent_type, field.path)
        result: list[Any] | Awaitable[Any] = self._call(level.sources, info, **arguments)
        return result


class Calls:
    """A resolver called for every source."""

    def values(self, executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
        resolve = field.definition.resolve
        assert resolve is not None
        return call_each(resolve, executor, field, level)


def call_each(resolve: Callable[..., Any], executor: BreadthFirstExecutor, field: FieldPlan, level: Level) -> list[Any]:
    """Call a resolver for every source, with the info and the arguments that graphql-core would pass."""
    infos = map(_info_of(executor, field), field_paths(level, field))
    arguments = field.arguments

    def call(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        # What cannot be changed is shared by the calls; lists and input objects are each call's own.
        kept = field.coerce_arguments(executor.variable_values) if arguments is None else arguments
        return resolve(source, info, **kept)

    return take(map(call if arguments != {} else resolve, level.sources, infos), len(level.sources))


def _info_of(executor: BreadthFirstExecutor, field: FieldPlan) -> Callable[[Any], GraphQLResolveInfo[Any]]:
    definition, nodes, parent_type = field.definition, field.nodes, field.parent_type
    return lambda path: executor.build_resolve_info(definition, nodes, parent_type, path)
