"""What a list is, by brute force in Python: which rows, in which order, cut where. Shares nothing with the program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Filter: TypeAlias = Mapping[str, Any]
"""A filter as GraphQL's variables hold it, but with columns' names and values of Python."""

Key: TypeAlias = tuple[str, bool]
"""A column's name, and whether it is ordered by descending; the last key of an ordering is unique."""


def lower(text: str) -> str:
    """Every character on its own, to one character."""
    return "".join({"İ": "i"}.get(character) or character.lower() for character in text)


def matches(row: Row, filter_: Filter) -> bool:
    """Whether a filter lets a row through."""
    return all(_holds(row, name, given) for name, given in filter_.items())


def _holds(row: Row, name: str, given: Any) -> bool:
    if name == "and":
        return all(matches(row, part) for part in given)
    if name == "or":
        return any(matches(row, part) for part in given)
    if name == "not":
        return not matches(row, given)
    value = row[name]
    return all(_compares(value, operator, operand) for operator, operand in given.items())


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "in": lambda value, operand: value in operand,
    "contains": lambda value, operand: lower(operand) in lower(value),
    "startsWith": lambda value, operand: lower(value).startswith(lower(operand)),
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
}


def _compares(value: Any, operator: str, operand: Any) -> bool:
    if operator == "eq" and operand is None:
        return value is None
    return value is not None and _OPERATORS[operator](value, operand)


def compare(one: Row, other: Row, keys: Sequence[Key]) -> int:
    """Negative if `one` comes first, positive if `other` does; a missing value is greater than every other."""
    for name, descending in keys:
        left, right = one[name], other[name]
        if left == right:
            continue
        less = right is None or (left is not None and left < right)
        return -1 if less is not descending else 1
    return 0


@dataclass(frozen=True)
class ModelPage:
    """A page, and all that a client can learn of it."""

    rows: list[Row]
    has_next: bool
    has_previous: bool
    total: int


def cut(
    rows: Sequence[Row],
    *,
    keys: Sequence[Key],
    filter_: Filter | None = None,
    first: int | None = None,
    after: Row | None = None,
    last: int | None = None,
    before: Row | None = None,
    size_default: int = 20,
) -> ModelPage:
    """Cut a page; `after` and `before` are places: rows, or what is left of rows that are gone."""
    ordered = _sorted([row for row in rows if filter_ is None or matches(row, filter_)], keys)
    start = 0 if after is None else sum(compare(row, after, keys) <= 0 for row in ordered)
    stop = len(ordered) if before is None else sum(compare(row, before, keys) < 0 for row in ordered)
    between = ordered[start:stop]
    if last is not None:
        page = between[max(len(between) - last, 0) :]
        return ModelPage(page, stop < len(ordered), start > 0 or len(page) < len(between), len(ordered))
    page = between[: size_default if first is None else first]
    return ModelPage(page, stop < len(ordered) or len(page) < len(between), start > 0, len(ordered))


def _sorted(rows: Sequence[Row], keys: Sequence[Key]) -> list[Row]:
    # By insertion, so that nothing but `compare` says what comes first.
    ordered: list[Row] = []
    for row in rows:
        place = sum(compare(other, row, keys) < 0 for other in ordered)
        ordered.insert(place, row)
    return ordered
