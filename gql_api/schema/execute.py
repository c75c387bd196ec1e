"""An operation: request in, document found, executed, errors masked, result out. No transport and no status here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from inspect import isawaitable
from typing import Any, TypeAlias, cast

import orjson
import strawberry
from graphql import DocumentNode, ExecutionResult, OperationType
from graphql.execution import (
    Executor,
    create_source_event_stream,
    execute_subscription_event,
)

from gql_api.admission import Admission, RateLimit
from gql_api.errors import Overloaded, RateLimited, RequestRefused
from gql_api.identity import RIGHTS, RightsTable, require_changes, require_events
from gql_api.schema.cost import MeasuredOperation
from gql_api.schema.documents import Document, core_schema
from gql_api.schema.error_format import (
    format_rate_limited,
    format_request_error,
)
from gql_api.schema.limits import Limits, too_expensive
from gql_api.schema.operation import MUTATION, SUBSCRIPTION, Caller, OperationRequest, OperationResult
from gql_api.schema.outcome import came_to_nothing, executed, failed_result, refused_result, with_report
from gql_api.schema.persisted import PersistedDocuments
from gql_api.schema.shared_answers import Question, SharedAnswers

ContextFactory: TypeAlias = Callable[[Caller], Any]
"""Makes the context of one operation, which holds nothing that would have to be let go.

