"""Errors and the nulls they cause (spec §6.4.4, "Handling Execution Errors"), worked out in one pass over the results.

The pass runs only when something failed. It visits the results in the order of the response, as an executor that goes
depth first would complete them: where a null travels up from a non-null position, what stands after it is not visited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import located_error

from gql_api.execution.level import Raised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError

    from gql_api.execution.level import Level
    from gql_api.execution.plan import FieldPlan, SelectionPlan, Shape


def propagate(
    root: Level, fields: Sequence[FieldPlan], levels: list[Level], errors: list[GraphQLError], *, nulls_travel: bool
) -> bool:
    """Replace what failed below some root fields by nulls, and collect the errors with their paths.

    Args:
        root: The level of the root value.
        fields: The root fields to look at.
        levels: All levels executed so far.
        errors: Gets the errors, in the order of the response.
        nulls_travel: False leaves a null even where the type forbids it.

    Returns:
        Whether the root object survives; False if a null travelled all the way up.
    """
    return _Pass(levels, errors, nulls_travel=nulls_travel).run(root.results[0], fields)


class _Travels(Exception):
    """A null on its way up, with the error that caused it."""

    def __init__(self, error: GraphQLError) -> None:
        self.error = error


class _Pass:
    def __init__(self, levels: list[Level], errors: list[GraphQLError], *, nulls_travel: bool) -> None:
        self._errors = errors
        self._nulls_travel = nulls_travel
        self._selections: dict[int, SelectionPlan] = {
            id(result): level.selection for level in levels for result in level.results
        }
        self._path: list[str | int] = []

    def run(self, result: dict[str, Any], fields: Sequence[FieldPlan]) -> bool:
        try:
            self._visit_fields(result, fields)
        except _Travels as null:
            self._errors.append(null.error)
            return False
        return True

    def _visit_fields(self, result: dict[str, Any], fields: Sequence[FieldPlan]) -> None:
        for field in fields:
            name = field.response_name
            self._path.append(name)
            result[name] = self._visit(result[name], field.shape, field)
            self._path.pop()

    def _visit(self, value: Any, shape: Shape, field: FieldPlan) -> Any:
        try:
            if type(value) is Raised:
                raise _Travels(located_error(value.error, field.nodes, list(self._path)))
            if value is None or shape.leaf is not None:
                return value
            if shape.item is not None:
                for index, item in enumerate(value):
                    self._path.append(index)
                    value[index] = self._visit(item, shape.item, field)
                    self._path.pop()
            else:
                self._visit_fields(value, self._selections[id(value)].fields)
        except _Travels as null:
            if shape.non_null and self._nulls_travel:
                raise
            self._errors.append(null.error)
            return None
        return value
