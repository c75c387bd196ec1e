"""Every place where a client can put a value, found in the published schema, with a request that is good but for it.

A field that is added to an input, or an argument to a field, is tried with all the bad values of its type by itself.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from tests.integration.school import School, unique
from tests.integration.sdl import SCHEMA, whole

Path = tuple[str | int, ...]

_CONNECTION: Final = "{ totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage } }"


class Slot(NamedTuple):
    """A place for a value.

    Attributes:
        field: the root field, or a field of the object that a root field gives: `student.courses`.
        path: which of the field's variables, and where in its value.
        type: the type that is expected there, with its wrappers.
    """

    field: str
    path: Path
    type: Any

    def __str__(self) -> str:
        return ".".join(map(str, (self.field, *self.path)))

    @property
    def name(self) -> str:
        """The name of the argument or input field; of an element of a list, the list's."""
        return next(part for part in reversed(self.path) if isinstance(part, str))

    @property
    def named_type(self) -> str:
        """The name of the type without its wrappers."""
        return str(get_named_type(self.type))

    @property
    def is_mutation(self) -> bool:
        """Whether the field changes anything when all is well."""
        return self.field in (SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {})

    @property
    def is_compared(self) -> bool:
        """Whether the value is what rows are compared with, not what they are to hold."""
        return "filter" in self.path


class Request(NamedTuple):
    """A document and its variables."""

    document: str
    variables: dict[str, Any]


def all_slots() -> list[Slot]:
    """Every slot of every argument of every field that takes any, inputs within inputs included."""
    return [
        slot
        for field, arguments in _fields_with_arguments().items()
        for name, argument in arguments.items()
        for slot in _within(field, (name,), argument.type, ())
    ]


def good_request(field: str, school: School) -> Request:
    """A request that succeeds, with every variable that is required."""
    if "." in field:
        parent, child = field.split(".")
        arguments = _fields_with_arguments()[field]
        declared = "".join(f", ${name}: {argument.type}" for name, argument in arguments.items())
        list_ = f"{child}{_passed(arguments)} {_CONNECTION}"
        document = f"query ($parent: ID!{declared}) {{ {parent}(id: $parent) {{ {list_} }} }}"
        return Request(document, {"parent": (school.ada if parent == "student" else school.open)["id"]})
    root = SCHEMA.mutation_type if SCHEMA.mutation_type and field in SCHEMA.mutation_type.fields else SCHEMA.query_type
    assert root is not None
    operation = "query" if root is SCHEMA.query_type else "mutation"
    definition = root.fields[field]
    declared = ", ".join(f"${name}: {argument.type}" for name, argument in definition.args.items())
    type_ = get_named_type(definition.type)
    is_connection = type_.name.endswith("Connection")
    selection = _CONNECTION if is_connection else whole(type_)
    return Request(
        f"{operation} ({declared}) {{ {field}{_passed(definition.args)} {selection} }}", _good_variables(field, school)
    )


def request_with(slot: Slot, value: Any, school: School) -> Request:
    """The good request, with this value in this place."""
    request = good_request(slot.field, school)
    variables = deepcopy(request.variables)
    place: Any = variables
    for part, following in zip(slot.path, slot.path[1:], strict=False):
        if isinstance(part, int):
            if len(place) <= part:
                place.append([] if isinstance(following, int) else {})
        elif part not in place:
            place[part] = [] if isinstance(following, int) else {}
        place = place[part]
    last = slot.path[-1]
    if isinstance(last, int):
        place[last:] = [value]
    else:
        place[last] = value
    _complete_orders(variables, slot)
    return Request(request.document, variables)


def _complete_orders(variables: dict[str, Any], slot: Slot) -> None:
    """An ordering's direction is nothing without its field."""
    if slot.path[0] == "orderBy" and slot.path[-1] == "direction":
        variables["orderBy"][0]["field"] = "CREATED_AT"


def _fields_with_arguments() -> dict[str, dict[str, GraphQLArgument]]:
    fields: dict[str, dict[str, GraphQLArgument]] = {}
    for root in (SCHEMA.query_type, SCHEMA.mutation_type):
        assert root is not None
        fields |= {name: field.args for name, field in root.fields.items() if field.args}
    for parent in ("student", "course"):
        type_ = SCHEMA.type_map[parent.capitalize()]
        assert isinstance(type_, GraphQLObjectType)
        fields |= {f"{parent}.{name}": field.args for name, field in type_.fields.items() if field.args}
    return fields


def _within(field: str, path: Path, type_: Any, inside: tuple[str, ...]) -> Iterator[Slot]:
    yield Slot(field, path, type_)
    inner = get_nullable_type(type_)
    if isinstance(inner, GraphQLList):
        yield from _within(field, (*path, 0), inner.of_type, inside)
    elif isinstance(inner, GraphQLInputObjectType) and inner.name not in inside:
        for name, input_field in inner.fields.items():
            yield from _within(field, (*path, name), input_field.type, (*inside, inner.name))


def _passed(arguments: dict[str, GraphQLArgument]) -> str:
    return f"({', '.join(f'{name}: ${name}' for name in arguments)})"


def _good_variables(field: str, school: School) -> dict[str, Any]:
    ada, bob, open_ = school.ada["id"], school.bob["id"], school.open["id"]
    pair = {"studentId": bob, "courseId": open_}
    return {
        "node": {"id": ada},
        "nodes": {"ids": [ada]},
        "student": {"id": ada},
        "course": {"id": open_},
        "createStudent": {"input": {"name": "Good"}},
        "updateStudent": {"input": {"id": ada, "name": "Good"}},
        "deleteStudent": {"input": {"id": ada}},
        "createCourse": {"input": {"code": unique("GOOD"), "title": "Good"}},
        "updateCourse": {"input": {"id": open_, "title": "Good"}},
        "deleteCourse": {"input": {"id": open_}},
        "assignCourse": {"input": pair},
        "unassignCourse": {"input": {"studentId": ada, "courseId": school.full["id"]}},
        "assignCourses": {"input": {"assignments": [pair]}},
    }.get(field, {})


def is_list(type_: Any) -> bool:
    """Whether a list is expected; a value that is none is taken for its only element."""
    return isinstance(get_nullable_type(type_), GraphQLList)


def is_required(type_: Any) -> bool:
    """Whether null is refused there by the schema."""
    return isinstance(type_, GraphQLNonNull)


def is_enum(slot: Slot) -> bool:
    """Whether one of a few names is expected."""
    return isinstance(get_named_type(slot.type), GraphQLEnumType)


def is_input_object(slot: Slot) -> bool:
    """Whether an object is expected."""
    return isinstance(get_named_type(slot.type), GraphQLInputObjectType)
