"""Objects that are kept by column, as a database driver or a data frame has them, rather than one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeGuard


class Table(ABC, Sequence[Any]):
    """A list of objects of one class, none of them null or awaitable, that can give a column of their attributes.

    A resolver may return one wherever it may return a list of objects, a batched field also in the place of its list
    of values. The executor then takes the plain attributes as columns and hands the table on to batched fields, so
    that the objects themselves need not be made; whoever iterates over the table gets them. Any class that has these
    members is a table; it need not inherit from this one, but has them itself, or as slots, not its instances alone.
    `joined` may be missing: many lists that are such tables are then read object by object.
    """

    @property
    @abstractmethod
    def row_type(self) -> type:
        """The class of the objects."""

    @abstractmethod
    def column(self, name: str) -> Sequence[Any]:
        """Return an attribute of all objects, in their order; of attributes that are lists it may be `Parts`.

        Raises:
            KeyError: There is no such column. The objects are then asked one by one.
        """

    @abstractmethod
    def joined(self, others: Sequence[Any]) -> Table:
        """Return the objects of this table and then those of the others, which are of the same class of tables."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> Any:
        return NotImplemented if cls is not Table else _has(subclass, "row_type", "column")


class Parts(ABC, Sequence[Any]):
    """Many lists of objects that are one table, cut where each of them ends.

    Any class that has these members is one, as with `Table`.
    """

    @property
    @abstractmethod
    def whole(self) -> Table:
        """The objects of the first list, then those of the second, and so on."""

    @property
    @abstractmethod
    def stops(self) -> Sequence[int]:
        """Where in the table each list ends; the next one begins there."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> Any:
        return NotImplemented if cls is not Parts else _has(subclass, "whole", "stops")


_KINDS_KNOWN_MAX = 256
_is_table_by_kind: dict[type, bool] = {}


def is_table(values: Any) -> TypeGuard[Table]:
    """Tell whether something is a table; asked of a class once, since `isinstance` asks in Python each time."""
    kind = type(values)
    known = _is_table_by_kind.get(kind)
    if known is None:
        known = issubclass(kind, Table)
        if len(_is_table_by_kind) < _KINDS_KNOWN_MAX:
            _is_table_by_kind[kind] = known
    return known


def _has(subclass: type, *members: str) -> bool:
    needed = (*members, "__len__", "__iter__", "__getitem__")
    return all(any(name in vars(base) for base in subclass.__mro__) for name in needed)
