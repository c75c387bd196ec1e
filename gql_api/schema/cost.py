"""What an operation asks for, counted before any of it is done: one pass over a validated document.

Each selection set is counted once, and what a fragment counts is added wherever it is spread: the pass takes a time
linear in the size of the document, and finds what walking through every spread would find.

The cost is how many objects the response can have. Every page is taken to be full; connections, edges, page infos and
results are objects like rows; of a union all members are counted. On top of that

- an object counts one for every ten values that are selected of it;
- a count of rows (`totalCount`, `seatsTaken`) counts ten;
- a mutation counts ten;
- an element of a list that is passed counts one (`ids`, `in`), ten if it is an input object (`assignments`, `or`): it
  is read once, on however many objects the field is selected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, Final, NamedTuple, cast

from graphql import (
    DocumentNode,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    value_from_ast_untyped,
)

from gql_api.pagination import PageLimits
from gql_api.schema.amounts import COUNT_MAX, Formula, Term
from gql_api.schema.counting import Counting, object_weight
from gql_api.schema.error_format import FormattedError
from gql_api.schema.field_price import FieldPrices
from gql_api.schema.limits import Limits, too_expensive
from gql_api.schema.sizes import Variables, elements_of

_COSTS_MAX: Final = 16
"""How many costs are kept of an operation, each under the values of the variables that decide it."""

_NUMBERS: Final = frozenset({bool, float, int, NoneType})
"""The types of values that have a say as they are."""


class Counts(NamedTuple):
    """What is counted of an operation, fragments wherever they are spread; `Limits` says what each number means."""

    depth: int = 0
    introspection_depth: int = 0
    fields: int = 0
    root_fields: int = 0
    aliases: int = 0
    directives: int = 0


class MeasuredOperation:
    """An operation of a document, with what it asks for.

    Attributes:
        type: query, mutation or subscription.
        counts: what is counted whatever its variables are.
        refusals: the errors of an operation that asks for too much whatever its variables are; most often empty.
    """

    __slots__ = ("_cost", "_costs", "_deciding", "_defaults", "_formula", "counts", "refusals", "type")

    def __init__(
        self,
        type_: OperationType,
        counts: Counts,
        formula: Formula,
        *,
        defaults: Mapping[str, Any],
        limits: Limits,
    ) -> None:
        self.type = type_
        self.counts = counts
        self._formula = formula
        self._cost = None if formula.terms else min(formula.once + formula.each + formula.passed, COUNT_MAX)
        self.refusals = tuple(_refusals({**counts._asdict(), "cost": self._cost or 0}, limits))
        self._defaults = defaults
        # Not asked for here: a document can have many operations over the same large fragments.
        self._deciding: dict[str, Any] | None = None
        self._costs: dict[tuple[Any, ...], int] = {}

    def cost(self, variables: Mapping[str, Any] | None) -> int:
        """The cost with these variables, as they were sent; of a subscription, that of each event."""
        if self._cost is not None:
            return self._cost
        sent = variables or {}
        if self._deciding is None:
            self._deciding = {name: self._defaults.get(name) for name in self._formula.variables()}
        # Of a list or a filter no more has a say than what is in it of elements.
        decisive = tuple(
            [
                value if type(value := sent.get(name, default)) in _NUMBERS else elements_of(value)
                for name, default in self._deciding.items()
            ]
        )
        cost = self._costs.get(decisive)
        if cost is None:
            if len(self._costs) >= _COSTS_MAX:
                self._costs.clear()
            cost = self._costs[decisive] = self._formula.total(Variables(sent, self._defaults))
        return cost


class CostModel:
    """Measures the operations of one schema.

    Args:
        schema: the schema that documents are valid against.
        page_limits: how large pages are.
        limits: what an operation may ask for.
    """

    def __init__(self, schema: GraphQLSchema, *, page_limits: PageLimits, limits: Limits) -> None:
        self._schema = schema
        self._prices = FieldPrices(schema, page_limits)
        self._limits = limits

    def measure(self, tree: DocumentNode) -> dict[str | None, MeasuredOperation]:
        """The operations of a valid document by their names."""
        counting = Counting(self._schema, self._prices, tree)
        return {
            definition.name.value if definition.name else None: self._measured(definition, counting)
            for definition in tree.definitions
            if isinstance(definition, OperationDefinitionNode)
        }

    def _measured(self, operation: OperationDefinitionNode, counting: Counting) -> MeasuredOperation:
        root_type = self._schema.get_root_type(operation.operation)
        selected = counting.count(operation.selection_set, cast("GraphQLNamedType", root_type))
        directives = len(operation.directives or ())
        defaults = {}
        for definition in operation.variable_definitions or ():
            directives += len(definition.directives or ())
            if definition.default_value is not None:
                defaults[definition.variable.name.value] = value_from_ast_untyped(definition.default_value)
        counts = Counts(
            depth=selected.depth,
            introspection_depth=selected.introspection_depth,
            fields=selected.fields,
            root_fields=selected.fields_here,
            aliases=selected.aliases,
            directives=min(selected.directives + directives, COUNT_MAX),
        )
        formula = Formula()
        formula.add(Term(selected.formula, weight=object_weight(selected.values_here)))
        return MeasuredOperation(operation.operation, counts, formula, defaults=defaults, limits=self._limits)


def _refusals(counts: Mapping[str, int], limits: Limits) -> Iterator[FormattedError]:
    for name, counted in counts.items():
        allowed = getattr(limits, f"{name}_max")
        if counted > allowed:
            yield too_expensive(name, counted, allowed)
