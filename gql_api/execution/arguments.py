"""Turning what graphql-core coerced into what Strawberry's resolvers take, by conversions that are worked out once.

Strawberry looks at the types and makes the names of an input's fields anew for every value. What is not plain here,
such as global ids, ``Maybe``, and inputs that build themselves or contain themselves, is left to it.
"""

from __future__ import annotations

from dataclasses import MISSING
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import is_input_object_type, is_leaf_type, is_list_type, is_non_null_type
from strawberry.relay import GlobalID
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.unset import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable

    import strawberry
    from graphql import GraphQLField, GraphQLInputType
    from strawberry.types.arguments import StrawberryArgument

    Convert = Callable[[Any, Any], Any]


class ArgumentConversion(NamedTuple):
    """An argument's name in GraphQL and in Python, and what converts its value, if anything has to."""

    name: str
    python_name: str
    convert: Convert | None

    @classmethod
    def of(
        cls, argument: StrawberryArgument, definition: GraphQLField, schema: strawberry.Schema
    ) -> ArgumentConversion:
        """Work the conversion of an argument out."""
        name = schema.config.name_converter.from_argument(argument)
        return cls(name, argument.python_name, _conversion(argument.type, definition.args[name].type, schema, (name,)))


class _InputField(NamedTuple):
    name: str
    python_name: str
    convert: Convert | None


def _conversion(
    type_: Any,
    graphql_type: GraphQLInputType,
    schema: strawberry.Schema,
    path: tuple[str, ...],
    inside: tuple[Any, ...] = (),
) -> Convert | None:
    """Return what converts the values of a type, None if they stay as they are; ``inside`` are the inputs around it."""
    if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
        type_ = type_.of_type
    if is_non_null_type(graphql_type):
        graphql_type = graphql_type.of_type
    if not isinstance(type_, StrawberryMaybe) and type_ is not GlobalID:
        if is_leaf_type(graphql_type):
            return None
        if is_list_type(graphql_type) and isinstance(type_, StrawberryList):
            return _list_conversion(_conversion(type_.of_type, graphql_type.of_type, schema, path, inside))
        if is_input_object_type(graphql_type) and has_object_definition(type_) and type_ not in inside:
            definition = type_.__strawberry_definition__
            if definition.is_input and definition.from_input is None:
                fields = _input_fields(definition, graphql_type.fields, schema, path, (*inside, type_))
                return _object_conversion(type_, fields)
    return _left_to_strawberry(type_, schema, path)


def _input_fields(
    definition: Any, graphql_fields: Any, schema: strawberry.Schema, path: tuple[str, ...], inside: tuple[Any, ...]
) -> list[_InputField]:
    fields = []
    for field in definition.fields:
        name = schema.config.name_converter.from_field(field)
        type_ = field.resolve_type(type_definition=definition)
        convert = _conversion(type_, graphql_fields[name].type, schema, (*path, name), inside)
        fields.append(_InputField(name, field.python_name, convert))
    return fields


def _object_conversion(class_: Any, fields: list[_InputField]) -> Convert:
    # graphql-core has seen to it that what must be given is given: the rest may be left out.
    left_out = {
        field.python_name: None
        for field in class_.__strawberry_definition__.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def convert(value: Any, info: Any) -> Any:
        if value is None or value is UNSET:
            return value
        keywords: dict[str, Any] = left_out.copy()
        for name, python_name, convert_field in fields:
            if name in value:
                given = value[name]
                keywords[python_name] = given if convert_field is None else convert_field(given, info)
        return class_(**keywords)

    return convert


def _list_conversion(convert_item: Convert | None) -> Convert:
    def convert(value: Any, info: Any) -> Any:
        if value is None or value is UNSET:
            return value
        # Copied, as graphql-core gives the same default to everybody.
        return list(value) if convert_item is None else [convert_item(item, info) for item in value]

    return convert


def _left_to_strawberry(type_: Any, schema: strawberry.Schema, path: tuple[str, ...]) -> Convert:
    config, scalars = schema.config, schema.schema_converter.scalar_registry

    def convert(value: Any, info: Any) -> Any:
        return convert_argument(value, type_, scalars, config, info, path=path)

    return convert
