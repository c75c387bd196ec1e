"""An ordering as ORDER BY, a place in it as WHERE.

NULL counts as greater than every value: last when ascending, first when descending. That is PostgreSQL's default (its
indexes serve it as they are); SQLite is told so. Where no index can be entered, a list is read in parts (`Part`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    UnaryExpression,
    and_,
    bindparam,
    false,
    or_,
    true,
    tuple_,
)

from gql_api.pagination.ordering import Ordering, OrderKey


class Part(Enum):
    """Some rows of a list, by its first key.

    No database enters an index at "greater than this, or NULL": a list whose first key can be NULL has two parts, WITH
    and WITHOUT a value. SQLite enters no index in midst of rows that are equal in the first key, as thousands are after
    an import: from a place on, a list has two parts, the rows EQUAL to it in that key and those BEYOND.
    """

    WITH_VALUE = auto()
    WITHOUT_VALUE = auto()
    EQUAL = auto()
    BEYOND = auto()


def order_by(
    ordering: Ordering,
    columns: Mapping[str, ColumnElement[object]],
    *,
    backward: bool = False,
    part: Part | None = None,
) -> list[UnaryExpression[object]]:
    """The ORDER BY terms of an ordering, or of its reverse; of one part of the list, or of all."""
    keys = ordering.keys
    if part in {Part.WITHOUT_VALUE, Part.EQUAL}:
        keys = keys[1:]
    elif part is Part.WITH_VALUE:
        keys = (keys[0]._replace(nullable=False), *keys[1:])
    return [_direction(columns[key.name], key, descending=key.descending != backward) for key in keys]


def _direction(column: ColumnElement[object], key: OrderKey, *, descending: bool) -> UnaryExpression[object]:
    term = column.desc() if descending else column.asc()
    if not key.nullable:
        return term
    return term.nulls_first() if descending else term.nulls_last()


def seek(
    ordering: Ordering,
    columns: Mapping[str, ColumnElement[object]],
    nulls: Sequence[bool],
    *,
    name: str,
    backward: bool = False,
    inclusive: bool = False,
    part: Part | None = None,
) -> ColumnElement[bool]:
    """The rows behind a place (`backward`: before it; `inclusive`: and the one at it), in a part of the list or in all.

    The place's values are bound as `<name>_0`, `<name>_1`, … when the statement runs; `nulls` tells which of them are
    NULL, since that changes the condition's shape. Every shape bounds the first key by itself where it can, so that an
    index over it is entered at the place rather than read from its beginning.
    """
    terms = [
        _Term(columns[key.name], _value(f"{name}_{i}", columns[key.name]), null, key, key.descending != backward)
        for i, (key, null) in enumerate(zip(ordering.keys, nulls, strict=True))
    ]
    if part is None:
        return _behind(terms, inclusive=inclusive)
    first, *rest = terms
    if part is Part.BEYOND:
        return first.beyond(inclusive=False)
    behind = _behind(rest, inclusive=inclusive)
    return and_(first.column == first.value, behind) if part is Part.EQUAL else first.then_within(part, behind)


def _behind(terms: Sequence[_Term], *, inclusive: bool) -> ColumnElement[bool]:
    first, *rest = terms
    if not rest:
        return first.beyond(inclusive=inclusive)
    if len({term.descending for term in terms}) == 1 and not any(term.key.nullable for term in terms):
        # One comparison of row values, which PostgreSQL answers from an index over the keys.
        row, place = tuple_(*(term.column for term in terms)), tuple_(*(term.value for term in terms))
        return _beyond(row, place, descending=first.descending, inclusive=inclusive)
    return first.then(_behind(rest, inclusive=inclusive))


class _Term(NamedTuple):
    """One key of an ordering at one place; `descending` in the direction of reading."""

    column: ColumnElement[object]
    value: ColumnElement[object]
    null: bool
    key: OrderKey
    descending: bool

    def beyond(self, *, inclusive: bool) -> ColumnElement[bool]:
        """The rows whose value is beyond the place's, or (`inclusive`) the same."""
        return _beyond(self.column, self.value, descending=self.descending, inclusive=inclusive)

    def then(self, rest: ColumnElement[bool]) -> ColumnElement[bool]:
        """The rows that are beyond the place by this key, or equal to it and beyond by the rest of the keys."""
        if self.null:
            equal = and_(self.column.is_(None), rest)
            return or_(self.column.is_not(None), equal) if self.descending else equal
        condition = self._then_by_value(rest)
        return or_(condition, self.column.is_(None)) if self.key.nullable and not self.descending else condition

    def then_within(self, part: Part, rest: ColumnElement[bool]) -> ColumnElement[bool]:
        """The same among rows of which it is known whether they have a value."""
        if self.null is (part is Part.WITHOUT_VALUE):
            return rest if self.null else self._then_by_value(rest)
        return true() if self.null is self.descending else false()

    def _then_by_value(self, rest: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(self.beyond(inclusive=True), or_(self.beyond(inclusive=False), rest))


def _value(name: str, column: ColumnElement[object]) -> ColumnElement[object]:
    # A cursor may hold any 64-bit integer, also for a column that is narrower.
    return bindparam(name, type_=BigInteger() if isinstance(column.type, Integer) else column.type)


def _beyond(
    column: ColumnElement[Any], value: ColumnElement[Any], *, descending: bool, inclusive: bool
) -> ColumnElement[bool]:
    if descending:
        return column <= value if inclusive else column < value
    return column >= value if inclusive else column > value
