"""One operation being executed: levels are taken from a queue until it is empty, and what was awaited adds to it."""

from __future__ import annotations

from asyncio import FIRST_COMPLETED, Task, create_task, gather, iscoroutine, wait
from functools import lru_cache
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution.execute import assume_not_awaitable
from graphql.pyutils import is_awaitable
from strawberry.execution import optimized_is_awaitable

from gql_api.execution.batch_resolver import one_per_source
from gql_api.execution.completion import complete
from gql_api.execution.level import Column, Level, Raised, kinds_of
from gql_api.execution.propagation import Propagation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

    from gql_api.execution.executor import BreadthFirstExecutor
    from gql_api.execution.plan import FieldPlan, Plan

    _Wait = tuple[Sequence[Any], Callable[[Sequence[Any]], None]]
    """Values of which some are awaitable, and what to do once those were awaited."""

_BY_CLASS = (is_awaitable, optimized_is_awaitable)
"""Predicates whose answer depends on the class of the value, generators excepted."""

_MUTATION = OperationType.MUTATION
"""Until Python 3.12, to find a member on its enumeration takes 1,300 instructions."""

_PLAIN = frozenset({type(None), bool, int, float, str, list, tuple, dict})
"""Classes that most values are of, none of them awaitable."""


@lru_cache(maxsize=256)
def _is_awaitable_class(kind: type) -> bool:
    return hasattr(kind, "__await__")


