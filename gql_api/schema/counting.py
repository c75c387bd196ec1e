"""The pass over a document: each selection set counted once, after those below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias, cast

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from gql_api.schema.amounts import COUNT_MAX, Condition, Formula, Term
from gql_api.schema.field_price import FieldPrice, FieldPrices
from gql_api.schema.sizes import NO_ELEMENTS, Size

VALUES_PER_OBJECT: Final = 10
"""How many values of an object are in the price of the object."""


class Selected:
    """What is counted of one selection set, for one object: below it, and (`…_here`) of the object itself."""

    __slots__ = (
        "aliases",
        "depth",
        "directives",
        "fields",
        "fields_here",
        "formula",
        "introspection_depth",
        "values_here",
    )

    def __init__(self) -> None:
        self.depth = self.introspection_depth = 0
        self.fields = self.fields_here = self.values_here = self.aliases = self.directives = 0
        self.formula = Formula()

    def include(self, other: Selected) -> None:
        """Count what is selected below a field, or of the same object by a fragment."""
        self.fields = min(self.fields + other.fields, COUNT_MAX)
        self.aliases = min(self.aliases + other.aliases, COUNT_MAX)
        self.directives = min(self.directives + other.directives, COUNT_MAX)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)

    def include_field(self, field: FieldNode, inner: Selected, price: FieldPrice | None) -> None:
        """Count a field, with what is selected below."""
        self.fields += 1
        self.fields_here += 1
        self.aliases += field.alias is not None
        self.values_here += field.selection_set is None
        depth = 1 + inner.depth
        if price is not None and price.begins_introspection:
            self.introspection_depth = max(self.introspection_depth, depth)
            depth = 1
        self.depth = max(self.depth, depth)

    def include_fragment(self, inner: Selected) -> None:
        """Count what is selected of the same object by a fragment."""
        self.depth = max(self.depth, inner.depth)
        self.fields_here = min(self.fields_here + inner.fields_here, COUNT_MAX)
        self.values_here = min(self.values_here + inner.values_here, COUNT_MAX)


_Below: TypeAlias = tuple[SelectionSetNode, GraphQLNamedType]


class _Visit(NamedTuple):
    """A selection set to be counted, and once it was looked at, what is selected below each of its selections."""

    selection_set: SelectionSetNode
    type: GraphQLNamedType
    below: list[_Below | None] | None


_NOTHING: Final = Selected()


class Counting:
    """The pass over one document. What it has counted of a selection set is kept until it is done."""

    def __init__(self, schema: GraphQLSchema, prices: FieldPrices, tree: DocumentNode) -> None:
        self._schema = schema
        self._prices = prices
        self._fragments = {
            definition.name.value: definition
            for definition in tree.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._selected: dict[int, Selected] = {}

    def count(self, selection_set: SelectionSetNode, type_: GraphQLNamedType) -> Selected:
        """Count a selection set; not recursively, since there can be hundreds of levels below it."""
        pending: list[_Visit] = [_Visit(selection_set, type_, None)]
        while pending:
            visit = pending.pop()
            if id(visit.selection_set) in self._selected:
                continue
            if visit.below is not None:
                self._selected[id(visit.selection_set)] = self._sum(visit)
                continue
            below = [self._below(selection, visit.type) for selection in visit.selection_set.selections]
            pending.append(visit._replace(below=below))
            pending += [_Visit(*each, None) for each in below if each is not None]
        return self._selected[id(selection_set)]

    def _below(self, selection: SelectionNode, type_: GraphQLNamedType) -> _Below | None:
        """What is selected below a selection, and of objects of which type; None below a leaf."""
        if isinstance(selection, FieldNode):
            price = self._prices.of(type_, selection.name.value) if selection.selection_set else None
            return None if price is None else (cast("SelectionSetNode", selection.selection_set), price.named_type)
        if isinstance(selection, FragmentSpreadNode):
            fragment = self._fragments[selection.name.value]
            return fragment.selection_set, self._schema.type_map[fragment.type_condition.name.value]
        inline = cast("InlineFragmentNode", selection)
        condition = inline.type_condition
        return inline.selection_set, type_ if condition is None else self._schema.type_map[condition.name.value]

    def _sum(self, visit: _Visit) -> Selected:
        total = Selected()
        for selection, below in zip(visit.selection_set.selections, visit.below or (), strict=True):
            inner = _NOTHING if below is None else self._selected[id(below[0])]
            conditions = _conditions(selection.directives) if selection.directives else ()
            total.include(inner)
            total.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                price = self._prices.of(visit.type, selection.name.value)
                total.include_field(selection, inner, price)
                if price is not None and conditions is not None:
                    total.formula.add(self._term(selection, inner, visit.type, price, conditions))
                continue
            if isinstance(selection, FragmentSpreadNode):
                total.directives += len(self._fragments[selection.name.value].directives or ())
            total.include_fragment(inner)
            if conditions is not None:
                total.formula.add(Term(inner.formula, is_fragment=True, conditions=conditions))
        return total

    def _term(
        self,
        field: FieldNode,
        inner: Selected,
        type_: GraphQLNamedType,
        price: FieldPrice,
        conditions: tuple[Condition, ...],
    ) -> Term:
        """The field's objects with what is selected of them, and what it costs besides."""
        has_lists = price.list_arguments and field.arguments
        elements = self._prices.elements(price, type_, field) if has_lists else NO_ELEMENTS
        objects: Size = 1
        size: Size = 1
        weight = 0 if price.is_wrapper else object_weight(inner.values_here)
        is_element = False
        if not price.is_composite:
            objects = 0
        elif price.is_page:
            size = self._prices.page_size(field)
        elif price.list_length is not None:
            objects = price.list_length
        elif price.is_list:
            is_element = not price.list_arguments
            objects = 1 if is_element else elements.number
        elif price.list_arguments:
            size = elements.number
        return Term(
            inner.formula, objects, size, weight, price.weight, elements.weight, is_element, conditions=conditions
        )


def object_weight(values: int) -> int:
    """What an object counts of which so many values are selected."""
    return max(1, -(-values // VALUES_PER_OBJECT))


def _conditions(directives: Iterable[DirectiveNode]) -> tuple[Condition, ...] | None:
    """Which variables decide whether a selection is there; None if it never is."""
    conditions = []
    for directive in directives:
        name = directive.name.value
        if name in {"skip", "include"}:
            value = directive.arguments[0].value  # type: ignore[index]  # a valid one has one
            wanted = name == "include"
            if isinstance(value, VariableNode):
                conditions.append(Condition(value.name.value, wanted))
            elif isinstance(value, BooleanValueNode) and value.value is not wanted:
                return None
    return tuple(conditions)
