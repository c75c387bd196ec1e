"""Which part of a list is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from gql_api.errors import BadUserInput
from gql_api.pagination.cursor import decode_cursor
from gql_api.pagination.ordering import Ordering


class PageLimits(NamedTuple):
    """How many rows a page has when nobody says, and how many it may have."""

    size_default: int = 20
    size_max: int = 500


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A bounded part of a list, as Relay's connection arguments define it.

    Attributes:
        size: rows at most.
        backward: the last rows of the range are wanted, not the first ones; they still come in the list's order.
        after: key values of the place behind which the range begins; None at the start of the list.
        before: key values of the place before which the range ends; None at the end of the list.

    See Also:
        GraphQL Cursor Connections Specification, section 4 (Arguments) and 4.4 (Pagination algorithm).
    """

    size: int
    backward: bool = False
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None

    @classmethod
    def of(
        cls,
        ordering: Ordering,
        limits: PageLimits,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Self:
        """Check a connection's arguments.

        Raises:
            BadUserInput: `first` and `last` together, a negative or too large number, a cursor that is none of this
                list's in this ordering.
        """
        if first is not None and last is not None:
            raise BadUserInput("Pass `first` or `last`, not both.")
        for name, number in (("first", first), ("last", last)):
            if number is not None and not 0 <= number <= limits.size_max:
                raise BadUserInput(f"`{name}` is {number}; it must be at least 0 and at most {limits.size_max}.")
        size = first if first is not None else last
        return cls(
            size=limits.size_default if size is None else size,
            backward=last is not None,
            after=None if after is None else decode_cursor(after, ordering, argument="after"),
            before=None if before is None else decode_cursor(before, ordering, argument="before"),
        )
