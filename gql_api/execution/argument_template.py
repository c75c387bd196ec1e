"""Arguments that are variables, or input objects of variables, put together without looking at their types again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLArgument,
    GraphQLInputObjectType,
    ObjectValueNode,
    Undefined,
    VariableNode,
    get_nullable_type,
    is_input_object_type,
    is_required_argument,
    is_required_input_field,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLInputField, ValueNode

    Template = list[tuple[str, "str | Template"]]


def template_of(
    definitions: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField], given: Mapping[str, ValueNode]
) -> Template | None:
    """Return the variables that arguments, or the fields of an input object, are made of.

    None unless each that is given is a variable or an input object of such, and all others may be left out and have no
    default: then coercing takes more than copying.
    """
    if not given.keys() <= definitions.keys():
        return None
    template: Template = []
    for name, definition in definitions.items():
        node = given.get(name)
        if node is None:
            if _has_to_be_given(definition) or _has_default(definition):
                return None
            continue
        part = _part_of(definition, node)
        if part is None or definition.out_name not in {None, name}:
            return None
        template.append((name, part))
    return template


def fill(template: Template, coerced: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the values, of variables that are coerced; None if one of them is null, or was left out."""
    values: dict[str, Any] = {}
    for name, part in template:
        value = coerced.get(part) if isinstance(part, str) else fill(part, coerced)
        if value is None:
            return None
        values[name] = value
    return values


def _part_of(definition: GraphQLArgument | GraphQLInputField, node: ValueNode) -> str | Template | None:
    if isinstance(node, VariableNode):
        return node.name.value
    type_ = get_nullable_type(definition.type)
    if not isinstance(node, ObjectValueNode) or not is_input_object_type(type_):
        return None
    if type_.is_one_of or type_.out_type is not GraphQLInputObjectType.out_type:
        return None
    return template_of(type_.fields, {field.name.value: field.value for field in node.fields})


def _has_to_be_given(definition: GraphQLArgument | GraphQLInputField) -> bool:
    if isinstance(definition, GraphQLArgument):
        return is_required_argument(definition)
    return is_required_input_field(definition)


def _has_default(definition: GraphQLArgument | GraphQLInputField) -> bool:
    return definition.default is not None or definition.default_value is not Undefined
