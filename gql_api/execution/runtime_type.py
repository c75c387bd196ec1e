"""Telling the object types of a column of values, asking once per Python class where the class decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import GraphQLError, GraphQLObjectType
from graphql.pyutils import inspect
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE

from gql_api.execution.strawberry_field import may_be_cast, strawberry_definition
from gql_api.execution.table import is_table
from gql_api.execution.take import take

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLAbstractType, GraphQLResolveInfo, GraphQLSchema

    from gql_api.execution.executor import BreadthFirstExecutor
    from gql_api.execution.plan import FieldPlan

    Info = GraphQLResolveInfo[Any]

KINDS_KNOWN_MAX = 64
"""How many classes a type remembers: a program has few, unless it makes them as it goes."""

_C = TypeVar("_C", bound="Callable[..., Any]")


def by_class(function: _C) -> _C:
    """Declare that an ``is_type_of`` or ``resolve_type`` function looks at nothing but the class of the value.

    The executor then calls it for one object of a class, instead of for every object, and may keep a type that it
    was told for as long as it keeps the plan. The function answers at once: it is no coroutine function.
    Below ``@classmethod`` where it is one::

        @classmethod
        @by_class
        def is_type_of(cls, value: object, info: object) -> bool:
            return isinstance(value, StudentRow)
    """
    function.__by_class__ = True  # type: ignore[attr-defined]
    return function


class CheckedType:
    """An object type with an ``is_type_of`` of its own."""

    __slots__ = ("_by_class", "_generated", "_is_type_of", "_kinds_known", "object_type")

    def __init__(self, object_type: GraphQLObjectType, is_type_of: Callable[[Any, Info], Any]) -> None:
        self.object_type = object_type
        self._is_type_of = is_type_of
        self._by_class = getattr(is_type_of, "__by_class__", False)
        definition = strawberry_definition(object_type)
        self._generated = definition is not None and definition.is_type_of is None
        self._kinds_known: set[type] = set()

    def tell_of_class(
        self, executor: BreadthFirstExecutor, kind: type, values: Sequence[Any], field: FieldPlan
    ) -> GraphQLObjectType | None:
        """Return the type of values of one class if the class tells it, None if they have to be asked one by one."""
        if not self._by_class and not (self._generated and not may_be_cast(kind, _made(values))):
            return None
        if kind not in self._kinds_known:
            if self.ask(executor, [values[0]], field.build_info(executor, field.path)) != [True]:
                return None
            if len(self._kinds_known) < KINDS_KNOWN_MAX:
                self._kinds_known.add(kind)
        return self.object_type

    def ask(self, _executor: BreadthFirstExecutor, values: Sequence[Any], info: Info) -> list[Any]:
        """Return what ``is_type_of`` says of every value: a truth value, an exception, or an awaitable of one."""
        kinds = set(map(type, values))
        if self._by_class or (self._generated and not any(may_be_cast(kind, values) for kind in kinds)):
            return _ask_by_class(self._is_type_of, values, kinds, info)
        return take(map(self._is_type_of, values, repeat(info)), len(values))

    def tell(self, answers: Sequence[Any], values: Sequence[Any], info: Info) -> list[GraphQLObjectType | Exception]:
        """Return every value's type, or why it has none."""
        if answers.count(True) == len(answers):
            return [self.object_type] * len(answers)
        return [_judge(self.object_type, answer, value, info) for answer, value in zip(answers, values, strict=True)]


