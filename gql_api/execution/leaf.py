"""Serialising columns of leaf values: one look at the classes of a column replaces a call per value."""

from __future__ import annotations

from enum import Enum
from math import isfinite
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.pyutils import inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Serializer = Callable[[Any], Any]

NoneType = type(None)
_S = TypeVar("_S", bound="Callable[[Any], Any]")


class Serialization(NamedTuple):
    """What a scalar's serializer says of itself beyond being called with one value."""

    unchanged: frozenset[type]
    by_column: Callable[[list[Any]], list[Any]] | None


def serializer(
    *, unchanged: Iterable[type] = (), by_column: Callable[[list[Any]], list[Any]] | None = None
) -> Callable[[_S], _S]:
    """Declare what a scalar's ``serialize`` function allows the breadth-first executor to do instead of calling it.

    The function itself stays the scalar's serializer wherever else it is executed, so both ways must mean the same in
    the response::

        @serializer(unchanged=(datetime,))
        def serialize_datetime(value: datetime) -> str:
            return value.isoformat()

    Args:
        unchanged: Classes whose instances (exactly these, no subclasses) may stand in the response as they are,
            because the encoder that writes the response writes the same text for them.
        by_column: Serialises a list of values, none of them None, at once; one result per value, in order. Where it
            raises, the values are serialised one by one.
    """

    def declare(function: _S) -> _S:
        function.__serialization__ = Serialization(frozenset(unchanged), by_column)  # type: ignore[attr-defined]
        return function

    return declare


class Leaf:
    """A scalar or enum type, and how columns of its values are serialised (spec §6.4.3, "Result Coercion").

    ``unchanged`` are the classes of the values that stand in the response as they are, if they fit; ``kept`` those of
    which nothing but the class has to be looked at.
    """

    __slots__ = ("_by_column", "_by_value", "_fits", "_type", "kept", "unchanged")

    def __init__(self, type_: GraphQLLeafType) -> None:
        self._type = type_
        self._by_value: Serializer = type_.coerce_output_value
        self._by_column: Callable[[list[Any]], list[Any]] | None = None
        self._fits: Callable[[Sequence[Any]], bool] | None = None
        unchanged: frozenset[type] = frozenset()
        declared = getattr(self._by_value, "__serialization__", None)
        if declared is not None:
            unchanged, self._by_column = declared
        elif isinstance(type_, GraphQLEnumType):
            self._by_column = self._enum_names
        elif isinstance(self._by_value, FunctionType) and self._by_value in _BUILT_IN:
            unchanged, self._fits = _BUILT_IN[self._by_value]
        self.unchanged = unchanged | {NoneType}
        self.kept = self.unchanged if self._fits is None else frozenset()

    def complete(self, values: Sequence[Any], kinds: set[type], raised: Callable[[Exception], Any]) -> Sequence[Any]:
        """Return the values as they stand in the response; ``kinds`` are the classes of the values.

        A value that cannot be serialised, and an exception among the values, goes through ``raised``.
        """
        if kinds <= self.unchanged:
            if self._fits is None:
                return values
            if self._fits(values if NoneType not in kinds else [value for value in values if value is not None]):
                return values
        if self._by_column is not None and not any(issubclass(kind, Exception) for kind in kinds):
            present = [value for value in values if value is not None and value is not Undefined]
            try:
                serialized = self._by_column(present)
            except Exception:  # noqa: BLE001  whatever it is, serialising one by one finds the value that raises it
                serialized = []
            if len(serialized) == len(present) and None not in serialized:
                if len(present) == len(values):
                    return serialized
                following = iter(serialized)
                return [None if value is None or value is Undefined else next(following) for value in values]
        return [self._complete_one(value, raised) for value in values]

    def _complete_one(self, value: Any, raised: Callable[[Exception], Any]) -> Any:
        if value is None or value is Undefined:
            return None
        if isinstance(value, Exception):
            return raised(value)
        try:
            serialized = self._by_value(value)
        except Exception as error:  # noqa: BLE001  any exception of a serializer is the field's error
            return raised(error)
        if serialized is None or serialized is Undefined:
            return raised(
                TypeError(
                    f"Expected `{inspect(self._type)}.coerce_output_value({inspect(value)})`"
                    f" to return non-nullable value, returned: {inspect(serialized)}"
                )
            )
        return serialized

    def _enum_names(self, values: Sequence[Any]) -> list[Any]:
        # Enum members live as long as their class, so their identity is a key, and Enum's own hash is slow.
        if not all(issubclass(kind, Enum) for kind in set(map(type, values))):
            return []
        members = {id(value): value for value in values}
        names = {key: self._by_value(member) for key, member in members.items()}
        return [names[id(value)] for value in values]


def _fits_int(values: Sequence[int]) -> bool:
    return not values or (min(values) >= GRAPHQL_MIN_INT and max(values) <= GRAPHQL_MAX_INT)


def _fits_float(values: Sequence[float]) -> bool:
    return all(map(isfinite, values))


_BUILT_IN: dict[Serializer, tuple[frozenset[type], Callable[[Sequence[Any]], bool] | None]] = {
    GraphQLString.coerce_output_value: (frozenset({str}), None),
    GraphQLID.coerce_output_value: (frozenset({str}), None),
    GraphQLBoolean.coerce_output_value: (frozenset({bool}), None),
    GraphQLInt.coerce_output_value: (frozenset({int}), _fits_int),
    GraphQLFloat.coerce_output_value: (frozenset({float}), _fits_float),
}
"""The specified scalars: the exact classes whose instances are their own serialization, and what else must hold."""
