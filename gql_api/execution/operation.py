"""One operation being executed: levels are taken from a queue until it is empty, and what was awaited adds to it."""

from __future__ import annotations

from asyncio import FIRST_COMPLETED, Future, ensure_future, gather, iscoroutine, wait
from collections import deque
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import ExecutionResult, OperationType
from graphql.execution.execute import assume_not_awaitable
from graphql.pyutils import is_awaitable
from strawberry.execution import optimized_is_awaitable

from gql_api.execution.batched import one_per_source
from gql_api.execution.completion import complete
from gql_api.execution.level import Column, Level, Raised
from gql_api.execution.propagation import propagate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from graphql import GraphQLError

    from gql_api.execution.executor import BreadthFirstExecutor
    from gql_api.execution.plan import FieldPlan, Plan

_BY_CLASS = (is_awaitable, optimized_is_awaitable)
"""Predicates whose answer depends on the class of the value, generators excepted."""


class _Wait(NamedTuple):
    """Something to be awaited, and what to do with its value, or with the exception that it raised."""

    awaitable: Awaitable[Any]
    then: Callable[[Any], None]


class Operation:
    """The state of one execution. Nothing in it outlives the result."""

    def __init__(self, executor: BreadthFirstExecutor, plan: Plan) -> None:
        self.executor = executor
        self.queue: deque[Level] = deque()
        self._data: dict[str, Any] | None = plan.root.template.copy()
        self._root = Level(plan.root, [executor.root_value], [self._data], None)
        self._levels = [self._root]
        self._waits: list[_Wait] = []
        self._failed = False
        self._errors: list[GraphQLError] = []

    def execute(self, *, serially: bool | None) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Execute the root fields, one after the other or all at once (spec §6.2); None asks the operation type."""
        if serially is None:
            serially = self.executor.operation.operation is OperationType.MUTATION
        fields = self._root.selection.fields
        stages = iter([(field,) for field in fields] if serially else [fields])
        for stage in stages:
            self._start(stage)
            if self._waits:
                return self._execute_asynchronously(stage, stages)
            if not self._finish(stage):
                break
        return ExecutionResult(self._data, self._errors or None)

    async def _execute_asynchronously(
        self, stage: Sequence[FieldPlan], stages: Iterator[Sequence[FieldPlan]]
    ) -> ExecutionResult:
        while True:
            await self._await_all()
            if not self._finish(stage):
                break
            following = next(stages, None)
            if following is None:
                break
            stage = following
            self._start(stage)
        return ExecutionResult(self._data, self._errors or None)

    def _start(self, fields: Sequence[FieldPlan]) -> None:
        for field in fields:
            self._resolve(field, self._root)
        self._drain()

    def _finish(self, fields: Sequence[FieldPlan]) -> bool:
        """Propagate what failed below some root fields; tell whether the operation still has data."""
        if self._failed:
            self._failed = False
            survives = propagate(
                self._root, fields, self._levels, self._errors, nulls_travel=self.executor.error_propagation
            )
            if not survives:
                self._data = None
        return self._data is not None

    def _drain(self) -> None:
        queue, levels = self.queue, self._levels
        while queue:
            level = queue.popleft()
            levels.append(level)
            for field in level.selection.fields:
                self._resolve(field, level)
            level.sources = []  # nobody asks for them again: rows may go while later levels are read

    def _resolve(self, field: FieldPlan, level: Level) -> None:
        column = Column(field, level)
        count = len(level.sources)
        try:
            values = field.resolution.values(self.executor, field, level)
        except Exception as error:  # noqa: BLE001  what resolving raises is the error of every object
            values = [error] * count
        if type(values) is not list and self.executor.is_awaitable(values):
            self._waits.append(_Wait(values, lambda outcome: self._complete_batch(column, outcome, count)))
        else:
            self._complete_batch(column, values, count)

    def _complete_batch(self, column: Column, values: Any, count: int) -> None:
        if type(values) is not list or len(values) != count:
            try:
                if isinstance(values, Exception):
                    raise values
                if iscoroutine(values):
                    values.close()
                values = one_per_source(values, count, column.field.name)
            except Exception as error:  # noqa: BLE001  the batch's error is the error of every object
                values = [error] * count
        complete(self, column, column.field.shape, values, column.put)

    def raised(self, error: Exception) -> Raised:
        """Put an exception in the place of a value."""
        self._failed = True
        return Raised(error)

    def may_be_awaitable(self, values: list[Any], kinds: set[type]) -> bool:
        """Tell whether any of the values, of the given classes, has to be awaited."""
        predicate = self.executor.is_awaitable
        if predicate is assume_not_awaitable:
            return False
        if predicate in _BY_CLASS and not any(hasattr(kind, "__await__") for kind in kinds):
            return GeneratorType in kinds and any(map(predicate, values))
        return any(map(predicate, values))

    def settle(self, values: list[Any], then: Callable[[list[Any]], None]) -> None:
        """Go on with the values, once those that have to be awaited were awaited."""
        if self.may_be_awaitable(values, set(map(type, values))):
            self.wait_for_each(values, then)
        else:
            then(values)

    def wait_for_each(self, values: list[Any], then: Callable[[list[Any]], None]) -> None:
        """Have the awaitables among the values awaited together; an exception takes the place of its value."""
        self._waits.append(_Wait(_await_each(values, self.executor.is_awaitable), then))

    async def _await_all(self) -> None:
        tasks: dict[Future[Any], Callable[[Any], None]] = {}
        try:
            while True:
                waits, self._waits = self._waits, []
                if not tasks and len(waits) == 1:
                    # The usual case: no task for the only thing to wait for.
                    waits[0].then(await _outcome(waits[0].awaitable))
                else:
                    tasks.update((ensure_future(waiting.awaitable), waiting.then) for waiting in waits)
                    if not tasks:
                        return
                    await wait(tasks, return_when=FIRST_COMPLETED)
                    for task in [task for task in tasks if task.done()]:
                        tasks.pop(task)(await _outcome(task))
                self._drain()
        finally:
            if tasks:
                for task in tasks:
                    task.cancel()
                await gather(*tasks, return_exceptions=True)


async def _outcome(awaitable: Awaitable[Any]) -> Any:
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001  handed on as a value, to be located where it belongs
        return error


async def _await_each(values: list[Any], is_awaitable: Callable[[Any], bool]) -> list[Any]:
    places = [index for index, value in enumerate(values) if is_awaitable(value)]
    if len(places) == 1:
        outcomes = [await _outcome(values[places[0]])]
    else:
        outcomes = await gather(*(_outcome(values[index]) for index in places))
    settled = list(values)
    for index, outcome in zip(places, outcomes, strict=True):
        settled[index] = outcome
    return settled
