"""Objects that are kept by column, as a database driver or a data frame has them, rather than one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any


class Table(ABC, Sequence[Any]):
    """A list of objects of one class, none of them null or awaitable, that can give a column of their attributes.

    A resolver may return one wherever it may return a list of objects. The executor then takes the plain attributes
    as columns and hands the table on to batched fields, so that the objects themselves need not be made; whoever
    iterates over the table gets them. Any class that has these members is a table; it need not inherit from this one.
    """

    @property
    @abstractmethod
    def row_type(self) -> type:
        """The class of the objects."""

    @abstractmethod
    def column(self, name: str) -> Sequence[Any]:
        """Return an attribute of all objects, in their order.

        Raises:
            KeyError: There is no such column. The objects are then asked one by one.
        """

    @abstractmethod
    def joined(self, others: Sequence[Any]) -> Table:
        """Return the objects of this table and then those of the others, which are of the same class of tables."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> Any:
        if cls is not Table:
            return NotImplemented
        return all(any(name in vars(base) for base in subclass.__mro__) for name in _MEMBERS)


_MEMBERS = ("row_type", "column", "joined", "__len__", "__iter__", "__getitem__")
