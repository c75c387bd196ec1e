"""Random orderings, filters and pages, each in two forms: as the program takes it, and as the model does."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from gql_api.database.conditions import AllOf, AnyOf, Comparison, Condition, Not, Operator
from gql_api.database.statements import Listing
from gql_api.pagination import KeyKind, Ordering, OrderKey
from tests.database.list_model import Filter, Key, Row
from tests.database.school import moments, texts

KEYS = {
    key.name: key
    for key in (
        OrderKey("id", KeyKind.INTEGER),
        OrderKey("name", KeyKind.TEXT),
        OrderKey("email", KeyKind.TEXT, nullable=True),
        OrderKey("code", KeyKind.TEXT),
        OrderKey("title", KeyKind.TEXT),
        OrderKey("credits", KeyKind.INTEGER, nullable=True),
        OrderKey("created_at", KeyKind.TIME),
        OrderKey("assigned_at", KeyKind.TIME),
    )
}

_STUDENT_KEYS = ("name", "email", "created_at")
_COURSE_KEYS = ("code", "title", "credits", "created_at")

KEY_NAMES = {
    Listing.STUDENTS: _STUDENT_KEYS,
    Listing.COURSES: _COURSE_KEYS,
    Listing.COURSES_OF_STUDENT: (*_COURSE_KEYS, "assigned_at"),
    Listing.STUDENTS_OF_COURSE: (*_STUDENT_KEYS, "assigned_at"),
}

_TEXT = {"eq", "in", "contains", "startsWith"}
_ID = {"eq", "in"}
_NUMBER = {"eq", "in", "gt", "gte", "lt", "lte"}

_STUDENT_FILTERS = {"name": _TEXT, "email": _TEXT, "sourced_id": _ID, "created_at": _NUMBER}
_COURSE_FILTERS = {
    "code": _TEXT,
    "title": _TEXT,
    "credits": _NUMBER,
    "capacity": _NUMBER,
    "sourced_id": _ID,
    "created_at": _NUMBER,
}
FILTERS = {
    Listing.STUDENTS: _STUDENT_FILTERS,
    Listing.COURSES: _COURSE_FILTERS,
    Listing.COURSES_OF_STUDENT: _COURSE_FILTERS,
    Listing.STUDENTS_OF_COURSE: _STUDENT_FILTERS,
}
NULLABLE = {"email", "sourced_id", "credits", "capacity"}

_numbers = st.sampled_from([0, 1, 2, 5, 40, 2**31 - 1, -(2**31)])

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": texts,
    "email": texts,
    "code": texts,
    "title": texts,
    "sourced_id": texts,
    "credits": _numbers,
    "capacity": _numbers,
    "created_at": moments,
    "assigned_at": moments,
    "id": st.integers(0, 41) | st.sampled_from([2**40, -(2**63), 2**63 - 1]),
}


@cache
def orders(listing: Listing) -> st.SearchStrategy[list[Key]]:
    """Some of the list's keys and then the id, each in a direction."""
    keys = st.tuples(st.sampled_from(KEY_NAMES[listing]), st.booleans())
    some = st.lists(keys, unique_by=lambda key: key[0], max_size=3)
    return st.builds(lambda keys, descending: [*keys, ("id", descending)], some, st.booleans())


def ordering(listing: Listing, keys: Sequence[Key]) -> Ordering:
    """The same as the program takes it."""
    return Ordering(listing.label, tuple(KEYS[name]._replace(descending=descending) for name, descending in keys))


@st.composite
def places(draw: st.DrawFn, rows: Sequence[Row], keys: Sequence[Key]) -> Row | None:
    """Nowhere, at a row, or somewhere between rows."""
    kind = draw(st.sampled_from(["nowhere", "row", "between"]))
    if kind == "nowhere":
        return None
    if kind == "row" and rows:
        return draw(st.sampled_from(rows))
    return {name: draw(VALUES[name] | st.none() if name in NULLABLE else VALUES[name]) for name, _ in keys}


def values(place: Row | None, keys: Sequence[Key]) -> tuple[Any, ...] | None:
    """A place as the program takes it."""
    return None if place is None else tuple(place[name] for name, _ in keys)


@cache
@st.composite
def comparisons(draw: st.DrawFn, listing: Listing) -> Filter:
    name = draw(st.sampled_from(sorted(FILTERS[listing])))
    operator = draw(st.sampled_from(sorted(FILTERS[listing][name])))
    if operator == "in":
        return {name: {operator: draw(st.lists(VALUES[name], max_size=3))}}
    if operator in {"contains", "startsWith"}:
        return {name: {operator: draw(texts | st.just("") | st.sampled_from(["a", "É", "\u03c3", "%", "_", "\\"]))}}
    operand = VALUES[name] | st.none() if operator == "eq" else VALUES[name]
    return {name: {operator: draw(operand)}}


@cache
def filters(listing: Listing) -> st.SearchStrategy[Filter]:
    """Comparisons under `and`, `or` and `not`, also of none."""

    def combine(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        parts = st.lists(inner, max_size=3)
        return parts.map(lambda some: {"and": some}) | parts.map(lambda some: {"or": some}) | inner.map(_not)

    return st.recursive(comparisons(listing), combine, max_leaves=4)


def _not(filter_: Filter) -> Filter:
    return {"not": filter_}


def condition(filter_: Filter) -> Condition:
    """A filter as the program takes it."""
    parts: list[Condition] = []
    for name, given in filter_.items():
        match name:
            case "and":
                parts.append(AllOf(tuple(map(condition, given))))
            case "or":
                parts.append(AnyOf(tuple(map(condition, given))))
            case "not":
                parts.append(Not(condition(given)))
            case _:
                parts += [Comparison(name, Operator(operator), _frozen(operand)) for operator, operand in given.items()]
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _frozen(operand: Any) -> Any:
    return tuple(operand) if isinstance(operand, list) else operand