class Operation:
    """The state of one execution. Nothing in it outlives the result.

    ``judges_by_class`` says whether the class of a value tells if it has to be awaited.
    """

    def __init__(self, executor: BreadthFirstExecutor, plan: Plan) -> None:
        self.executor = executor
        self._data: dict[str, Any] = dict.fromkeys(plan.root.keys)
        self._root = Level(plan.root, [executor.root_value], [self._data], None)
        self._levels = [self._root]
        self._queue: list[Level] = []
        self._waits: list[_Wait] = []
        self._failed = False
        self._looks_for_loss = False
        self.judges_by_class = executor.is_awaitable in _BY_CLASS
        self._errors: list[GraphQLError] = []

    def execute(self, *, serially: bool | None) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Execute the root fields, one after the other or all at once (spec §6.2); None asks the operation type."""
        if serially is None:
            serially = self.executor.operation.operation is _MUTATION
        fields = self._root.selection.fields
        stages: Iterator[Sequence[FieldPlan]] = iter([(field,) for field in fields] if serially else [fields])
        for stage in stages:
            self._start(stage)
            if self._waits:
                if not self._is_lost(stage):
                    return self._execute_asynchronously(stage, stages)
                self._abandon_waits()
            if not self._finish(stage):
                return self._respond(None)
        return self._respond(self._data)

    async def _execute_asynchronously(
        self, stage: Sequence[FieldPlan] | None, stages: Iterator[Sequence[FieldPlan]]
    ) -> ExecutionResult:
        while stage is not None:
            await self._await_all(stage)
            if not self._finish(stage):
                return self._respond(None)
            stage = next(stages, None)
            if stage is not None:
                self._start(stage)
        return self._respond(self._data)

    def _respond(self, data: dict[str, Any] | None) -> ExecutionResult:
        # Columns refer to the operation and levels to columns: without this, rows wait for the garbage collector.
        self._levels.clear()
        return ExecutionResult(data, self._errors or None)

    def _start(self, fields: Sequence[FieldPlan]) -> None:
        for field in fields:
            self._resolve(field, self._root)
        self._drain()

    def _drain(self) -> None:
        while self._queue:
            levels, self._queue = self._queue, []
            for level in levels:
                for field in level.selection.resolved:
                    self._resolve(field, level)
                level.sources = []  # nobody asks for them again: rows may go while later levels are read

    def _resolve(self, field: FieldPlan, level: Level) -> None:
        column = Column(self, field, level)
        count = len(level.sources)
        try:
            values = field.resolution.values(self.executor, field, level)
        except Exception as error:  # noqa: BLE001  what resolving raises is the error of every object
            values = [error] * count
        if isinstance(values, list) and len(values) == count:
            complete(column, field.shape, values, column.put)
        elif not isinstance(values, list) and self.executor.is_awaitable(values):
            self.wait_for_each([values], lambda outcomes: self._complete_batch(column, outcomes[0], count))
        else:
            self._complete_batch(column, values, count)

    def _complete_batch(self, column: Column, outcome: Any, count: int) -> None:
        if isinstance(outcome, Exception):
            values: Sequence[Any] = [outcome] * count
        else:
            try:
                values = one_per_source(outcome, count, column.field.name)
            except (TypeError, ValueError) as error:
                if iscoroutine(outcome):
                    outcome.close()
                values = [error] * count
        complete(column, column.field.shape, values, column.put)

    def open(self, level: Level) -> None:
        """Take in a level whose objects have their places in the response."""
        self._levels.append(level)
        if level.selection.resolved:
            self._queue.append(level)

    def raised(self, error: Exception) -> Raised:
        """Return what stands in the place of a value that an exception prevented."""
        self._failed = self._looks_for_loss = True
        return Raised(error)

    def may_be_awaitable(self, values: Sequence[Any], kinds: set[type]) -> bool:
        """Tell whether any of the values, of the given classes, has to be awaited."""
        predicate = self.executor.is_awaitable
        if predicate is assume_not_awaitable:
            return False
        if self.judges_by_class:
            if kinds <= _PLAIN:
                return False
            if GeneratorType not in kinds:
                return any(map(_is_awaitable_class, kinds))
        return any(map(predicate, values))

    def settle(self, values: Sequence[Any], then: Callable[[Sequence[Any]], None]) -> None:
        """Go on with the values, once those that have to be awaited were awaited."""
        if self.may_be_awaitable(values, kinds_of(values)):
            self.wait_for_each(values, then)
        else:
            then(values)

    def wait_for_each(self, values: Sequence[Any], then: Callable[[Sequence[Any]], None]) -> None:
        """Have the awaitables among the values awaited together; an exception takes the place of its value."""
        self._waits.append((values, then))

    def abandon(self, values: Sequence[Any]) -> None:
        """Let awaitables that nothing waits for any more come to their end in the background."""
        self.executor.track_async_work(values)

    def _abandon_waits(self) -> None:
        for values, _ in self._waits:
            self.abandon(values)
        self._waits = []

    async def _await_all(self, fields: Sequence[FieldPlan]) -> None:
        """Await, and execute what follows, until nothing is left to wait for or some root fields lost the data."""
        tasks: dict[Task[list[Any]], Callable[[list[Any]], None]] = {}
        try:
            while (self._waits or tasks) and not (self._looks_for_loss and self._is_lost(fields)):
                waits, self._waits = self._waits, []
                if not tasks and len(waits) == 1:
                    # The usual case: no task for the only thing to wait for.
                    values, then = waits[0]
                    then([await _outcome(values[0])] if len(values) == 1 else await self._await_each(values))
                else:
                    tasks.update((create_task(self._await_each(values)), then) for values, then in waits)
                    await wait(tasks, return_when=FIRST_COMPLETED)
                    for task in [task for task in tasks if task.done()]:
                        tasks.pop(task)(await task)
                self._drain()
        finally:
            self._abandon_waits()
            if tasks:
                await _cancel(tasks)

    async def _await_each(self, values: Sequence[Any]) -> list[Any]:
        places = [index for index, value in enumerate(values) if self.executor.is_awaitable(value)]
        if len(places) == 1:
            outcomes = [await _outcome(values[places[0]])]
        else:
            tasks = [create_task(_outcome(values[index])) for index in places]
            try:
                outcomes = await gather(*tasks)
            except BaseException:
                await _cancel(tasks)
                raise
        settled = list(values)
        for index, outcome in zip(places, outcomes, strict=True):
            settled[index] = outcome
        return settled

    def _is_lost(self, fields: Sequence[FieldPlan]) -> bool:
        """Tell whether what failed since the last call takes all data with it."""
        if not self._looks_for_loss:
            return False
        self._looks_for_loss = False
        return self._propagation().is_lost(self._data, fields)

    def _finish(self, fields: Sequence[FieldPlan]) -> bool:
        """Propagate what failed below some root fields; tell whether the operation still has data."""
        if not self._failed:
            return True
        self._failed = False
        propagation = self._propagation()
        survives = propagation.run(self._data, fields)
        self._errors.extend(propagation.errors)
        return survives

    def _propagation(self) -> Propagation:
        return Propagation(self._levels, nulls_travel=self.executor.error_propagation)


async def _cancel(tasks: Collection[Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await gather(*tasks, return_exceptions=True)


async def _outcome(awaitable: Awaitable[Any]) -> Any:
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001  handed on as a value, to be located where it belongs
        return error
