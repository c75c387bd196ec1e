"""Filters and orderings: what clients may pass, and what it means to the database."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, Final, Optional

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gql_api.database.conditions import AllOf, AnyOf, Comparison, Condition, Not, Operator
from gql_api.database.statements import ASSIGNED_AT, Listing
from gql_api.errors import BadUserInput
from gql_api.pagination import KeyKind, Ordering, OrderKey

TEXT_LENGTH_MAX: Final = 255
"""Characters of a text to compare with: no stored text is longer."""

ELEMENTS_MAX: Final = 500
"""Elements of an `in` list."""

COMPARISONS_MAX: Final = 50
"""Comparisons in one filter."""

FILTERS_MAX: Final = 100
"""Filters combined in one, those included that compare nothing: each is a part of the statement."""

DEPTH_MAX: Final = 8
"""Levels of `and`, `or` and `not` inside each other."""


@strawberry.input(description="Conditions on a text. All that are given must hold.")
class StringFilter:
    """Conditions on a text."""

    eq: str | None = strawberry.field(default=strawberry.UNSET, description="Is exactly this; null: has no value.")
    in_: list[str] | None = strawberry.field(
        name="in",
        default=strawberry.UNSET,
        description="Is exactly one of these; at most 500, of none: matches nothing.",
    )
    contains: str | None = strawberry.field(
        default=strawberry.UNSET, description="Contains this, whether in upper or lower case."
    )
    starts_with: str | None = strawberry.field(
        default=strawberry.UNSET, description="Begins with this, whether in upper or lower case."
    )


@strawberry.input(description="Conditions on an identifier. All that are given must hold.")
class IdFilter:
    """Conditions on an identifier."""

    eq: str | None = strawberry.field(default=strawberry.UNSET, description="Is exactly this; null: has none.")
    in_: list[str] | None = strawberry.field(
        name="in",
        default=strawberry.UNSET,
        description="Is exactly one of these; at most 500, of none: matches nothing.",
    )


@strawberry.input(description="Conditions on a number. All that are given must hold.")
class IntFilter:
    """Conditions on a number."""

    eq: int | None = strawberry.field(default=strawberry.UNSET, description="Is this number; null: has no value.")
    in_: list[int] | None = strawberry.field(
        name="in", default=strawberry.UNSET, description="Is one of these; at most 500, of none: matches nothing."
    )
    gt: int | None = strawberry.field(default=strawberry.UNSET, description="Is greater than this.")
    gte: int | None = strawberry.field(default=strawberry.UNSET, description="Is this or greater.")
    lt: int | None = strawberry.field(default=strawberry.UNSET, description="Is less than this.")
    lte: int | None = strawberry.field(default=strawberry.UNSET, description="Is this or less.")


@strawberry.input(description="Conditions on a point in time. All that are given must hold.")
class DateTimeFilter:
    """Conditions on a point in time."""

    eq: datetime | None = strawberry.field(default=strawberry.UNSET, description="Is this moment; null: has none.")
    in_: list[datetime] | None = strawberry.field(
        name="in",
        default=strawberry.UNSET,
        description="Is one of these moments; at most 500, of none: matches nothing.",
    )
    gt: datetime | None = strawberry.field(default=strawberry.UNSET, description="Is later than this.")
    gte: datetime | None = strawberry.field(default=strawberry.UNSET, description="Is this moment or later.")
    lt: datetime | None = strawberry.field(default=strawberry.UNSET, description="Is earlier than this.")
    lte: datetime | None = strawberry.field(default=strawberry.UNSET, description="Is this moment or earlier.")


_LOGIC: Final = (
    "All conditions that are given must hold; `and`, `or` and `not` combine further filters, "
    "at most 8 levels deep, with at most 100 filters and 50 comparisons in all. "
    "A field that is null or left out is no condition."
)


def _comparing(what: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=f"Conditions on {what}.")


@strawberry.input(description=f"Which students to list. {_LOGIC}")
class StudentFilter:
    """Which students to list."""

    name: StringFilter | None = _comparing("the name")
    email: StringFilter | None = _comparing("the e-mail address")
    sourced_id: IdFilter | None = _comparing("the `sourcedId`")
    created_at: DateTimeFilter | None = _comparing("the time at which the record was made")
    and_: list["StudentFilter"] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold; of none: true."
    )
    or_: list["StudentFilter"] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="At least one of these holds; of none: false."
    )
    not_: Optional["StudentFilter"] = strawberry.field(
        name="not", default=strawberry.UNSET, description="This does not hold; rows without a value count as not equal."
    )


@strawberry.input(description=f"Which courses to list. {_LOGIC}")
class CourseFilter:
    """Which courses to list."""

    code: StringFilter | None = _comparing("the code")
    title: StringFilter | None = _comparing("the title")
    credits: IntFilter | None = _comparing("the credits")
    capacity: IntFilter | None = _comparing("the number of seats")
    sourced_id: IdFilter | None = _comparing("the `sourcedId`")
    created_at: DateTimeFilter | None = _comparing("the time at which the record was made")
    and_: list["CourseFilter"] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold; of none: true."
    )
    or_: list["CourseFilter"] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="At least one of these holds; of none: false."
    )
    not_: Optional["CourseFilter"] = strawberry.field(
        name="not", default=strawberry.UNSET, description="This does not hold; rows without a value count as not equal."
    )


_OPERATORS: Final = {
    "eq": Operator.EQ,
    "in_": Operator.IN,
    "contains": Operator.CONTAINS,
    "starts_with": Operator.STARTS_WITH,
    "gt": Operator.GT,
    "gte": Operator.GTE,
    "lt": Operator.LT,
    "lte": Operator.LTE,
}


def condition_of(filter_: StudentFilter | CourseFilter | None) -> Condition | None:
    """What a filter means to the database; None where it excludes nothing.

    Raises:
        BadUserInput: a text is too long or holds a NUL character or half a surrogate pair, a list is too long, or the
            filter is too deep or too large.
    """
    if filter_ is None:
        return None
    condition = _all_of(filter_, depth=1)
    if _comparisons(condition) > COMPARISONS_MAX:
        raise BadUserInput(f"`filter` makes more than {COMPARISONS_MAX} comparisons.")
    if _filters(condition) > FILTERS_MAX:
        raise BadUserInput(f"`filter` combines more than {FILTERS_MAX} filters.")
    return condition if condition.conditions else None


def _all_of(filter_: Any, *, depth: int) -> AllOf:
    if depth > DEPTH_MAX:
        raise BadUserInput(f"`filter` is more than {DEPTH_MAX} levels deep.")
    conditions: list[Condition] = []
    for field in fields(filter_):
        given = getattr(filter_, field.name)
        if given is None or given is strawberry.UNSET:
            continue
        match field.name:
            case "and_":
                conditions.append(AllOf(tuple(_all_of(part, depth=depth + 1) for part in given)))
            case "or_":
                conditions.append(AnyOf(tuple(_all_of(part, depth=depth + 1) for part in given)))
            case "not_":
                conditions.append(Not(_all_of(given, depth=depth + 1)))
            case column:
                conditions.extend(_compared(column, given))
    return AllOf(tuple(conditions))


def _compared(column: str, given: Any) -> Iterable[Comparison]:
    for field in fields(given):
        value = getattr(given, field.name)
        operator = _OPERATORS[field.name]
        if value is strawberry.UNSET or (value is None and operator is not Operator.EQ):
            continue
        yield Comparison(column, operator, _checked(value, at=f"filter.{to_camel_case(column)}.{operator.value}"))


def _checked(value: Any, *, at: str) -> Any:
    if isinstance(value, list):
        if len(value) > ELEMENTS_MAX:
            raise BadUserInput(f"`{at}` lists {len(value)} values; at most {ELEMENTS_MAX} are allowed.")
        return tuple(_checked(element, at=at) for element in value)
    if isinstance(value, str):
        if len(value) > TEXT_LENGTH_MAX:
            raise BadUserInput(f"`{at}` is a text of {len(value)} characters; at most {TEXT_LENGTH_MAX} are allowed.")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise BadUserInput(f"`{at}` holds U+0000 or half a surrogate pair, which no text of a record does.")
    return value


def _comparisons(condition: Condition) -> int:
    match condition:
        case Comparison():
            return 1
        case Not(inner):
            return _comparisons(inner)
        case AllOf(inner) | AnyOf(inner):
            return sum(map(_comparisons, inner))


def _filters(condition: Condition) -> int:
    match condition:
        case Comparison():
            return 0
        case Not(inner):
            return _filters(inner)
        case AllOf(inner) | AnyOf(inner):
            return sum(1 + _filters(part) for part in inner if not isinstance(part, Comparison))


@strawberry.enum(description="The direction of an ordering.")
class OrderDirection(Enum):
    """The direction of an ordering."""

    ASC = strawberry.enum_value("ASC", description="Smallest, earliest or first by code point first; no value last.")
    DESC = strawberry.enum_value("DESC", description="Largest, latest or last by code point first; no value first.")


@strawberry.enum(description="What students can be ordered by.")
class StudentOrderField(Enum):
    """What students can be ordered by; the values are columns."""

    NAME = strawberry.enum_value("name", description="The name, by code point: upper case before lower case.")
    EMAIL = strawberry.enum_value("email", description="The e-mail address, by code point.")
    CREATED_AT = strawberry.enum_value("created_at", description="When the record was made.")
    ASSIGNED_AT = strawberry.enum_value(
        ASSIGNED_AT, description="When the student was assigned to the course; only inside `Course.students`."
    )


@strawberry.enum(description="What courses can be ordered by.")
class CourseOrderField(Enum):
    """What courses can be ordered by; the values are columns."""

    CODE = strawberry.enum_value("code", description="The code, by code point.")
    TITLE = strawberry.enum_value("title", description="The title, by code point: upper case before lower case.")
    CREDITS = strawberry.enum_value("credits", description="The credits.")
    CREATED_AT = strawberry.enum_value("created_at", description="When the record was made.")
    ASSIGNED_AT = strawberry.enum_value(
        ASSIGNED_AT, description="When the student was assigned to the course; only inside `Student.courses`."
    )


_DIRECTION: Final = "Whether to begin with the smallest or with the largest."

_TIES: Final = "Ties are broken by id, in the direction of the last key."


@strawberry.input(description=f"One key of an ordering of students. {_TIES}")
class StudentOrder:
    """One key of an ordering of students."""

    field: StudentOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description=_DIRECTION)


@strawberry.input(description=f"One key of an ordering of courses. {_TIES}")
class CourseOrder:
    """One key of an ordering of courses."""

    field: CourseOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description=_DIRECTION)


_ID_KEY: Final = OrderKey("id", KeyKind.INTEGER)

_KEYS: Final = {
    key.name: key
    for key in (
        OrderKey("name", KeyKind.TEXT),
        OrderKey("email", KeyKind.TEXT, nullable=True),
        OrderKey("code", KeyKind.TEXT),
        OrderKey("title", KeyKind.TEXT),
        OrderKey("credits", KeyKind.INTEGER, nullable=True),
        OrderKey("created_at", KeyKind.TIME),
        OrderKey(ASSIGNED_AT, KeyKind.TIME),
    )
}


def ordering_of(listing: Listing, order_by: Sequence[StudentOrder | CourseOrder] | None) -> Ordering:
    """The total order that a list is wanted in: as given, then by id.

    The id runs in the direction of the last key: an index over both then serves either direction without sorting, also
    where thousands of rows are equal, as after an import.

    Raises:
        BadUserInput: a key is named twice, or ASSIGNED_AT is wanted where nothing is assigned.
    """
    names = [order.field.value for order in order_by or ()]
    if len(set(names)) < len(names):
        raise BadUserInput("`orderBy` names a field twice.")
    if ASSIGNED_AT in names and listing.parent is None:
        raise BadUserInput(
            f"`orderBy` ASSIGNED_AT is possible inside Student.courses and Course.students, not in {listing.label}."
        )
    keys = [
        _KEYS[name]._replace(descending=order.direction is OrderDirection.DESC)
        for name, order in zip(names, order_by or (), strict=True)
    ]
    descending = bool(keys) and keys[-1].descending
    return Ordering(listing.label, (*keys, _ID_KEY._replace(descending=descending)))
