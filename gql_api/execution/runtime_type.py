"""Telling the object types of a column of values, asking once per Python class where the class decides."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import GraphQLError, GraphQLObjectType
from graphql.pyutils import inspect

from gql_api.execution.strawberry_field import may_be_cast, strawberry_definition
from gql_api.execution.take import take

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLAbstractType, GraphQLResolveInfo, GraphQLSchema

    from gql_api.execution.executor import BreadthFirstExecutor

_C = TypeVar("_C", bound="Callable[..., Any]")


def by_class(function: _C) -> _C:
    """Declare that an ``is_type_of`` or ``resolve_type`` function looks at nothing but the class of the value.

    The executor then calls it once for every class in a column, instead of once for every object.
    Below ``@classmethod`` where it is one::

        @classmethod
        @by_class
        def is_type_of(cls, value: object, info: object) -> bool:
            return isinstance(value, StudentRow)
    """
    function.__by_class__ = True  # type: ignore[attr-defined]
    return function


class TypeCheck:
    """The ``is_type_of`` of an object type, asked for a column of values."""

    __slots__ = ("_by_class", "_generated", "_is_type_of")

    def __init__(self, object_type: GraphQLObjectType) -> None:
        assert object_type.is_type_of is not None
        self._is_type_of = object_type.is_type_of
        self._by_class = getattr(self._is_type_of, "__by_class__", False)
        definition = strawberry_definition(object_type)
        self._generated = definition is not None and definition.is_type_of is None

    def answers(self, values: list[Any], kinds: set[type], info: GraphQLResolveInfo[Any]) -> list[Any]:
        """Return what ``is_type_of`` says of every value: a truth value, an exception, or an awaitable."""
        if self._by_class or (self._generated and not any(may_be_cast(kind, values) for kind in kinds)):
            return ask_by_class(self._is_type_of, values, kinds, info)
        return take(map(self._is_type_of, values, repeat(info)), len(values))


class RuntimeTypes:
    """The ``resolve_type`` of an interface or union, asked for a column of values."""

    __slots__ = ("_abstract_type", "_by_class", "_generated", "_schema")

    def __init__(self, abstract_type: GraphQLAbstractType, schema: GraphQLSchema) -> None:
        self._abstract_type = abstract_type
        self._schema = schema
        self._by_class = getattr(abstract_type.resolve_type, "__by_class__", False)
        definition = strawberry_definition(abstract_type)
        self._generated = (
            definition is not None
            and getattr(definition, "resolve_type", None) is None
            and all(_answers_by_class(possible) for possible in schema.get_possible_types(abstract_type))
        )

    def names(
        self, executor: BreadthFirstExecutor, values: list[Any], kinds: set[type], info: GraphQLResolveInfo[Any]
    ) -> list[Any]:
        """Return the name of every value's type; in its place may be an exception, an awaitable, or nonsense."""
        abstract_type = self._abstract_type
        resolve_type = abstract_type.resolve_type or executor.type_resolver

        def ask(value: Any, info: GraphQLResolveInfo[Any]) -> Any:
            return resolve_type(value, info, abstract_type)

        if self._by_class or (self._generated and all(_class_decides(kind, values) for kind in kinds)):
            return ask_by_class(ask, values, kinds, info)
        return take(map(ask, values, repeat(info)), len(values))

    def find(self, name: Any, value: Any, info: GraphQLResolveInfo[Any], nodes: list[Any]) -> GraphQLObjectType:
        """Return the object type of a name that ``resolve_type`` gave for a value.

        Raises:
            GraphQLError: The name is none, or not that of an object type that the abstract type may be.
        """
        abstract_type = self._abstract_type
        found = self._schema.get_type(name) if isinstance(name, str) else None
        if isinstance(found, GraphQLObjectType) and self._schema.is_sub_type(abstract_type, found):
            return found
        if name is None:
            message = (
                f"Abstract type '{abstract_type}' must resolve to an Object type at runtime"
                f" for field '{info.parent_type}.{info.field_name}'."
                f" Either the '{abstract_type}' type should provide a 'resolve_type' function"
                " or each possible type should provide an 'is_type_of' function."
            )
        elif not isinstance(name, str):
            message = (
                f"Abstract type '{abstract_type}' must resolve to an Object type at runtime"
                f" for field '{info.parent_type}.{info.field_name}' with value {inspect(value)},"
                f" received '{inspect(name)}', which is not a valid Object type name."
            )
        elif found is None:
            message = (
                f"Abstract type '{abstract_type}' was resolved to a type '{name}'"
                " that does not exist inside the schema."
            )
        elif not isinstance(found, GraphQLObjectType):
            message = f"Abstract type '{abstract_type}' was resolved to a non-object type '{name}'."
        else:
            message = f"Runtime Object type '{found}' is not a possible type for '{abstract_type}'."
        raise GraphQLError(message, nodes)


def ask_by_class(ask: Callable[[Any, Any], Any], values: list[Any], kinds: set[type], info: Any) -> list[Any]:
    """Ask once for every class among the values."""
    if len(kinds) == 1:
        return take(map(ask, values[:1], repeat(info)), 1) * len(values)
    examples = dict(zip(map(type, values), values, strict=True))
    answers = dict(zip(examples, take(map(ask, examples.values(), repeat(info)), len(examples)), strict=True))
    return [answers[type(value)] for value in values]


def _answers_by_class(object_type: GraphQLObjectType) -> bool:
    if object_type.is_type_of is None or getattr(object_type.is_type_of, "__by_class__", False):
        return True
    definition = strawberry_definition(object_type)
    return definition is not None and definition.is_type_of is None


def _class_decides(kind: type, values: list[Any]) -> bool:
    # Strawberry tells generic types apart by their fields' values, and graphql-core looks for `__typename` in values.
    definition = getattr(kind, "__strawberry_definition__", None)
    if definition is None:
        return kind.__dictoffset__ == 0 and not issubclass(kind, Mapping)
    return not definition.is_graphql_generic and not may_be_cast(kind, values)
