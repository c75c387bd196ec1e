"""The ordering of a list: which keys, in which direction, the last one unique."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple


class KeyKind(Enum):
    """What a key's values are; the value is the Python type that a cursor must hold for it."""

    INTEGER = int
    TEXT = str
    TIME = datetime

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is written in Python


class OrderKey(NamedTuple):
    """One key of an ordering; `name` is the column's, `nullable` keys count NULL as greater than every value."""

    name: str
    kind: KeyKind
    descending: bool = False
    nullable: bool = False


class Ordering(NamedTuple):
    """A total order over the rows of one list.

    Attributes:
        listing: the list it orders, as clients know it, e.g. `Student.courses`; cursors of other lists are refused.
        keys: most significant first; the last one is unique, so no two rows share a place.
    """

    listing: str
    keys: tuple[OrderKey, ...]

    @property
    def signature(self) -> str:
        """The ordering in words, as it stands in cursors and in messages: `Query.students by name desc, id asc`."""
        keys = ", ".join(f"{key.name} {'desc' if key.descending else 'asc'}" for key in self.keys)
        return f"{self.listing} by {keys}"
