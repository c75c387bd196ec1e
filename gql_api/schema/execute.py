"""An operation: request in, document found, executed, errors masked, result out. No transport and no status here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from inspect import isawaitable
from typing import Any, NamedTuple, TypeAlias, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor

from gql_api.errors import RequestRefused
from gql_api.schema.documents import Document, DocumentCache, core_schema
from gql_api.schema.error_format import (
    FormattedError,
    format_failure,
    format_field_errors,
    format_request_error,
    refusal,
)

__all__ = ["Caller", "ContextFactory", "GraphQLService", "OperationRequest", "OperationResult", "OperationType"]


class OperationRequest(NamedTuple):
    """What a client asks for, whatever brought it here; the types are checked, the contents are not.

    Attributes:
        query: the text of the document; None where a persisted document is named instead.
        variables: the values of the operation's variables, as JSON gave them.
        operation_name: which operation of the document is meant; None where it has only one.
        extensions: the protocol's own extensions, such as `persistedQuery`.
        document_id: the id of a trusted document.
    """

    query: str | None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None


class Caller(NamedTuple):
    """On whose behalf an operation runs, and under which id its errors are logged."""

    request_id: str
    principal: Any = None


class OperationResult(NamedTuple):
    """What became of an operation.

    Attributes:
        data: the response's data; None if there is none, or if an error reached the root.
        errors: the errors, each with its `extensions.code`; empty if there were none.
        executed: False if the operation was refused before its first resolver; its response then has no `data` entry.
        operation_type: query, mutation or subscription; None if the request did not say clearly.
    """

    data: dict[str, Any] | None
    errors: Sequence[FormattedError]
    executed: bool
    operation_type: OperationType | None

    def response(self) -> dict[str, Any]:
        """The response map (spec §7.1); errors come first, as the specification advises."""
        if not self.executed:
            return {"errors": self.errors}
        if self.errors:
            return {"errors": self.errors, "data": self.data}
        return {"data": self.data}


ContextFactory: TypeAlias = Callable[[Caller], AbstractAsyncContextManager[Any]]
"""Opens the context of one operation and closes it when the operation has ended, however it ended."""


class GraphQLService:
    """Executes operations over one schema; the HTTP and WebSocket endpoints share it.

    Args:
        schema: the schema; its `execution_context_class` is the executor.
        documents: the parsed and validated documents.
        open_context: makes the context that resolvers get, one per operation.
    """

    def __init__(self, schema: strawberry.Schema, *, documents: DocumentCache, open_context: ContextFactory) -> None:
        self._schema = core_schema(schema)
        self._executor_class = cast("type[Executor[Any]]", schema.execution_context_class)
        self._documents = documents
        self._open_context = open_context

    async def execute(self, request: OperationRequest, *, caller: Caller, read_only: bool = False) -> OperationResult:
        """Execute a query or a mutation; with `read_only`, a query alone.

        Never raises for what a client sent nor for what a resolver did: both are errors in the result.
        """
        try:
            document = self._find(request)
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

    def _find(self, request: OperationRequest) -> Document:
        if request.query is None:
            raise RequestRefused("The request names no document.")
        return self._documents.get(request.query)

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
