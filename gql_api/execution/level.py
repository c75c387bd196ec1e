"""What an execution works on: levels of objects, and the columns of values that their fields have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql.pyutils import Path

    from gql_api.execution.operation import Operation
    from gql_api.execution.plan import FieldPlan, SelectionPlan


class Raised(NamedTuple):
    """An exception in the place of the value that it prevented, until nulls are propagated."""

    error: Exception


def kinds_of(values: Sequence[Any]) -> set[type]:
    """Return the distinct classes of values; the usual column of a small operation has one value, and needs no map."""
    return {type(values[0])} if len(values) == 1 else set(map(type, values))


class Level:
    """All objects that one selection applies to: their sources, and the dicts that become their results.

    ``column`` is the parents' field that these objects came from, None for the root. ``paths`` are the objects'
    places in the response, None until somebody asks for them (see ``location``).
    """

    __slots__ = ("column", "paths", "results", "selection", "sources")

    def __init__(
        self, selection: SelectionPlan, sources: Sequence[Any], results: list[dict[str, Any]], column: Column | None
    ) -> None:
        self.selection = selection
        self.sources = sources
        self.results = results
        self.column = column
        self.paths: list[Path | None] | None = None


class Column:
    """The values of one field for all objects of a level; ``completed`` is what they became in the response."""

    __slots__ = ("completed", "field", "level", "operation")

    def __init__(self, operation: Operation, field: FieldPlan, level: Level) -> None:
        self.operation = operation
        self.field = field
        self.level = level
        self.completed: Sequence[Any] = []

    def put(self, completed: Sequence[Any]) -> None:
        """Write the completed values into the results of their objects."""
        self.completed = completed
        name = self.field.response_name
        if len(completed) == 1:
            self.level.results[0][name] = completed[0]
            return
        for result, value in zip(self.level.results, completed, strict=True):
            result[name] = value
