"""Errors and the nulls they cause (spec §6.4.4, "Handling Execution Errors"), worked out in one pass over the results.

The pass runs only when something failed. It visits the results in the order of the response, as an executor that goes
depth first would complete them: where a null travels up from a non-null position, what stands after it is not visited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, located_error
from graphql.execution.executor import SELECTIONS_NESTED_TOO_DEEPLY

from gql_api.execution.level import Raised
from gql_api.execution.shape import LeafShape, ListShape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gql_api.execution.level import Level
    from gql_api.execution.plan import FieldPlan, SelectionPlan
    from gql_api.execution.shape import Shape


class _Travels(Exception):
    """A null on its way up, with the error that caused it."""

    def __init__(self, error: GraphQLError) -> None:
        self.error = error


class Propagation:
    """One pass over the results of the levels executed so far.

    Args:
        levels: All levels executed so far, the root first.
        nulls_travel: False leaves a null where it is, even where the type forbids it.
    """

    def __init__(self, levels: Iterable[Level], *, nulls_travel: bool) -> None:
        self.errors: list[GraphQLError] = []
        self._nulls_travel = nulls_travel
        self._selections: dict[int, SelectionPlan] = {
            id(result): level.selection for level in levels for result in level.results
        }
        self._path: list[str | int] = []

    def run(self, data: dict[str, Any], fields: Iterable[FieldPlan]) -> bool:
        """Replace what failed below some fields of the root by nulls, and collect the errors with their paths.

        Returns:
            Whether the root survives; False if a null travelled all the way up.
        """
        try:
            self._visit_fields(data, fields)
        except _Travels as null:
            self.errors.append(null.error)
            return False
        except RecursionError:
            # Validation bounds the depth of selections; only a document that skipped it gets here.
            self.errors.append(GraphQLError(SELECTIONS_NESTED_TOO_DEEPLY))
            return False
        return True

    def is_lost(self, data: dict[str, Any], fields: Iterable[FieldPlan]) -> bool:
        """Tell whether a null will travel all the way up through some fields, whatever is still to come in them."""
        if not self._nulls_travel:
            return False
        try:
            return any(self._is_lost(data[field.response_name], field.shape) for field in fields)
        except RecursionError:
            return False

    def _is_lost(self, value: Any, shape: Shape) -> bool:
        if not shape.non_null or isinstance(value, Raised):
            return shape.non_null
        if value is None or isinstance(shape, LeafShape):
            return False
        if isinstance(shape, ListShape):
            return any(self._is_lost(item, shape.item) for item in value)
        return self.is_lost(value, self._selections[id(value)].fields)

    def _visit_fields(self, result: dict[str, Any], fields: Iterable[FieldPlan]) -> None:
        for field in fields:
            name = field.response_name
            self._path.append(name)
            result[name] = self._visit(result[name], field.shape, field)
            self._path.pop()

    def _visit(self, value: Any, shape: Shape, field: FieldPlan) -> Any:
        depth = len(self._path)
        try:
            if type(value) is Raised:
                raise _Travels(located_error(value.error, field.nodes, list(self._path)))  # noqa: TRY301  to itself
            if value is None or isinstance(shape, LeafShape):
                return value
            if isinstance(shape, ListShape):
                for index, item in enumerate(value):
                    self._path.append(index)
                    value[index] = self._visit(item, shape.item, field)
                    self._path.pop()
            else:
                self._visit_fields(value, self._selections[id(value)].fields)
        except _Travels as null:
            del self._path[depth:]
            if shape.non_null and self._nulls_travel:
                raise
            self.errors.append(null.error)
            return None
        return value
