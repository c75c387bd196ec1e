"""What a prepared executor lacks until somebody asks for it: what graphql-core collects in, and a plan does not need.

Descriptors make up for it. A ``__getattr__`` would do as well, but with one on the class the interpreter takes the long
way to all the attributes that are there: 30,000 instructions in a small operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfoHelpers

from gql_api.execution.preparation import CONSTRUCTOR_ARGUMENTS, STATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql.execution import Executor

_HELPERS = "async_helpers"


class _Lacking:
    """Found on the class where an executor has no value of its own; then the executor gets all that it lacks."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, executor: Executor[Any] | None, owner: type[Executor[Any]]) -> Any:
        if executor is None:
            return self
        known = executor.__dict__
        whole = owner(**{argument: known[argument] for argument in CONSTRUCTOR_ARGUMENTS})
        for attribute, value in whole.__dict__.items():
            if attribute != _HELPERS:
                known.setdefault(attribute, value)
        return known[self._name]


class _Helpers:
    """Made whenever they are asked for, since they refer back to the executor, which would outlive its operation."""

    def __get__(self, executor: Executor[Any] | None, owner: type[Executor[Any]]) -> Any:
        if executor is None:
            return self
        return GraphQLResolveInfoHelpers(executor.gather_async_work, executor.track_async_work)


def let_be_lacking(executor_class: type[Executor[Any]], names: Iterable[str]) -> None:
    """Let executors of a class lack those of their attributes that are not their state."""
    for name in names:
        if name not in STATE and not hasattr(executor_class, name):
            setattr(executor_class, name, _Helpers() if name == _HELPERS else _Lacking(name))
