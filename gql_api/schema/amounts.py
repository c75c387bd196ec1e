"""Costs that a document leaves to its variables: formulas, made once for a document and worked out for each request."""

from __future__ import annotations

from typing import Final, NamedTuple

from gql_api.schema.sizes import Size, Variables

COUNT_MAX: Final = 10**15
"""Where counting ends: whatever is more counts as much. What fragments hold can double at every level."""


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
        passed: what the field counts for its arguments: they are read once, on however many objects it is selected.
        is_element: whether the field is a list of which the field above was asked for so many elements.
        is_fragment: whether `inner` counts as it is, since it is selected of the same object.
        conditions: under which all this is there.
    """

    inner: Formula
    objects: Size = 1
    size: Size = 1
    weight: int = 0
    extra: int = 0
    passed: Size = 0
    is_element: bool = False
    is_fragment: bool = False
    conditions: tuple[Condition, ...] = ()


class Formula:
    """What a selection counts for one object: numbers, and terms that variables decide.

    Attributes:
        once: what is counted once.
        each: what is counted for each element of the lists whose length the object's field was asked for.
        passed: what is counted once for all the objects of which this is selected.
        terms: what is added to these in each request.
    """

    __slots__ = ("_order", "each", "once", "passed", "terms")

    def __init__(self) -> None:
        self.once = self.each = self.passed = 0
        self.terms: list[Term] = []
        self._order: list[Formula] | None = None

    def add(self, term: Term) -> None:
        """Add what a field or a fragment counts; where no variable has a say, it is worked out now."""
        inner, objects, size, weight, extra, passed, is_element, is_fragment, conditions = term
        if inner.terms or conditions:
            self.terms.append(term)
        elif is_fragment:
            self.once = min(self.once + inner.once, COUNT_MAX)
            self.each = min(self.each + inner.each, COUNT_MAX)
            self.passed = min(self.passed + inner.passed, COUNT_MAX)
        elif isinstance(objects, int) and isinstance(size, int) and isinstance(passed, int):
            self.passed = min(self.passed + inner.passed + passed, COUNT_MAX)
            counted = objects * (weight + inner.once + size * inner.each) + extra
            if is_element:
                self.each = min(self.each + counted, COUNT_MAX)
            else:
                self.once = min(self.once + counted, COUNT_MAX)
        else:
            self.terms.append(term)

    def total(self, variables: Variables) -> int:
        """What it comes to in one request; every formula below is worked out once, wherever it occurs."""
        known: dict[Formula, tuple[int, int, int]] = {}
        if self._order is None:
            self._order = self._from_below()
        for formula in self._order:
            once, each, passed = formula.once, formula.each, formula.passed
            for term in formula.terms:
                if term.conditions and not all(condition.may_hold(variables) for condition in term.conditions):
                    continue
                inner = term.inner
                below = known[inner] if inner.terms else (inner.once, inner.each, inner.passed)
                passed += below[2]
                if term.is_fragment:
                    once += below[0]
                    each += below[1]
                    continue
                passed += _number(term.passed, variables)
                counted = term.weight + below[0] + _number(term.size, variables) * below[1]
                counted = _number(term.objects, variables) * counted + term.extra
                if term.is_element:
                    each += counted
                else:
                    once += counted
            known[formula] = min(once, COUNT_MAX), min(each, COUNT_MAX), min(passed, COUNT_MAX)
        return min(sum(known[self]), COUNT_MAX)

    def variables(self) -> list[str]:
        """The names of the variables that have a say in it, each once."""
        names: dict[str, None] = {}
        for formula in self._from_below():
            for term in formula.terms:
                names |= dict.fromkeys(condition.variable for condition in term.conditions)
                for size in (term.objects, term.size, term.passed):
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