class AbstractType:
    """An interface or a union.

    What it resolves to is checked once more by the ``is_type_of`` of the object type, where it has one.
    """

    __slots__ = ("_by_class", "_checked", "_generated", "_schema", "_type", "_types_by_kind")

    def __init__(self, type_: GraphQLAbstractType, schema: GraphQLSchema) -> None:
        self._type = type_
        self._schema = schema
        self._by_class = getattr(type_.resolve_type, "__by_class__", False)
        definition = strawberry_definition(type_)
        self._generated = (
            definition is not None
            and getattr(definition, "resolve_type", None) is None
            and all(_is_by_class(possible) for possible in schema.get_possible_types(type_))
        )
        self._checked = {
            possible: CheckedType(possible, possible.is_type_of)
            for possible in schema.get_possible_types(type_)
            if possible.is_type_of is not None
        }
        self._types_by_kind: dict[type, GraphQLObjectType] = {}

    def tell_of_class(
        self, executor: BreadthFirstExecutor, kind: type, values: Sequence[Any], field: FieldPlan
    ) -> GraphQLObjectType | None:
        """Return the type of values of one class if the class tells it, None if they have to be asked one by one."""
        if not self._by_class and not (self._generated and _class_decides(kind, _made(values))):
            return None
        type_ = self._types_by_kind.get(kind)
        if type_ is None:
            first, info = [values[0]], field.build_info(executor, field.path)
            (answer,) = self.ask(executor, first, info)
            (told,) = self.tell([answer], first, info) if isinstance(answer, str) else (None,)
            if not isinstance(told, GraphQLObjectType):
                return None
            type_ = told
            if len(self._types_by_kind) < KINDS_KNOWN_MAX:
                self._types_by_kind[kind] = type_
        checked = self._checked.get(type_)
        return type_ if checked is None else checked.tell_of_class(executor, kind, values, field)

    def ask(self, executor: BreadthFirstExecutor, values: Sequence[Any], info: Info) -> list[Any]:
        """Return the name of every value's type; in its place may be an exception, an awaitable, or nonsense."""
        type_ = self._type
        resolve_type = type_.resolve_type or executor.type_resolver

        def ask(value: Any, info: Info) -> Any:
            return resolve_type(value, info, type_)

        kinds = set(map(type, values))
        if self._by_class or (self._generated and all(_class_decides(kind, values) for kind in kinds)):
            return _ask_by_class(ask, values, kinds, info)
        return take(map(ask, values, repeat(info)), len(values))

    def tell(self, answers: Sequence[Any], values: Sequence[Any], info: Info) -> list[GraphQLObjectType | Exception]:
        """Return every value's type, or why it has none."""
        known: dict[str, GraphQLObjectType] = {}
        types: list[GraphQLObjectType | Exception] = []
        for answer, value in zip(answers, values, strict=True):
            if isinstance(answer, Exception):
                types.append(answer)
                continue
            type_ = known.get(answer) if isinstance(answer, str) else None
            if type_ is None:
                found = self._schema.get_type(answer) if isinstance(answer, str) else None
                if not isinstance(found, GraphQLObjectType) or not self._schema.is_sub_type(self._type, found):
                    types.append(GraphQLError(self._refusal(answer, value, info), info.field_nodes))
                    continue
                known[answer] = type_ = found
            types.append(type_)
        return types

    def ask_again(
        self,
        executor: BreadthFirstExecutor,
        types: list[GraphQLObjectType | Exception],
        values: Sequence[Any],
        info: Info,
    ) -> list[Any]:
        """Return what the ``is_type_of`` of every value's type says of it; True where there is nothing to ask."""
        answers: list[Any] = [True] * len(values)
        for type_ in {type_ for type_ in types if isinstance(type_, GraphQLObjectType)} & self._checked.keys():
            places = [index for index, told in enumerate(types) if told is type_]
            asked = self._checked[type_].ask(executor, [values[index] for index in places], info)
            for index, answer in zip(places, asked, strict=True):
                answers[index] = answer
        return answers

    def tell_again(
        self,
        answers: Sequence[Any],
        types: list[GraphQLObjectType | Exception],
        values: Sequence[Any],
        info: Info,
    ) -> list[GraphQLObjectType | Exception]:
        """Return every value's type once more, now that its ``is_type_of`` has answered."""
        if answers.count(True) == len(answers):
            return types
        return [
            type_ if isinstance(type_, Exception) else _judge(type_, answer, value, info)
            for type_, answer, value in zip(types, answers, values, strict=True)
        ]

    def _refusal(self, answer: Any, value: Any, info: Info) -> str:
        field = f"{info.parent_type}.{info.field_name}"
        if answer is None:
            return (
                f"Abstract type '{self._type}' must resolve to an Object type at runtime for field '{field}'."
                f" Either the '{self._type}' type should provide a 'resolve_type' function"
                " or each possible type should provide an 'is_type_of' function."
            )
        if not isinstance(answer, str):
            return (
                f"Abstract type '{self._type}' must resolve to an Object type at runtime for field '{field}'"
                f" with value {inspect(value)}, received '{inspect(answer)}', which is not a valid Object type name."
            )
        found = self._schema.get_type(answer)
        if found is None:
            return (
                f"Abstract type '{self._type}' was resolved to a type '{answer}' that does not exist inside the schema."
            )
        if not isinstance(found, GraphQLObjectType):
            return f"Abstract type '{self._type}' was resolved to a non-object type '{answer}'."
        return f"Runtime Object type '{answer}' is not a possible type for '{self._type}'."


def _made(values: Sequence[Any]) -> Sequence[Any]:
    # What is kept by column has no objects yet that anybody could have marked.
    return values if type(values) is list or not is_table(values) else ()


def _judge(type_: GraphQLObjectType, answer: Any, value: Any, info: Info) -> GraphQLObjectType | Exception:
    if isinstance(answer, Exception):
        return answer
    if answer:
        return type_
    return GraphQLError(f"Expected value of type '{type_}' but got: {inspect(value)}.", info.field_nodes)


def _ask_by_class(ask: Callable[[Any, Info], Any], values: Sequence[Any], kinds: set[type], info: Info) -> list[Any]:
    if len(kinds) == 1:
        return take(map(ask, values[:1], repeat(info)), 1) * len(values)
    examples = dict(zip(map(type, values), values, strict=True))
    answers = dict(zip(examples, take(map(ask, examples.values(), repeat(info)), len(examples)), strict=True))
    return [answers[type(value)] for value in values]


def is_told_by_class(kind: type) -> bool:
    """Tell whether what was found out about one object of a class, none of them null, holds for all of them."""
    return (
        kind.__dictoffset__ == 0
        and not hasattr(kind, TYPE_CAST_ATTRIBUTE)
        and not hasattr(kind, "__await__")
        and not issubclass(kind, (BaseException, GeneratorType))
    )


def _is_by_class(object_type: GraphQLObjectType) -> bool:
    if object_type.is_type_of is None or getattr(object_type.is_type_of, "__by_class__", False):
        return True
    definition = strawberry_definition(object_type)
    return definition is not None and definition.is_type_of is None


def _class_decides(kind: type, values: Sequence[Any]) -> bool:
    # Strawberry tells generic types apart by their fields' values, and graphql-core looks for `__typename` in values.
    definition = getattr(kind, "__strawberry_definition__", None)
    if definition is None:
        return kind.__dictoffset__ == 0 and not issubclass(kind, Mapping)
    return not definition.is_graphql_generic and not may_be_cast(kind, values)
