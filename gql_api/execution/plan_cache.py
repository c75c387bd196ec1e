"""Plans kept from one operation to the next, and what became of the operations: planned, or handed to graphql-core."""

from __future__ import annotations

from collections import Counter, OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from gql_api.execution.fallback import Fallback
from gql_api.execution.plan import Outline, Plan
from gql_api.execution.preparation import Preparations

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema, OperationDefinitionNode
    from graphql.execution import Executor
    from graphql.execution.collect_fields import FragmentDetails


class _Entry:
    """What is kept of an operation. It refers to everything whose identity is part of its key."""

    __slots__ = ("fragments", "operation", "outline", "plans", "schema")

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: dict[str, FragmentDetails]
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = fragments
        self.outline = Outline(schema, operation, fragments)
        self.plans: dict[tuple[bool, ...], Plan] = {}


class PlanCache:
    """The plans of the operations used last; what was used least recently goes first.

    An operation is recognised by the identity of its syntax tree: keep parsed documents, or nothing is found here.
    Plans hold no request's data, only syntax, schema, and the values of @skip and @include variables.

    Not locked: one event loop, or one thread, per cache.

    Args:
        entries_max: How many entries are kept. An operation is one, and so is its plan under every choice of the
            variables in its @skip and @include directives.
        size_max_bytes: How much memory they may hold, by estimate.
    """

    def __init__(self, *, entries_max: int = 2_000, size_max_bytes: int = 32 * 1024 * 1024) -> None:
        self.entries_max = entries_max
        self.size_max_bytes = size_max_bytes
        self.entries_count = 0
        self.size_bytes = 0
        self.hits_count = 0
        self.misses_count = 0
        self.evictions_count = 0
        self.fallbacks: Counter[Fallback] = Counter()
        self.preparations = Preparations()
        self._entries: OrderedDict[tuple[int, ...], _Entry] = OrderedDict()

    def __reduce__(self) -> tuple[Callable[[], PlanCache], tuple[()]]:
        # Where a schema that holds a cache is copied or pickled, the copy starts with an empty one.
        return partial(PlanCache, entries_max=self.entries_max, size_max_bytes=self.size_max_bytes), ()

    def find(self, executor: Executor[Any]) -> Plan | Fallback:
        """Return the plan of an executor's operation, made now if there is none, or why it cannot be planned.

        Raises:
            GraphQLError: The root fields cannot be collected.
        """
        schema, operation = executor.schema, executor.operation
        fragments = executor.fragment_definitions
        key = (id(schema), id(operation), *map(id, fragments.values())) if fragments else (id(schema), id(operation))
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(schema, operation, executor.fragments)
            self._grow(entry.outline.size_bytes, entries_count=1)
        else:
            self._entries.move_to_end(key)
        outline = entry.outline
        if outline.fallback is not None:
            return outline.fallback
        conditions = outline.choose(executor.variable_values)
        if conditions is None:
            return Fallback.NOT_EXECUTABLE
        hides = executor.hide_suggestions
        choice = (hides, *conditions.values()) if conditions else (hides,)
        plan = entry.plans.get(choice)
        if plan is not None:
            self.hits_count += 1
            return plan
        self.misses_count += 1
        plan = Plan(schema, operation, executor.fragments, conditions, hide_suggestions=executor.hide_suggestions)
        if key in self._entries:
            entry.plans[choice] = plan
            plan.on_growth = self._grow
            self._grow(plan.size_bytes, entries_count=1)
        return plan

    def _grow(self, grown_bytes: int, *, entries_count: int = 0) -> None:
        self.size_bytes += grown_bytes
        self.entries_count += entries_count
        while self._entries and (self.size_bytes > self.size_max_bytes or self.entries_count > self.entries_max):
            _, entry = self._entries.popitem(last=False)
            self.evictions_count += 1
            self.entries_count -= 1 + len(entry.plans)
            self.size_bytes -= entry.outline.size_bytes
            for plan in entry.plans.values():
                # Whoever runs it may still make it grow: that memory is no longer the cache's.
                plan.on_growth = None
                self.size_bytes -= plan.size_bytes
