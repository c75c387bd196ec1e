"""Costs that a document leaves to its variables: formulas, made once for a document and worked out for each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from gql_api.pagination import PageLimits

COUNT_MAX: Final = 10**15
"""Where counting ends: whatever is more counts as much. What fragments hold can double at every level."""


class Variables:
    """The variables of a request as they were sent, with the operation's defaults: not coerced yet, so of any type."""

    __slots__ = ("_defaults", "_elements", "_sent")

    def __init__(self, sent: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._sent = sent
        self._defaults = defaults
        self._elements: dict[str, int] = {}

    def value(self, name: str) -> Any:
        """The value that was sent, or else the default; None if there is none."""
        sent = self._sent
        return sent[name] if name in sent else self._defaults.get(name)

    def elements(self, name: str) -> int:
        """How many elements the lists in the value have; each value is looked through once, wherever it is used."""
        elements = self._elements.get(name)
        if elements is None:
            elements = self._elements[name] = elements_of(self.value(name))
        return elements


def elements_of(value: Any) -> int:
    """How many elements the lists in a value have, those of lists in lists included; a lone value is a list of one."""
    elements = 0 if value is None or isinstance(value, list | dict) else 1
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            elements += len(item)
            pending += item
        elif isinstance(item, dict):
            pending += item.values()
    return elements


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


@dataclass(frozen=True, slots=True)
class Elements:
    """How many elements are passed in lists: some in the document, others in variables."""

    written: int = 0
    variables: tuple[str, ...] = ()

    def size(self, *, weight: int = 1, base: int = 0) -> Size:
        """Their number as a size, with each of them counting `weight`, and `base` added to it."""
        if not self.variables:
            return base + weight * self.written
        return _WeighedElements(self, weight, base)


NO_ELEMENTS: Final = Elements()


class _WeighedElements(NamedTuple):
    elements: Elements
    weight: int
    base: int

    @property
    def variables(self) -> tuple[str, ...]:
        return self.elements.variables

    def of(self, variables: Variables) -> int:
        passed = self.elements.written + sum(map(variables.elements, self.elements.variables))
        return self.base + self.weight * passed


class Condition(NamedTuple):
    """A `@skip` or `@include` that a variable decides: what stands under it is there if the variable is `wanted`."""

    variable: str
    wanted: bool

    def may_hold(self, variables: Variables) -> bool:
        """Whether it holds; where the variable is no Boolean the request fails, and it does not matter."""
        return bool(variables.value(self.variable) != (not self.wanted))


class Term(NamedTuple):
    """What a field or a fragment adds to the selection that it stands in.

    Attributes:
        inner: what is selected below.
        objects: how many objects the field has.
        size: how long the lists right below each object are.
        weight: what each object counts itself.
        extra: what the field counts however many objects it has.
        is_element: whether the field is a list of which the field above was asked for so many elements.
        is_fragment: whether `inner` counts as it is, since it is selected of the same object.
        conditions: under which all this is there.
    """

    inner: Formula
    objects: Size = 1
    size: Size = 1
    weight: int = 0
    extra: Size = 0
    is_element: bool = False
    is_fragment: bool = False
    conditions: tuple[Condition, ...] = ()


class Formula:
    """What a selection counts for one object: two numbers, and terms that variables decide.

    Attributes:
        once: what is counted once.
        each: what is counted for each element of the lists whose length the object's field was asked for.
        terms: what is added to both in each request.
    """

    __slots__ = ("_order", "each", "once", "terms")

    def __init__(self) -> None:
        self.once = self.each = 0
        self.terms: list[Term] = []
        self._order: list[Formula] | None = None

    def add(self, term: Term) -> None:
        """Add what a field or a fragment counts; where no variable has a say, it is worked out now."""
        inner, objects, size, weight, extra, is_element, is_fragment, conditions = term
        if inner.terms or conditions:
            self.terms.append(term)
        elif is_fragment:
            self.once = min(self.once + inner.once, COUNT_MAX)
            self.each = min(self.each + inner.each, COUNT_MAX)
        elif isinstance(objects, int) and isinstance(size, int) and isinstance(extra, int):
            counted = objects * (weight + inner.once + size * inner.each) + extra
            if is_element:
                self.each = min(self.each + counted, COUNT_MAX)
            else:
                self.once = min(self.once + counted, COUNT_MAX)
        else:
            self.terms.append(term)

    def total(self, variables: Variables) -> int:
        """What it comes to in one request; every formula below is worked out once, wherever it occurs."""
        known: dict[Formula, tuple[int, int]] = {}
        if self._order is None:
            self._order = self._from_below()
        for formula in self._order:
            once, each = formula.once, formula.each
            for inner, objects, size, weight, extra, is_element, is_fragment, conditions in formula.terms:
                if conditions and not all(condition.may_hold(variables) for condition in conditions):
                    continue
                inner_once, inner_each = known[inner] if inner.terms else (inner.once, inner.each)
                if is_fragment:
                    once += inner_once
                    each += inner_each
                    continue
                counted = weight + inner_once + _number(size, variables) * inner_each
                counted = _number(objects, variables) * counted + _number(extra, variables)
                if is_element:
                    each += counted
                else:
                    once += counted
            known[formula] = min(once, COUNT_MAX), min(each, COUNT_MAX)
        return min(sum(known[self]), COUNT_MAX)

    def variables(self) -> list[str]:
        """The names of the variables that have a say in it, each once."""
        names: dict[str, None] = {}
        for formula in self._from_below():
            for term in formula.terms:
                names |= dict.fromkeys(condition.variable for condition in term.conditions)
                for size in (term.objects, term.size, term.extra):
                    if not isinstance(size, int):
                        names |= dict.fromkeys(size.variables)
        return list(names)

    def _from_below(self) -> list[Formula]:
        """The formulas in which variables have a say, each after those that it needs."""
        order: dict[Formula, None] = {}
        pending = [self]
        while pending:
            formula = pending[-1]
            missing = [term.inner for term in formula.terms if term.inner.terms and term.inner not in order]
            if missing and formula not in order:
                pending += missing
            else:
                order[pending.pop()] = None
        return list(order)


def _number(size: Size, variables: Variables) -> int:
    return size if isinstance(size, int) else size.of(variables)
