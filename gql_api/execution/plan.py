"""A validated operation as a tree of selections: compiled once by graphql-core's own field collection, then reused.

The tree grows where execution reaches it: the fields below an object are collected when the first object of that type
comes up, as graphql-core does, so a plan never holds more than the documents and the data have asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    GraphQLStreamDirective,
    VariableNode,
)
from graphql.execution.collect_fields import collect_fields, collect_subfields, get_field_entry_key
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import FieldNode, InlineFragmentNode
from graphql.pyutils import Path

from gql_api.execution.argument_template import fill, template_of
from gql_api.execution.fallback import Fallback
from gql_api.execution.resolution import choose_resolution, column_taker
from gql_api.execution.shape import LeafShape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import (
        GraphQLField,
        GraphQLObjectType,
        GraphQLResolveInfo,
        GraphQLSchema,
        OperationDefinitionNode,
        SelectionSetNode,
        ValueNode,
    )
    from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails, GroupedFieldSet

    from gql_api.execution.executor import BreadthFirstExecutor
    from gql_api.execution.resolution import Resolution

_FIELD_BYTES = 1_600
_NODE_BYTES = 700
"""What a planned field and a syntax node with its tokens are taken to occupy, on average: estimates."""

_IMMUTABLE = frozenset({type(None), bool, int, float, str})


class FieldPlan:
    """One field of a selection: resolved once for all objects of the level.

    ``path`` is the field's response path without list indices: all objects of the level share it.
    ``arguments`` are the coerced arguments where no variable decides them and nothing in them can be changed;
    ``template`` says which variables they are made of where they are nothing but variables. ``selections`` has the
    fields selected on its objects by their type, as far as they were collected.
    """

    __slots__ = (
        "arguments",
        "definition",
        "details",
        "nodes",
        "parent_type",
        "path",
        "plan",
        "resolution",
        "response_name",
        "selections",
        "shape",
        "template",
    )

    def __init__(
        self,
        plan: Plan,
        parent_type: GraphQLObjectType,
        definition: GraphQLField,
        details: FieldDetailsList,
        parent_path: Path | None,
    ) -> None:
        self.plan = plan
        self.parent_type = parent_type
        self.definition = definition
        self.details = details
        self.nodes = [detail.node for detail in details]
        self.response_name = get_field_entry_key(self.nodes[0])
        self.path = Path(parent_path, self.response_name, parent_type.name)
        self.shape = shape_of(definition.type, plan.schema)
        self.selections: dict[GraphQLObjectType, SelectionPlan] = {}
        given = {argument.name.value: argument.value for argument in self.nodes[0].arguments or ()}
        self.template = template_of(definition.args, given)
        self.arguments = self._constant_arguments()
        self.resolution: Resolution = choose_resolution(self)

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    def collect(self, object_type: GraphQLObjectType) -> SelectionPlan:
        """Collect the fields selected on this field's objects of one type, and keep them in ``selections``.

        Raises:
            GraphQLError: The condition of a @skip or @include below this field cannot be evaluated.
        """
        plan = self.plan
        collected = collect_subfields(
            plan.schema,
            plan.fragments,
            plan.conditions,
            plan.operation,
            object_type,
            self.details,
            plan.hide_suggestions,
        )
        selection = SelectionPlan(plan, object_type, collected.grouped_field_set, self.path)
        self.selections[object_type] = selection
        return selection

    def coerce_arguments(self, variable_values: VariableValues) -> dict[str, Any]:
        """Coerce the arguments as graphql-core does (spec §6.4.1).

        Raises:
            GraphQLError: An argument is missing or has no valid value.
        """
        node = self.nodes[0]
        if not self.definition.args and not node.arguments:
            return {}
        if self.template is not None:
            arguments = fill(self.template, variable_values.coerced)
            if arguments is not None:  # one that is null, or left out, is graphql-core's business
                return arguments
        return get_argument_values(self.definition, node, variable_values, None, self.plan.hide_suggestions)

    def build_info(self, executor: BreadthFirstExecutor, path: Path) -> GraphQLResolveInfo[Any]:
        """Build the info that a resolver of this field is passed."""
        return executor.build_resolve_info(self.definition, self.nodes, self.parent_type, path)

    def _constant_arguments(self) -> dict[str, Any] | None:
        if any(_has_variable(argument.value) for argument in self.nodes[0].arguments or ()):
            return None
        try:
            arguments = self.coerce_arguments(VariableValues({}, {}))
        except Exception:  # noqa: BLE001  coerced again for every operation, where the error has a place
            return None
        return arguments if all(type(value) in _IMMUTABLE for value in arguments.values()) else None


class SelectionPlan:
    """The fields selected on objects of one type, in the order of the response.

    ``keys`` are their names in the response. ``attributes`` are the leafs among them that are taken from the sources,
    each with what takes its column; ``resolved`` are all the others.
    """

    __slots__ = ("attributes", "fields", "keys", "object_type", "resolved")

    def __init__(self, plan: Plan, object_type: GraphQLObjectType, grouped: GroupedFieldSet, path: Path | None) -> None:
        self.object_type = object_type
        fields = []
        for details in grouped.values():
            definition = plan.schema.get_field(object_type, details[0].node.name.value)
            if definition is not None:
                fields.append(FieldPlan(plan, object_type, definition, details, path))
        self.fields = tuple(fields)
        self.keys = tuple(field.response_name for field in fields)
        self.attributes: list[tuple[FieldPlan, Callable[[Sequence[Any]], Sequence[Any]], LeafShape]] = []
        self.resolved: list[FieldPlan] = []
        for field in fields:
            resolution = field.resolution
            take_column = column_taker(resolution, field.name)
            if take_column is not None and isinstance(field.shape, LeafShape):
                self.attributes.append((field, take_column, field.shape))
            else:
                self.resolved.append(field)
        plan.grow(len(fields))


class Plan:
    """An operation of a document under one choice of its @skip and @include conditions.

    ``size_bytes`` estimates the memory that the plan holds; it grows with the plan, and ``on_growth`` hears of it.
    """

    __slots__ = (
        "conditions",
        "fragments",
        "hide_suggestions",
        "on_growth",
        "operation",
        "root",
        "schema",
        "size_bytes",
    )

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        conditions: dict[str, bool],
        *,
        hide_suggestions: bool,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = fragments
        self.conditions = VariableValues({}, conditions)
        self.hide_suggestions = hide_suggestions
        self.size_bytes = 0
        self.on_growth: Callable[[int], None] | None = None
        root_type = cast("GraphQLObjectType", schema.get_root_type(operation.operation))
        collected = collect_fields(schema, fragments, self.conditions, root_type, operation, hide_suggestions)
        self.root = SelectionPlan(self, root_type, collected.grouped_field_set, None)

    def grow(self, fields_count: int) -> None:
        """Count fields that were added to the plan."""
        grown_bytes = fields_count * _FIELD_BYTES
        self.size_bytes += grown_bytes
        if self.on_growth is not None:
            self.on_growth(grown_bytes)


class Outline:
    """What must be known of an operation before it is planned, from one pass over its syntax.

    ``conditions`` are the variables that its @skip and @include directives read, ``fallback`` says why it cannot be
    planned at all, ``size_bytes`` estimates the memory of its syntax tree.
    """

    __slots__ = ("conditions", "fallback", "size_bytes")

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: dict[str, FragmentDetails]
    ) -> None:
        self.fallback: Fallback | None = None
        if schema.get_root_type(operation.operation) is None:
            self.fallback = Fallback.NOT_EXECUTABLE
        conditions: dict[str, None] = {}
        nodes_count = 0
        visited: set[str] = set()
        pending: list[SelectionSetNode] = [operation.selection_set]
        while pending:
            for selection in pending.pop().selections:
                nodes_count += 2 + len(selection.directives or ())
                self._read_directives(selection, conditions)
                if isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    fragment = fragments.get(name)
                    if fragment is not None and name not in visited:
                        visited.add(name)
                        pending.append(self._read_fragment(fragment.definition))
                elif isinstance(selection, (FieldNode, InlineFragmentNode)) and selection.selection_set:
                    nodes_count += 3 * len(getattr(selection, "arguments", None) or ())
                    pending.append(selection.selection_set)
        self.conditions = tuple(conditions)
        self.size_bytes = nodes_count * _NODE_BYTES

    def _read_fragment(self, definition: FragmentDefinitionNode) -> SelectionSetNode:
        if definition.variable_definitions:
            self.fallback = Fallback.FRAGMENT_VARIABLES
        return definition.selection_set

    def _read_directives(self, selection: Any, conditions: dict[str, None]) -> None:
        for directive in selection.directives or ():
            name = directive.name.value
            if name in (GraphQLDeferDirective.name, GraphQLStreamDirective.name):
                self.fallback = Fallback.INCREMENTAL_DELIVERY
            elif name in (GraphQLSkipDirective.name, GraphQLIncludeDirective.name):
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        conditions[argument.value.name.value] = None

    def choose(self, variable_values: VariableValues) -> dict[str, bool] | None:
        """Return the values that the conditions have in an operation, None if one of them is no boolean."""
        if not self.conditions:
            return {}
        coerced = variable_values.coerced
        values = {name: coerced.get(name) for name in self.conditions}
        chosen = {name: value for name, value in values.items() if isinstance(value, bool)}
        return chosen if len(chosen) == len(values) else None


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    children = getattr(node, "values", None) or [field.value for field in getattr(node, "fields", None) or ()]
    return any(_has_variable(child) for child in children)
