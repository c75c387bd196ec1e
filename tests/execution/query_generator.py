"""Valid operations against any schema, every choice of them drawn from a ``Random``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

if TYPE_CHECKING:
    from random import Random

    from graphql import OperationType

SCALAR_VALUES: dict[str, tuple[Any, ...]] = {
    "Int": (0, 1, -7, 2_147_483_647),
    "Float": (0.5, 3, -1e9),
    "String": ("", "ab", 'é"\\\n'),
    "Boolean": (True, False),
    "ID": ("1", "x", 7),
    "DateTime": ("2026-11-22T10:00:00Z",),
}
INTROSPECTION_DEPTH_MAX = 3
"""Validation refuses to look into types of types of types."""
INPUT_DEPTH_MAX = 3
"""Input types may contain themselves."""
CUSTOM_SCALAR_VALUES = ("2026-11-22", "0")


@dataclass(frozen=True)
class GeneratedOperation:
    head: str
    selection: str
    fragments: tuple[str, ...]
    variables: dict[str, Any]

    def text(self, directive: str = "") -> str:
        """Return the document, the operation with a directive if one is given, everything in the same place."""
        return "\n".join([f"{self.head} {directive:40} {self.selection}", *self.fragments])


@dataclass
class _Selected:
    """What a response key already means, so that whatever else is selected under it can merge."""

    name: str
    arguments: str
    type_: str
    below: dict[str, _Selected] = field(default_factory=dict)


class QueryGenerator:
    def __init__(self, schema: GraphQLSchema, random: Random, *, depth_max: int = 6, fields_max: int = 40) -> None:
        self._schema = schema
        self._random = random
        self._depth_max = depth_max
        self._fields_left = fields_max
        self._definitions: list[str] = []
        self._variables: dict[str, Any] = {}
        self._fragments: list[str] = []
        self._names_count = 0

    def operation(self, operation_type: OperationType) -> GeneratedOperation:
        root = self._schema.get_root_type(operation_type)
        assert root is not None
        selection = self._selection(root, {}, 0)
        definitions = f"({', '.join(self._definitions)})" if self._definitions else ""
        head = f"{operation_type.value} Generated{definitions}"
        return GeneratedOperation(head, selection, tuple(self._fragments), self._variables)

    def _chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def _name(self, prefix: str) -> str:
        self._names_count += 1
        return f"{prefix}{self._names_count}"

    def _selection(self, type_: GraphQLNamedType, scope: dict[str, _Selected], depth: int) -> str:
        selections = [self._select(type_, scope, depth) for _ in range(self._random.randint(1, 5))]
        return "{ " + " ".join(selections) + " }"

    def _select(self, type_: GraphQLNamedType, scope: dict[str, _Selected], depth: int) -> str:
        self._fields_left -= 1
        if self._chance(25) and depth < self._depth_max and self._fields_left > 0:
            return self._fragment(type_, scope, depth)
        fields = dict(getattr(type_, "fields", {}))
        if depth == 0 and type_ is self._schema.query_type:
            meta = ("__schema", "__type") if self._chance(5) else ()
            fields |= {name: self._schema.get_field(type_, name) for name in meta}
        depth_max = min(self._depth_max, INTROSPECTION_DEPTH_MAX) if type_.name.startswith("__") else self._depth_max
        goes_deeper = depth < depth_max and self._fields_left > 0
        usable = [
            name
            for name, definition in fields.items()
            if goes_deeper or not is_composite_type(get_named_type(definition.type))
        ]
        if not usable or self._chance(8):
            key, _ = self._claim(scope, _Selected("__typename", "", "String!"))
            return self._written(key, "__typename", "")
        return self._field(self._random.choice(usable), fields, scope, depth)

    def _field(self, name: str, fields: dict[str, GraphQLField], scope: dict[str, _Selected], depth: int) -> str:
        definition = fields[name]
        again = [key for key, taken in scope.items() if taken.name == name and taken.type_ == str(definition.type)]
        if again and self._chance(50):
            key = self._random.choice(again)
            selected = scope[key]
        else:
            wanted = _Selected(name, self._arguments(definition), str(definition.type))
            key, selected = self._claim(scope, wanted)
        named = get_named_type(definition.type)
        below = self._selection(named, selected.below, depth + 1) if is_composite_type(named) else ""
        return self._written(key, name, selected.arguments) + below

    def _claim(self, scope: dict[str, _Selected], wanted: _Selected) -> tuple[str, _Selected]:
        key = self._random.choice(["a", "b", wanted.name]) if self._chance(30) else wanted.name
        taken = scope.get(key)
        if taken is not None and (taken.name, taken.arguments, taken.type_) != (
            wanted.name,
            wanted.arguments,
            wanted.type_,
        ):
            key = self._name("k")
        return key, scope.setdefault(key, wanted)

    def _written(self, key: str, name: str, arguments: str) -> str:
        alias = "" if key == name else f"{key}: "
        return f"{alias}{name}{arguments}{self._directives()}"

    def _fragment(self, type_: GraphQLNamedType, scope: dict[str, _Selected], depth: int) -> str:
        condition = self._random.choice(self._overlapping(type_))
        selection = self._selection(condition, scope, depth + 1)
        if self._chance(50):
            name = self._name("F")
            self._fragments.append(f"fragment {name} on {condition.name} {selection}")
            return f"...{name}{self._directives()}"
        written = f"on {condition.name}" if condition is not type_ or self._chance(50) else ""
        return f"... {written}{self._directives()} {selection}"

    def _overlapping(self, type_: GraphQLNamedType) -> list[GraphQLNamedType]:
        def possible(named: Any) -> set[GraphQLObjectType]:
            return set(self._schema.get_possible_types(named)) if is_abstract_type(named) else {named}

        return [
            named
            for named in self._schema.type_map.values()
            if is_composite_type(named) and not possible(named).isdisjoint(possible(type_))
        ]

    def _directives(self) -> str:
        if not self._chance(15):
            return ""
        name = self._random.choice(["skip", "include"])
        if self._chance(50):
            return f" @{name}(if: {self._random.choice(['true', 'false'])})"
        variable = self._random.choice(["condition1", "condition2"])
        if variable not in self._variables:
            self._variables[variable] = self._chance(70)
            self._definitions.append(f"${variable}: Boolean!")
        return f" @{name}(if: ${variable})"

    def _arguments(self, definition: GraphQLField) -> str:
        written = [
            f"{name}: {self._argument(argument.type)}"
            for name, argument in definition.args.items()
            if is_required_argument(argument) or self._chance(60)
        ]
        return f"({', '.join(written)})" if written else ""

    def _argument(self, type_: GraphQLInputType) -> str:
        if self._chance(40):
            return self._variable(type_)
        return _literal(self._value(type_), type_)

    def _variable(self, type_: GraphQLInputType) -> str:
        name = self._name("v")
        default = ""
        if self._chance(30):
            # A variable that may be null fits a position that may not, if its default is not null.
            nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
            value = self._value(GraphQLNonNull(nullable))
            default = f" = {_literal(value, nullable)}"
            type_ = nullable
        self._definitions.append(f"${name}: {type_}{default}")
        if isinstance(type_, GraphQLNonNull) or self._chance(70):
            self._variables[name] = self._value(type_)
        return f"${name}"

    def _value(self, type_: GraphQLInputType, depth: int = 0) -> Any:
        """Return a value of an input type as it stands in a request's variables."""
        if isinstance(type_, GraphQLNonNull):
            return self._present_value(type_.of_type, depth)
        return None if self._chance(15) else self._present_value(type_, depth)

    def _present_value(self, type_: Any, depth: int) -> Any:
        if isinstance(type_, GraphQLList):
            count = self._random.randint(0, 3) if depth < INPUT_DEPTH_MAX else 0
            return [self._value(type_.of_type, depth + 1) for _ in range(count)]
        if isinstance(type_, GraphQLEnumType):
            return self._random.choice(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            if type_.is_one_of:
                name = self._random.choice(list(type_.fields))
                return {name: self._present_value(type_.fields[name].type, depth + 1)}
            return {
                name: self._value(input_field.type, depth + 1)
                for name, input_field in type_.fields.items()
                if is_required_input_field(input_field) or (depth < INPUT_DEPTH_MAX and self._chance(50))
            }
        assert is_leaf_type(type_)
        return self._random.choice(SCALAR_VALUES.get(type_.name, CUSTOM_SCALAR_VALUES))


def _literal(value: Any, type_: Any) -> str:
    if isinstance(type_, GraphQLNonNull):
        return _literal(value, type_.of_type)
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList):
        return "[" + ", ".join(_literal(item, type_.of_type) for item in value) + "]"
    if isinstance(type_, GraphQLInputObjectType):
        items = (f"{name}: {_literal(item, type_.fields[name].type)}" for name, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    return json.dumps(value)
