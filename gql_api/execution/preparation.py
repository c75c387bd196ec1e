"""What an executor needs to know of an operation before it can begin, worked out once for a document.

graphql-core looks the operation up, gathers the fragments and reads the variables' types anew each time: 50 µs, as much
as executing a small query takes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLString,
    Undefined,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema
    from graphql.execution import Executor
    from graphql.execution.get_variable_signature import GraphQLVariableSignature

    _Key = tuple[int, int, str | None]

_CLASS_BY_SCALAR: dict[Any, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool, GraphQLInt: int}
"""The class whose instances a specified scalar takes as they are; other values it takes, changes or refuses."""

CONSTRUCTOR_ARGUMENTS = (
    "schema",
    "fragment_definitions",
    "fragments",
    "root_value",
    "context_value",
    "operation",
    "variable_values",
    "field_resolver",
    "type_resolver",
    "subscribe_field_resolver",
    "enable_early_execution",
    "middleware_manager",
    "is_awaitable",
    "is_async_iterable",
    "hide_suggestions",
    "abort_signal",
    "hooks",
    "operation_extensions",
)
"""What an executor is made of; each is also an attribute of it."""

STATE = frozenset({*CONSTRUCTOR_ARGUMENTS, "error_propagation"})
"""The attributes that a prepared executor has from the beginning."""

_STATE_OF_ONE = {"root_value", "context_value", "variable_values", "hide_suggestions"}

_INT_RANGE = range(GRAPHQL_MIN_INT, GRAPHQL_MAX_INT + 1)
_MISSING = type(Undefined)


class _Variable:
    """A variable, and the classes of values that need no coercion; `_MISSING` among them if it may be left out."""

    __slots__ = ("kinds", "name", "signature")

    def __init__(self, signature: GraphQLVariableSignature) -> None:
        self.name = signature.name
        self.signature = signature
        type_, nullable = signature.type, not is_non_null_type(signature.type)
        kind = _CLASS_BY_SCALAR.get(type_.of_type if is_non_null_type(type_) else type_)
        self.kinds = {kind} if kind is not None else set()
        if nullable:
            self.kinds |= {type(None)} if kind is not None else set()
            self.kinds |= {_MISSING} if signature.default is None else set()


class Preparation:
    """One operation of a document, as graphql-core chose it (spec §6.1).

    ``state`` are the attributes of its executors, those None in which each is different.
    """

    __slots__ = ("_variables", "state")

    def __init__(self, executor: Executor[Any]) -> None:
        # A dict that is copied with all its places is not made larger as they are filled.
        self.state = {name: None if name in _STATE_OF_ONE else getattr(executor, name) for name in STATE}
        signatures = [
            get_variable_signature(executor.schema, definition)
            for definition in executor.operation.variable_definitions or ()
        ]
        self._variables = [_Variable(one) for one in signatures if not isinstance(one, GraphQLError)]

    def coerce(self, inputs: Mapping[str, Any]) -> VariableValues | None:
        """Coerce the values of the variables (spec §6.1.2); None if any of them takes more than a look at its class."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for variable in self._variables:
            name = variable.name
            value = inputs.get(name, Undefined)
            kind = type(value)
            if kind not in variable.kinds or (kind is int and value not in _INT_RANGE):
                return None
            sources[name] = VariableValueSource(variable.signature, value)
            if value is not Undefined:
                coerced[name] = value
        return VariableValues(sources, coerced)


class Preparations:
    """Preparations by schema, document and operation name, each for as long as others keep the document."""

    def __init__(self) -> None:
        self._entries: dict[_Key, tuple[Preparation, ref[DocumentNode]]] = {}

    def find(self, schema: GraphQLSchema, document: DocumentNode, operation_name: str | None) -> Preparation | None:
        """Return what is known of an operation, None if it was never executed."""
        entry = self._entries.get((id(schema), id(document), operation_name))
        return None if entry is None else entry[0]

    def keep(self, executor: Executor[Any], document: DocumentNode, operation_name: str | None) -> None:
        """Keep what graphql-core found out when it built an executor."""
        key = (id(executor.schema), id(document), operation_name)
        # An id() is another object's as soon as its own is gone, and then the entry has to be gone too.
        self._entries[key] = Preparation(executor), ref(document, partial(_forget, self._entries, key))

    def __len__(self) -> int:
        return len(self._entries)


def _forget(entries: dict[_Key, Any], key: _Key, _document: ref[DocumentNode]) -> None:
    entries.pop(key, None)