The context's attribute `statements`, how many SQL statements it has run, is read where the client asks for it.
"""

_Answer: TypeAlias = Callable[[Any], Awaitable[OperationResult]]
"""Gives the answer to an event."""


class GraphQLService:
    """Executes operations over one schema; the HTTP and WebSocket endpoints share it.

    Args:
        schema: the schema; its `execution_context_class` is the executor.
        documents: finds the document of a request, parsed and validated.
        make_context: makes the context that resolvers get, one per operation.
        rights: who may change anything, and who may listen; what is seen, `make_context` decides.
        admission: lets operations in, and bounds their time; shared with whatever else executes in this worker.
        limits: what an operation may cost, and how many errors are listed.
        rate_limit: what a caller may spend in a minute; None: as much as it wants.
        hide_suggestions: leaves "Did you mean …" out of what is said about variables.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        documents: PersistedDocuments,
        make_context: ContextFactory,
        rights: RightsTable = RIGHTS,
        admission: Admission | None = None,
        limits: Limits | None = None,
        rate_limit: RateLimit | None = None,
        hide_suggestions: bool = False,
    ) -> None:
        self._schema = core_schema(schema)
        self._executor_class = cast("type[Executor[Any]]", schema.execution_context_class)
        self._documents = documents
        self._make_context = make_context
        self._rights = rights
        self._admission = admission or Admission()
        self._limits = limits or Limits()
        self._rate_limit = rate_limit
        self._hide_suggestions = hide_suggestions
        self._shared_answers = SharedAnswers()

    def require_room(self) -> None:
        """Refuse early, before a request is even parsed; see `Admission.require_room`.

        Raises:
            Overloaded: too many operations execute and wait already.
        """
        self._admission.require_room()

    def charge(self, caller: Caller, cost: int = 1) -> None:
        """Let the caller spend so much: 1 for each request, before it is parsed, and the rest when its cost is known.

        Raises:
            RateLimited: the caller has spent too much of late.
        """
        if self._rate_limit is not None and caller.rate_key is not None and cost > 0:
            self._rate_limit.charge(caller.rate_key, cost)

    async def execute(
        self, request: OperationRequest, *, caller: Caller, read_only: bool = False, seconds: float | None = None
    ) -> OperationResult:
        """Execute a query or a mutation; with `read_only`, a query alone.

        Never raises for what a client sent nor for what a resolver did, nor if there is no room or time for it: all of
        these are errors in the result.

        Args:
            request: what is asked for.
            caller: who asks.
            read_only: whether only a query may be executed.
            seconds: how long it may take, if the client wants to wait for less than is allowed.
        """
        operate = partial(self._execute, request, caller, read_only=read_only)
        try:
            return await self._admission.run(operate, seconds=seconds)
        except RequestRefused as refused:
            return refused_result(refused.message, code=refused.code)

    async def _execute(self, request: OperationRequest, caller: Caller, *, read_only: bool) -> OperationResult:
        document = self._find(request)
        if isinstance(document, OperationResult):
            return document
        operation = document.operation(request.operation_name)
        operation_type = None if operation is None else operation.type
        if operation_type is SUBSCRIPTION or (read_only and operation_type is MUTATION):
            allowed = "queries" if read_only else "queries and mutations"
            message = f"A {operation_type.value} cannot be executed this way; only {allowed} can."
            return refused_result(message, operation_type=operation_type)
        cost = self._cost(operation, request, caller)
        if isinstance(cost, OperationResult):
            return cost
        try:
            context = self._make_context(caller)
            executor = self._build(document, request, context, caller)
            if isinstance(executor, OperationResult):
                return executor
            pending: Any = executor.execute_operation()
            result = self._executed(await pending if isawaitable(pending) else pending, caller, operation_type)
            if request.reports_cost:
                result = self._with_report(result, cost, context)
            return result._replace(executed=False) if came_to_nothing(result, executor) else result
        except Exception as error:  # noqa: BLE001 - the edge of an operation: nothing unexpected passes unmasked
            return failed_result(error, caller, operation_type)

    @asynccontextmanager
    async def stream(
        self, request: OperationRequest, *, caller: Caller, read_only: bool = False, seconds: float | None = None
    ) -> AsyncIterator[AsyncIterator[OperationResult] | OperationResult]:
        """Do whatever the request asks for: subscribe, or else execute; for transports that carry many results.

        `read_only` and `seconds` are those of `execute`, and mean nothing to a subscription.
        """
        try:
            self._admission.require_room()
        except Overloaded as refused:
            yield refused_result(refused.message, code=refused.code)
            return
        document = self._find(request)
        if not isinstance(document, OperationResult):
            operation_type = document.operation_type(request.operation_name)
            if operation_type is not SUBSCRIPTION:
                yield await self.execute(request, caller=caller, read_only=read_only, seconds=seconds)
                return
        async with self.subscribe(request, caller=caller) as outcome:
            yield outcome

    @asynccontextmanager
    async def subscribe(
        self, request: OperationRequest, *, caller: Caller
    ) -> AsyncIterator[AsyncIterator[OperationResult] | OperationResult]:
        """Start a subscription: its results as events happen, or the one result that says why there are none.

        Whatever the subscription holds is let go when the context manager is left. Each event is answered in a context
        of its own, so that nothing which was loaded for one event is shown for another. Starting and answering take a
        place and have a deadline each; while nothing happens the subscription holds neither.
        """
        document = self._find(request)
        if isinstance(document, OperationResult):
            yield document
            return
        operation = document.operation(request.operation_name)
        operation_type = None if operation is None else operation.type
        if operation_type not in {SUBSCRIPTION, None}:
            yield refused_result("Only a subscription can be subscribed to.", operation_type=operation_type)
            return
        cost = self._cost(operation, request, caller)
        if isinstance(cost, OperationResult):
            yield cost
            return
        async with AsyncExitStack() as stack:
            try:
                start = partial(self._open_stream, document, request, caller, stack, cost=cost)
                outcome = await self._admission.run(start)
            except Exception as error:  # noqa: BLE001 - as in execute()
                outcome = failed_result(error, caller, SUBSCRIPTION)
            yield outcome

    async def _open_stream(
        self,
        document: Document,
        request: OperationRequest,
        caller: Caller,
        stack: AsyncExitStack,
        *,
        cost: int,
    ) -> AsyncIterator[OperationResult] | OperationResult:
        executor = self._build(document, request, self._make_context(caller), caller)
        if isinstance(executor, OperationResult):
            return executor
        source = await _result_of(create_source_event_stream(executor))
        if isinstance(source, ExecutionResult):
            return self._executed(source, caller, SUBSCRIPTION)._replace(executed=False)
        # A source that was never iterated is not closed by whoever would have iterated it.
        if hasattr(source, "aclose"):
            stack.push_async_callback(source.aclose)
        answer = partial(self._answer, executor, caller, reported_cost=cost if request.reports_cost else None)
        answers = self._answers(source, answer, caller, _question(document, request, caller))
        return await stack.enter_async_context(aclosing(answers))

    async def _answers(
        self, source: AsyncIterable[Any], answer: _Answer, caller: Caller, question: Question | None
    ) -> AsyncGenerator[OperationResult, None]:
        """Map each event to its answer (spec §6.2.3.2)."""

        def work_out(event: Any) -> Awaitable[OperationResult]:
            # Patient: an event that was refused would be lost. There are no more of these than there are subscribers.
            return self._admission.run(partial(answer, event), patient=True)

        try:
            async for event in source:
                if question is None:
                    yield await work_out(event)
                else:
                    yield await self._shared_answers.get(question, event, partial(work_out, event))
        except Exception as error:  # noqa: BLE001 - as in execute()
            yield failed_result(error, caller, SUBSCRIPTION)

    async def _answer(
        self, executor: Executor[Any], caller: Caller, event: Any, *, reported_cost: int | None
    ) -> OperationResult:
        event_executor = executor.build_per_event_executor(event)
        context = event_executor.context_value = self._make_context(caller)
        executed = await _result_of(execute_subscription_event(event_executor))
        result = self._executed(executed, caller, SUBSCRIPTION)
        return result if reported_cost is None else self._with_report(result, reported_cost, context)

    def _find(self, request: OperationRequest) -> Document | OperationResult:
        """The valid document of the request, or the result that refuses it."""
        try:
            document = self._documents.find(request)
        except RequestRefused as refused:
            return refused_result(refused.message, code=refused.code)
        if document.tree is None:
            return OperationResult(None, document.errors, executed=False, operation_type=None)
        return document

    def _cost(
        self, operation: MeasuredOperation | None, request: OperationRequest, caller: Caller
    ) -> int | OperationResult:
        """What the operation asks for, known before its variables are coerced; or the result that refuses too much.

        The caller has paid 1 for the request already, and pays the rest here.
        """
        if operation is None:  # which is refused when its executor is built
            return 0
        refusals = operation.refusals
        if not refusals:
            cost = operation.cost(request.variables)
            if cost <= self._limits.cost_max:
                try:
                    self.charge(caller, cost - 1)
                except RateLimited as limited:
                    refusals = (format_rate_limited(limited),)
                else:
                    return cost
            else:
                refusals = (too_expensive("cost", cost, self._limits.cost_max),)
        return OperationResult(None, refusals, executed=False, operation_type=operation.type)

    def _executed(
        self, result: ExecutionResult, caller: Caller, operation_type: OperationType | None
    ) -> OperationResult:
        return executed(result, operation_type, request_id=caller.request_id, errors_max=self._limits.errors_max)

    def _with_report(self, result: OperationResult, cost: int, context: Any) -> OperationResult:
        return with_report(result, cost=cost, cost_max=self._limits.cost_max, statements=context.statements)

    def _build(
        self, document: Document, request: OperationRequest, context: Any, caller: Caller
    ) -> Executor[Any] | OperationResult:
        """The executor of the operation, or the result that says why there is none (spec §6.1).

        Made here and not by graphql.execute(), which gives a refused request and a null at the root the same form.
        """
        executor = self._executor_class.build(
            self._schema,
            cast("DocumentNode", document.tree),
            None,
            context,
            request.variables,
            request.operation_name,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            listed = executor[: self._limits.errors_max]
            errors = [format_request_error(error, code="BAD_USER_INPUT") for error in listed]
            operation_type = document.operation_type(request.operation_name)
            return OperationResult(None, errors, executed=False, operation_type=operation_type)
        return self._forbidden(executor.operation.operation, caller) or executor

    def _forbidden(self, operation_type: OperationType, caller: Caller) -> OperationResult | None:
        """The result that refuses what the caller may not do at all; None if the operation may go on.

        Asked of the operation, not of its fields, so that no mutation can be added without it.
        """
        try:
            if operation_type is MUTATION:
                require_changes(caller.principal, self._rights)
            elif operation_type is SUBSCRIPTION:
                require_events(caller.principal, self._rights)
        except RequestRefused as refused:
            return refused_result(refused.message, code=refused.code, operation_type=operation_type)
        return None


async def _result_of(pending: Any) -> Any:
    return await pending if isawaitable(pending) else pending


def _question(document: Document, request: OperationRequest, caller: Caller) -> Question | None:
    """What is asked about the events of a subscription; None if that cannot be compared with what others ask."""
    variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS)
    asked = request.operation_name, variables, request.reports_cost, caller.principal
    try:
        return Question(cast("DocumentNode", document.tree), *asked)
    except TypeError:
        return None
