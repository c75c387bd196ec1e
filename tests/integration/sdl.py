"""The published schema, as tests walk it: what is in `schema.graphql` is tested, whatever is added to it."""

from typing import Any, Final

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from tests.server import ROOT

SCHEMA: Final = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))

MUTATIONS: Final = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}


def members(mutation: str) -> list[str]:
    """The names of the types that a mutation can answer with."""
    union = get_named_type(MUTATIONS[mutation].type)
    assert isinstance(union, GraphQLUnionType)
    return [member.name for member in union.types]


def input_type(mutation: str) -> GraphQLInputObjectType:
    """The type of a mutation's `input`."""
    type_ = get_named_type(MUTATIONS[mutation].args["input"].type)
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


def whole(type_: Any) -> str:
    """Selects all there is to a result: leaves, objects with their leaves; of connections nothing."""
    type_ = get_named_type(type_)
    if isinstance(type_, GraphQLUnionType):
        parts = [f"... on {member.name} {_object(member)}" for member in type_.types]
        return f"{{ __typename {' '.join(parts)} }}"
    return _object(type_)


def _object(type_: GraphQLObjectType | GraphQLInterfaceType) -> str:
    fields = {name: get_named_type(field.type) for name, field in type_.fields.items() if not field.args}
    return (
        f"{{ {' '.join(name if is_leaf_type(inner) else f'{name} {whole(inner)}' for name, inner in fields.items())} }}"
    )
