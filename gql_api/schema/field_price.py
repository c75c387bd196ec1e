"""What the fields of the schema cost by their kind: how many objects one of them brings, and by which argument."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_introspection_type,
    is_list_type,
)

from gql_api.pagination import PageLimits
from gql_api.schema.sizes import OBJECT_ELEMENT_WEIGHT, Elements, PageSize, PassedElements, Size, page_size

COUNT_WEIGHT: Final = 10
"""What counting rows costs: many are read of which none is shown."""

WRITE_WEIGHT: Final = 10
"""What a mutation costs: a transaction takes as long as reading many rows."""

_COUNTING_FIELDS: Final = frozenset({"seatsTaken", "totalCount"})
_PAGE_ARGUMENTS: Final = ("first", "last")
_INTROSPECTION_LIST: Final = 2
"""How long lists of fields, arguments, values and types are in introspection, on average and rounded up."""


class FieldPrice(NamedTuple):
    """What is known of a field by the schema alone.

    Attributes:
        named_type: the type of its objects or values.
        is_composite: whether it has objects, of which fields are selected.
        is_list: whether it has many of them.
        is_page: whether `first` and `last` say how many rows its lists have.
        list_arguments: the names of its arguments that are lists or hold lists.
        list_length: how long the list is where the schema says; otherwise arguments do.
        weight: what the field counts itself.
        begins_introspection: whether it leads from the data to the schema.
        is_wrapper: whether its object is none of its own: what `ofType` unwraps, is most often null.
    """

    named_type: GraphQLNamedType
    is_composite: bool
    is_list: bool
    is_page: bool
    list_arguments: tuple[str, ...]
    list_length: int | None
    weight: int
    begins_introspection: bool
    is_wrapper: bool


class FieldPrices:
    """The prices of a schema's fields, each made when it is first asked for and kept as long as the schema.

    Args:
        schema: the schema.
        page_limits: how large pages are.
    """

    def __init__(self, schema: GraphQLSchema, page_limits: PageLimits) -> None:
        self._schema = schema
        self._page_limits = page_limits
        self._prices: dict[tuple[str, str], FieldPrice | None] = {}
        self._holding_lists: dict[str, bool] = {}

    def of(self, parent_type: GraphQLNamedType, name: str) -> FieldPrice | None:
        """The price of the field with this name; None if the type has no such field."""
        key = parent_type.name, name
        if key not in self._prices:
            field = self._schema.get_field(cast("Any", parent_type), name)
            self._prices[key] = None if field is None else self._price(parent_type, name, field)
        return self._prices[key]

    def page_size(self, node: FieldNode) -> Size:
        """How many rows the connection is asked for: a number, or what variables decide."""
        given: list[int | str] = []
        for argument in node.arguments or ():
            if argument.name.value in _PAGE_ARGUMENTS:
                if isinstance(argument.value, VariableNode):
                    given.append(argument.value.name.value)
                elif isinstance(argument.value, IntValueNode):
                    given.append(_integer(argument.value.value))
        if any(isinstance(one, str) for one in given):
            return PageSize(tuple(given), self._page_limits)
        return page_size(given, self._page_limits)

    def elements(self, price: FieldPrice, parent_type: GraphQLNamedType, node: FieldNode) -> PassedElements:
        """What the field is passed in lists; a lone value in the place of a list is a list of one."""
        count = weight = 0
        variables: list[str] = []
        field = cast("GraphQLField", self._schema.get_field(cast("Any", parent_type), node.name.value))
        pending: list[tuple[ValueNode, Any]] = [
            (argument.value, field.args[argument.name.value].type)
            for argument in node.arguments or ()
            if argument.name.value in price.list_arguments
        ]
        while pending:
            value, type_ = pending.pop()
            type_ = get_nullable_type(type_)
            if isinstance(value, VariableNode):
                if self._holds_lists(type_):
                    variables.append(value.name.value)
            elif isinstance(value, ListValueNode):
                count += len(value.values)
                weight += sum(map(_element_weight, value.values))
                pending += [(item, type_.of_type if is_list_type(type_) else type_) for item in value.values]
            elif isinstance(value, ObjectValueNode):
                named = get_named_type(type_)
                if is_list_type(type_):
                    count += 1
                    weight += OBJECT_ELEMENT_WEIGHT
                if isinstance(named, GraphQLInputObjectType):
                    pending += [(item.value, named.fields[item.name.value].type) for item in value.fields]
            elif is_list_type(type_) and not isinstance(value, NullValueNode):
                count += 1
                weight += 1
        return PassedElements(Elements(count, weight), tuple(variables))

    def _price(self, parent_type: GraphQLNamedType, name: str, field: GraphQLField) -> FieldPrice:
        named_type = get_named_type(field.type)
        is_list = is_list_type(get_nullable_type(field.type))
        writes = parent_type is self._schema.mutation_type and not name.startswith("__")
        length = None
        if is_introspection_type(parent_type) and is_list:
            length = len(self._schema.type_map) if name == "types" else _INTROSPECTION_LIST
        return FieldPrice(
            named_type=named_type,
            is_composite=is_composite_type(named_type),
            is_list=is_list,
            is_page=all(argument in field.args for argument in _PAGE_ARGUMENTS),
            list_arguments=tuple(name for name, argument in field.args.items() if self._holds_lists(argument.type)),
            list_length=length,
            weight=WRITE_WEIGHT if writes else COUNT_WEIGHT if name in _COUNTING_FIELDS else 0,
            begins_introspection=is_introspection_type(named_type) and not is_introspection_type(parent_type),
            is_wrapper=is_introspection_type(parent_type) and name == "ofType",
        )

    def _holds_lists(self, type_: Any) -> bool:
        """Whether values of an input type can have lists in them."""
        type_ = get_nullable_type(type_)
        if not isinstance(type_, GraphQLInputObjectType):
            return is_list_type(type_)
        holds = self._holding_lists.get(type_.name)
        if holds is None:
            # Types that contain themselves hold no list by that alone.
            self._holding_lists[type_.name] = False
            holds = any(self._holds_lists(field.type) for field in type_.fields.values())
            self._holding_lists[type_.name] = holds
        return holds


def _element_weight(element: ValueNode) -> int:
    return OBJECT_ELEMENT_WEIGHT if isinstance(element, ObjectValueNode) else 1


def _integer(literal: str) -> int:
    """The integer, or one that is as far out of range: int() refuses very long ones."""
    return int(literal[:20])
