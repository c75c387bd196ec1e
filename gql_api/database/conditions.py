"""Filters as data: a tree of comparisons, split into its shape (which makes the statement) and its values."""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    and_,
    any_,
    bindparam,
    column,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

ESCAPE = "\\"


class Operator(Enum):
    """How a column is compared; texts are compared exactly except by CONTAINS and STARTS_WITH, which ignore case."""

    EQ = "eq"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "startsWith"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


# No named tuples: those compare as tuples, so that "all of these" would equal "any of these", and a compiled statement
# be found under the other's shape.
@dataclass(frozen=True, slots=True)
class Comparison:
    """One column against one value; EQ with None asks for NULL, IN takes a list."""

    column: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where all conditions are; of none: true."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where at least one condition is; of none: false."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the condition is not, also where it compares with NULL."""

    condition: Condition


Condition: TypeAlias = Comparison | AllOf | AnyOf | Not


def split(condition: Condition | None) -> tuple[Condition | None, dict[str, Any]]:
    """Take the values out: the shape, which is the same for all filters of one form, and the values to bind to it.

    The shape can be hashed whatever the values are; NULLs stay in it, since `IS NULL` is another statement.
    """
    values: dict[str, Any] = {}
    return None if condition is None else _shape(condition, values), values


def _shape(condition: Condition, values: dict[str, Any]) -> Condition:
    match condition:
        case Comparison(_, Operator.EQ, None):
            return condition
        case Comparison(column_name, operator, value):
            name = f"filter_{len(values)}"
            values[name] = _pattern(operator, value)
            return Comparison(column_name, operator, name)
        case Not(inner):
            return Not(_shape(inner, values))
        case AllOf(inner) | AnyOf(inner):
            return type(condition)(tuple(_shape(part, values) for part in inner))


def _pattern(operator: Operator, value: Any) -> Any:
    if operator not in {Operator.CONTAINS, Operator.STARTS_WITH}:
        return value
    for special in (ESCAPE, "%", "_"):  # the escape itself first, or it would escape the others' escapes
        value = value.replace(special, ESCAPE + special)
    return f"%{value}%" if operator is Operator.CONTAINS else f"{value}%"


def where(shape: Condition, columns: Mapping[str, ColumnElement[Any]], dialect_name: str) -> ColumnElement[bool]:
    """A shape as an SQL expression, with the names of the values as parameters."""
    match shape:
        case Comparison(column_name, operator, name):
            return _compare(columns[column_name], operator, name, dialect_name)
        case Not(inner):
            # A comparison with NULL is unknown, and so would be its negation: rows without a value are "not equal" too.
            return not_(func.coalesce(where(inner, columns, dialect_name), false()))
        case AllOf(inner):
            return and_(true(), *(where(part, columns, dialect_name) for part in inner))
        case AnyOf(inner):
            return or_(false(), *(where(part, columns, dialect_name) for part in inner))


def _compare(
    target: ColumnElement[Any], operator: Operator, name: str | None, dialect_name: str
) -> ColumnElement[bool]:
    if name is None:
        return target.is_(None)
    if operator is Operator.IN:
        return is_element(target, name, dialect_name)
    if operator in {Operator.CONTAINS, Operator.STARTS_WITH}:
        pattern = _folded(bindparam(name, type_=String()), dialect_name)
        return _folded(target, dialect_name).like(pattern, escape=ESCAPE)
    compare: Callable[[Any, Any], ColumnElement[bool]] = _COMPARISONS[operator]
    return compare(target, bindparam(name, type_=target.type))


_COMPARISONS = {
    Operator.EQ: operators.eq,
    Operator.GT: operators.gt,
    Operator.GTE: operators.ge,
    Operator.LT: operators.lt,
    Operator.LTE: operators.le,
}


def _folded(text: ColumnElement[Any], dialect_name: str) -> ColumnElement[str]:
    # Our columns sort by code point ("C"), where PostgreSQL knows upper and lower case for ASCII only; the database's
    # own collation knows more. SQLite's lower() is replaced by one that does at each connection (database/engine.py).
    return func.lower(text.collate("default") if dialect_name == "postgresql" else text)


def is_element(target: ColumnElement[Any], name: str, dialect_name: str) -> ColumnElement[bool]:
    """Whether the column's value is in the list that is bound to `name`.

    The list is one parameter, so that one statement serves lists of all lengths: an array, or JSON on SQLite.
    """
    if dialect_name == "postgresql":
        return target == any_(bindparam(name, type_=ARRAY(_element_type(target.type))))
    return target.in_(select(column("value")).select_from(func.json_each(bindparam(name, type_=String()))))


def _element_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    # Wider than the column's own, so that a value that no row can have is found nowhere, rather than refused.
    if isinstance(type_, Integer):
        return BigInteger()
    return String() if isinstance(type_, String) else type_


def json_list(values: Sequence[Any]) -> str:
    """A list as SQLite's `json_each` reads it."""
    return orjson.dumps(values).decode()
