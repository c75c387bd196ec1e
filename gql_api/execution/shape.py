"""The type of a position in the response, taken apart once: may it be null, and what stands there when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from graphql import is_abstract_type, is_leaf_type, is_list_type, is_non_null_type

from gql_api.execution.leaf import Leaf, NoneType
from gql_api.execution.runtime_type import KINDS_KNOWN_MAX, AbstractType, CheckedType, is_told_by_class

if TYPE_CHECKING:
    from graphql import GraphQLLeafType, GraphQLObjectType, GraphQLOutputType, GraphQLSchema


class LeafShape:
    """A scalar or an enum; ``kept`` are the classes whose values need no completing here."""

    __slots__ = ("kept", "leaf", "non_null", "unchanged")

    def __init__(self, type_: GraphQLLeafType, *, non_null: bool) -> None:
        self.non_null = non_null
        self.leaf = Leaf(type_)
        self.unchanged = self.leaf.unchanged
        self.kept = self.leaf.kept - {NoneType} if non_null else self.leaf.kept


class ListShape:
    """A list of something."""

    __slots__ = ("item", "non_null")

    def __init__(self, item: Shape, *, non_null: bool) -> None:
        self.non_null = non_null
        self.item = item


class ObjectShape:
    """An object: of a type that is taken for granted, of a type that checks its objects, or of one of several types.

    ``types_by_kind`` has the types of those Python classes whose objects need not be looked at any more.
    """

    __slots__ = ("non_null", "type_", "types_by_kind")

    def __init__(self, type_: GraphQLObjectType | CheckedType | AbstractType, *, non_null: bool) -> None:
        self.non_null = non_null
        self.type_ = type_
        self.types_by_kind: dict[type, GraphQLObjectType] = {}

    def note(self, kind: type, told: GraphQLObjectType) -> None:
        """Remember the type of a class, if nothing that an object of it may hold can make it another, or awaitable."""
        if is_told_by_class(kind) and len(self.types_by_kind) < KINDS_KNOWN_MAX:
            self.types_by_kind[kind] = told


Shape = LeafShape | ListShape | ObjectShape


def shape_of(type_: GraphQLOutputType, schema: GraphQLSchema) -> Shape:
    """Take a type of the schema apart."""
    non_null = is_non_null_type(type_)
    if is_non_null_type(type_):
        type_ = type_.of_type
    if is_leaf_type(type_):
        return LeafShape(type_, non_null=non_null)
    if is_list_type(type_):
        return ListShape(shape_of(type_.of_type, schema), non_null=non_null)
    if is_abstract_type(type_):
        return ObjectShape(AbstractType(type_, schema), non_null=non_null)
    object_type = cast("GraphQLObjectType", type_)
    is_type_of = object_type.is_type_of
    return ObjectShape(object_type if is_type_of is None else CheckedType(object_type, is_type_of), non_null=non_null)
