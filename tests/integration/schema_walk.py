"""The schema, walked: every path from a root to a leaf, and the documents that go all of them."""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from graphql import (
    GraphQLNamedType,
    GraphQLObjectType,
    build_client_schema,
    get_named_type,
    introspection_from_schema,
    is_abstract_type,
    is_leaf_type,
)

from gql_api.schema.documents import core_schema
from tests.schema.api import SCHEMA as PROGRAM

Path: TypeAlias = tuple[str, ...]
"""The fields from the root to a leaf, each as `Type.field`, with the type that the object really is of."""

SCHEMA: Final = build_client_schema(introspection_from_schema(core_schema(PROGRAM)))
"""What introspection tells of the program, and nothing else."""

LEVELS_MAX: Final = 9
"""Fields on a path: from a student to the students of one of their courses, and once more around."""


def fields() -> Iterator[str]:
    """Every field of every object type."""
    for name, type_ in SCHEMA.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            yield from (f"{name}.{field}" for field in type_.fields)


def paths(root: GraphQLNamedType | None, levels: int = LEVELS_MAX) -> Iterator[Path]:
    """Every path to a leaf that is at most so many fields long."""
    for object_type in _object_types(root):
        for name, field in object_type.fields.items():
            step = f"{object_type.name}.{name}"
            if is_leaf_type(get_named_type(field.type)):
                yield (step,)
            elif levels > 1:
                yield from ((step, *rest) for rest in paths(get_named_type(field.type), levels - 1))


def selection(type_name: str, levels: int) -> str:
    """Selects whatever such paths select of a type."""
    return _selection(SCHEMA.type_map[type_name], levels)


def type_of(root_field: str) -> str:
    """The name of the type of a field that is named `Type.field`, whatever is around it."""
    type_name, name = root_field.split(".")
    type_ = SCHEMA.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    return str(get_named_type(type_.fields[name].type))


def values_at(value: Any, path: Path) -> Iterator[Any]:
    """The values that an answer has at the end of a path; lists are gone through."""
    if isinstance(value, list):
        for item in value:
            yield from values_at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        type_name, name = path[0].split(".")
        if value.get("__typename", type_name) == type_name and name in value:
            yield from values_at(value[name], path[1:])


def _object_types(type_: Any) -> list[GraphQLObjectType]:
    return list(SCHEMA.get_possible_types(type_)) if is_abstract_type(type_) else [type_]


def _selection(type_: Any, levels: int) -> str:
    parts = [_fields(object_type, levels) for object_type in _object_types(type_)]
    if not is_abstract_type(type_):
        return f"{{ {parts[0]} }}"
    names = (object_type.name for object_type in _object_types(type_))
    fragments = (f"... on {name} {{ {part} }}" for name, part in zip(names, parts, strict=True) if part)
    return f"{{ __typename {' '.join(fragments)} }}"


def _fields(object_type: GraphQLObjectType, levels: int) -> str:
    selected = []
    for name, field in object_type.fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            selected.append(name)
        elif levels > 1 and any(True for _ in paths(inner, levels - 1)):
            selected.append(f"{name} {_selection(inner, levels - 1)}")
    return " ".join(selected)
