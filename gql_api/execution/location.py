"""Where in the response a value stands: nothing keeps paths, they are rebuilt from the results when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql.pyutils import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gql_api.execution.level import Level
    from gql_api.execution.plan import FieldPlan


def field_paths(level: Level, field: FieldPlan) -> list[Path]:
    """Return the response path of one field of a level for every object of it, in order."""
    name, type_name = field.response_name, field.parent_type.name
    return [Path(path, name, type_name) for path in level_paths(level)]


def level_paths(level: Level) -> list[Path | None]:
    """Return the response path of every object of a level, in order.

    The parents' completed values hold the very dicts that the level fills, so one walk over them tells where each
    stands. Kept on the level, as every field of it may ask.
    """
    if level.paths is None:
        column = level.column
        if column is None:
            level.paths = [None]
        else:
            places = {
                id(result): place
                for value, path in zip(column.completed, field_paths(column.level, column.field), strict=True)
                for result, place in _places(value, path)
            }
            level.paths = [places[id(result)] for result in level.results]
    return level.paths


def _places(value: Any, path: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    if type(value) is dict:
        yield value, path
    elif type(value) is list:
        for index, item in enumerate(value):
            yield from _places(item, path.add_key(index))
