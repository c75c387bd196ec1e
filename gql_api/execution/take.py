"""Mapping a function over a column without losing the values beside an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def take(values: Iterator[Any], count: int) -> list[Any]:
    """Exhaust a ``map`` over ``count`` items; an exception takes the place of the value that it prevented."""
    taken: list[Any] = []
    while len(taken) < count:
        try:
            # A list that fails to be extended keeps what came before, and a map goes on behind the item that raised.
            taken.extend(values)
        except Exception as error:  # noqa: BLE001  any exception is the error of the one value
            taken.append(error)
        else:
            if len(taken) < count:  # a StopIteration that the mapped function raised looks like the end of the map
                taken.append(StopIteration())
    return taken
