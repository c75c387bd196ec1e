"""Costs and counts by walking through every spread of every fragment, from the root down: slow, and simple."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_list_type,
    value_from_ast_untyped,
)

from gql_api.schema.cost import Counts
from tests.schema.api import LIMITS


class Selected(NamedTuple):
    """A field where it is selected, and whether it is there by its directives and those around it."""

    field: FieldNode
    type_: GraphQLNamedType
    is_there: bool


class NaiveCost:
    """One operation with its variables."""

    def __init__(self, schema: GraphQLSchema, tree: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        (self._operation,) = [node for node in tree.definitions if isinstance(node, OperationDefinitionNode)]
        self._fragments = {
            node.name.value: node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)
        }
        definitions = self._operation.variable_definitions or ()
        defaults = {
            definition.variable.name.value: value_from_ast_untyped(definition.default_value)
            for definition in definitions
            if definition.default_value
        }
        self._variables = {**defaults, **variables}
        self._root_type = cast("GraphQLNamedType", schema.get_root_type(self._operation.operation))

    def cost(self) -> int:
        selection_set = self._operation.selection_set
        return self._object(selection_set, self._root_type, 1) + self._passed(selection_set, self._root_type)

    def counts(self) -> Counts:
        definitions = self._operation.variable_definitions or ()
        on_operation = len(self._operation.directives or ()) + sum(len(node.directives or ()) for node in definitions)
        counts = self._counts(self._operation.selection_set, self._root_type)
        root_fields = len(list(self._selected(self._operation.selection_set, self._root_type)))
        return counts._replace(
            root_fields=root_fields,
            directives=counts.directives + self._directives(self._operation.selection_set) + on_operation,
        )

    def _counts(self, selection_set: SelectionSetNode, type_: GraphQLNamedType) -> Counts:
        depth = introspection_depth = fields = aliases = 0
        for field, parent, _ in self._selected(selection_set, type_):
            below, leads_to_schema = Counts(), False
            if field.selection_set:
                named = self._named_type(parent, field)
                leads_to_schema = is_introspection_type(named) and not is_introspection_type(parent)
                below = self._counts(field.selection_set, named)
            depth = max(depth, 1 if leads_to_schema else 1 + below.depth)
            introspection_depth = max(
                introspection_depth, 1 + below.depth if leads_to_schema else below.introspection_depth
            )
            fields += 1 + below.fields
            aliases += (field.alias is not None) + below.aliases
        return Counts(depth=depth, introspection_depth=introspection_depth, fields=fields, aliases=aliases)

    def _directives(self, selection_set: SelectionSetNode) -> int:
        total = 0
        for selection in selection_set.selections:
            total += len(selection.directives or ())
            if isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                total += len(fragment.directives or ()) + self._directives(fragment.selection_set)
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                total += self._directives(selection.selection_set)
        return total

    def _selected(
        self, selection_set: SelectionSetNode, type_: GraphQLNamedType, *, is_there: bool = True
    ) -> Iterator[Selected]:
        for selection in selection_set.selections:
            there = is_there and all(
                value_from_ast_untyped(directive.arguments[0].value, self._variables)
                is (directive.name.value != "skip")
                for directive in selection.directives or ()
                if directive.arguments
            )
            if isinstance(selection, FieldNode):
                yield Selected(selection, type_, there)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                on = self._schema.type_map[fragment.type_condition.name.value]
                yield from self._selected(fragment.selection_set, on, is_there=there)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                on = self._schema.type_map[condition.name.value] if condition else type_
                yield from self._selected(selection.selection_set, on, is_there=there)

    def _named_type(self, parent: GraphQLNamedType, field: FieldNode) -> GraphQLNamedType:
        return get_named_type(self._schema.get_field(cast("Any", parent), field.name.value).type)  # type: ignore[union-attr]

    def _object(self, selection_set: SelectionSetNode, type_: GraphQLNamedType, size: int) -> int:
        """One object whose field was asked for lists of this size."""
        return self._weight(selection_set, type_) + sum(
            self._field(each.field, each.type_, size) for each in self._selected(selection_set, type_) if each.is_there
        )

    def _passed(self, selection_set: SelectionSetNode, type_: GraphQLNamedType) -> int:
        """What all elements count that are passed anywhere."""
        total = 0
        for field, parent, is_there in self._selected(selection_set, type_):
            if is_there:
                total += sum(10 if isinstance(element, dict) else 1 for element in _elements(self._arguments(field)))
                total += (
                    self._passed(field.selection_set, self._named_type(parent, field)) if field.selection_set else 0
                )
        return total

    def _arguments(self, field: FieldNode) -> dict[str, Any]:
        return {
            argument.name.value: value_from_ast_untyped(argument.value, self._variables)
            for argument in field.arguments or ()
        }

    def _field(self, field: FieldNode, parent: GraphQLNamedType, size: int) -> int:
        definition = self._schema.get_field(cast("Any", parent), field.name.value)
        assert definition is not None
        arguments = self._arguments(field)
        elements = len(_elements(arguments))
        extra = 10 if field.name.value in {"totalCount", "seatsTaken"} else 0
        if parent is self._schema.mutation_type and field.name.value != "__typename":
            extra = 10
        if field.selection_set is None:
            return extra
        named = self._named_type(parent, field)
        is_list = is_list_type(get_nullable_type(definition.type))
        takes_lists = any(_holds_lists(argument.type) for argument in definition.args.values())
        objects, rows = 1, elements if takes_lists else 1
        if "first" in definition.args:
            asked = [number for name in ("first", "last") if isinstance(number := arguments.get(name), int)]
            rows = max(0, min(max(asked), LIMITS.size_max)) if asked else LIMITS.size_default
        elif is_introspection_type(parent) and is_list:
            objects, rows = len(self._schema.type_map) if field.name.value == "types" else 2, 1
        elif is_list:
            objects, rows = elements if takes_lists else size, 1
        of_one = self._object(field.selection_set, named, rows)
        if field.name.value == "ofType":
            of_one -= self._weight(field.selection_set, named)
        return extra + objects * of_one

    def _weight(self, selection_set: SelectionSetNode, type_: GraphQLNamedType) -> int:
        values = sum(each.field.selection_set is None for each in self._selected(selection_set, type_))
        return max(1, (values + 9) // 10)


def _holds_lists(type_: Any) -> bool:
    """Whether the type's text shows a list, or an input type of which a field does; none is nested more deeply here."""
    named = get_named_type(type_)
    fields = named.fields.values() if isinstance(named, GraphQLInputObjectType) else ()
    return "[" in str(type_) or any("[" in str(field.type) for field in fields)


def _elements(value: Any) -> list[Any]:
    """All elements of all lists in the value."""
    if isinstance(value, dict):
        return [element for inner in value.values() for element in _elements(inner)]
    if isinstance(value, list):
        return value + [element for inner in value for element in _elements(inner)]
    return []
