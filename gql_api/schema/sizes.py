"""Numbers that a document leaves to its variables: how large a page is, how many elements are passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from gql_api.pagination import PageLimits

OBJECT_ELEMENT_WEIGHT: Final = 10
"""What an element costs that is an input object: it takes as long to be read as many rows; others count 1."""


class Variables:
    """The variables of a request as they were sent, with the operation's defaults: not coerced yet, so of any type."""

    __slots__ = ("_defaults", "_elements", "_sent")

    def __init__(self, sent: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._sent = sent
        self._defaults = defaults
        self._elements: dict[str, Elements] = {}

    def value(self, name: str) -> Any:
        """The value that was sent, or else the default; None if there is none."""
        sent = self._sent
        return sent[name] if name in sent else self._defaults.get(name)

    def elements(self, name: str) -> Elements:
        """What the lists in the value hold; each value is looked through once, wherever it is used."""
        elements = self._elements.get(name)
        if elements is None:
            elements = self._elements[name] = elements_of(self.value(name))
        return elements


class Elements(NamedTuple):
    """What lists hold that are passed: how many elements, and how much these are by what each costs to be read."""

    number: int = 0
    weight: int = 0


def elements_of(value: Any) -> Elements:
    """What the lists in a value hold, those of lists in lists included; a lone value is a list of one."""
    count = weight = 0 if value is None or isinstance(value, list | dict) else 1
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            count += len(item)
            weight += sum(OBJECT_ELEMENT_WEIGHT if isinstance(element, dict) else 1 for element in item)
            pending += item
        elif isinstance(item, dict):
            pending += item.values()
    return Elements(count, weight)


class VariableSize(Protocol):
    """A number that variables decide."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of these variables."""
        ...

    def of(self, variables: Variables) -> int:
        """The number in one request, 0 or more. Values that are equal give the same number."""
        ...


Size: TypeAlias = int | VariableSize


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many rows a connection is asked for.

    What is out of range counts as the nearest number within: the field then reads nothing and answers with an error.

    Attributes:
        given: what `first` and `last` are: numbers, or the names of variables. Both at once are refused further on.
        limits: the size where neither is given, and the largest.
    """

    given: tuple[int | str, ...]
    limits: PageLimits

    @property
    def variables(self) -> tuple[str, ...]:
        """The names among what is given."""
        return tuple(one for one in self.given if isinstance(one, str))

    def of(self, variables: Variables) -> int:
        """The size in one request."""
        return page_size([variables.value(one) if isinstance(one, str) else one for one in self.given], self.limits)


def page_size(given: list[Any], limits: PageLimits) -> int:
    """The larger of the sizes that are given, within the limits; the default if none is, as a number."""
    numbers = [number for number in given if isinstance(number, int | float)]
    return int(max(0, min(max(numbers), limits.size_max))) if numbers else limits.size_default


class PassedElements(NamedTuple):
    """What a field is passed in lists: some of it written in the document, the rest in variables."""

    written: Elements = Elements()
    variables: tuple[str, ...] = ()

    @property
    def number(self) -> Size:
        """How many elements that is."""
        return _ElementsNumber(self) if self.variables else self.written.number

    @property
    def weight(self) -> Size:
        """What they cost."""
        return _ElementsWeight(self) if self.variables else self.written.weight


NO_ELEMENTS: Final = PassedElements()


class _ElementsNumber(NamedTuple):
    passed: PassedElements

    @property
    def variables(self) -> tuple[str, ...]:
        return self.passed.variables

    def of(self, variables: Variables) -> int:
        return self.passed.written.number + sum(variables.elements(name).number for name in self.passed.variables)


class _ElementsWeight(NamedTuple):
    passed: PassedElements

    @property
    def variables(self) -> tuple[str, ...]:
        return self.passed.variables

    def of(self, variables: Variables) -> int:
        return self.passed.written.weight + sum(variables.elements(name).weight for name in self.passed.variables)
