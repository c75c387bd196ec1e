"""An operation: request in, document found, executed, errors masked, result out. No transport and no status here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from inspect import isawaitable
from typing import Any, TypeAlias, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor

from gql_api.errors import RequestRefused
from gql_api.schema.documents import Document, core_schema
from gql_api.schema.error_format import (
    FormattedError,
    format_failure,
    format_field_errors,
    format_request_error,
    refusal,
)
from gql_api.schema.operation import Caller, OperationRequest, OperationResult
from gql_api.schema.persisted import PersistedDocuments

ContextFactory: TypeAlias = Callable[[Caller], AbstractAsyncContextManager[Any]]
"""Opens the context of one operation and closes it when the operation has ended, however it ended."""


class GraphQLService:
    """Executes operations over one schema; the HTTP and WebSocket endpoints share it.

    Args:
        schema: the schema; its `execution_context_class` is the executor.
        documents: finds the document of a request, parsed and validated.
        open_context: makes the context that resolvers get, one per operation.
    """

    def __init__(
        self, schema: strawberry.Schema, *, documents: PersistedDocuments, open_context: ContextFactory
    ) -> None:
        self._schema = core_schema(schema)
        self._executor_class = cast("type[Executor[Any]]", schema.execution_context_class)
        self._documents = documents
        self._open_context = open_context

    async def execute(self, request: OperationRequest, *, caller: Caller, read_only: bool = False) -> OperationResult:
        """Execute a query or a mutation; with `read_only`, a query alone.

        Never raises for what a client sent nor for what a resolver did: both are errors in the result.
        """
        try:
            document = self._documents.find(request)
        except RequestRefused as refused:
            return _refused(refused.message, code=refused.code)
        if document.tree is None:
            return OperationResult(None, document.errors, executed=False, operation_type=None)
        operation_type = document.operation_type(request.operation_name)
        if operation_type is OperationType.SUBSCRIPTION or (read_only and operation_type is OperationType.MUTATION):
            return _refused(f"A {operation_type.value} cannot be executed this way.", operation_type=operation_type)
        try:
            async with self._open_context(caller) as context:
                return await self._execute(document, request, context, caller, operation_type)
        except Exception as error:  # noqa: BLE001 - the edge of an operation: nothing unexpected passes unmasked
            failure = format_failure(error, request_id=caller.request_id)
            return OperationResult(None, [failure], executed=False, operation_type=operation_type)

    async def _execute(
        self,
        document: Document,
        request: OperationRequest,
        context: Any,
        caller: Caller,
        operation_type: OperationType | None,
    ) -> OperationResult:
        # Built here and not by graphql.execute(), which gives a refused request and a null at the root the same form.
        executor = self._executor_class.build(
            self._schema,
            cast("Any", document.tree),
            None,
            context,
            request.variables,
            request.operation_name,
        )
        if isinstance(executor, list):
            errors = [_format_unbuilt(error) for error in executor]
            return OperationResult(None, errors, executed=False, operation_type=operation_type)
        pending = executor.execute_operation()
        result = cast("ExecutionResult", await pending if isawaitable(pending) else pending)
        errors = format_field_errors(result.errors, request_id=caller.request_id) if result.errors else []
        return OperationResult(result.data, errors, executed=True, operation_type=operation_type)


def _refused(
    message: str, *, code: str = RequestRefused.code, operation_type: OperationType | None = None
) -> OperationResult:
    return OperationResult(None, [refusal(message, code=code)], executed=False, operation_type=operation_type)


def _format_unbuilt(error: GraphQLError) -> FormattedError:
    """An operation that is not in the document, or variables that are not of their types (spec §6.1)."""
    return format_request_error(error, code="BAD_USER_INPUT")
