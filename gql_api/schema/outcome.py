"""What became of an operation, put as its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, FieldNode
from graphql.execution import Executor

from gql_api.errors import RequestRefused
from gql_api.schema.error_format import (
    FormattedError,
    can_be_sent_again,
    format_failure,
    format_field_errors,
    refusal,
)
from gql_api.schema.operation import MUTATION, Caller, OperationResult, OperationType


def executed(
    result: ExecutionResult, operation_type: OperationType | None, *, request_id: str, errors_max: int
) -> OperationResult:
    """The result of an execution; the errors beyond `errors_max` are a number in its extensions."""
    if not result.errors:
        return OperationResult(result.data, [], executed=True, operation_type=operation_type)
    errors = format_field_errors(result.errors, request_id=request_id, errors_max=errors_max)
    omitted = len(result.errors) - len(errors)
    extensions = {"errorsOmitted": omitted} if omitted else {}
    return OperationResult(result.data, errors, executed=True, operation_type=operation_type, extensions=extensions)


def with_report(result: OperationResult, *, cost: int, cost_max: int, statements: int) -> OperationResult:
    """The result with what the operation was counted to cost, and how many SQL statements it took."""
    report = {"cost": {"requested": cost, "maximum": cost_max}, "statements": statements}
    return result._replace(extensions={**result.extensions, **report})


def came_to_nothing(result: OperationResult, executor: Executor[Any]) -> bool:
    """Whether the database let nothing of the operation come true, so that it is as if it had never been begun."""
    if not result.errors or (result.data is not None and any(value is not None for value in result.data.values())):
        return False
    if result.operation_type is MUTATION and not _failed_at_its_only_field(result.errors, executor):
        return False
    return can_be_sent_again(result.errors)


def _failed_at_its_only_field(errors: Sequence[FormattedError], executor: Executor[Any]) -> bool:
    """Whether a mutation did nothing: of several fields the first may be done, and what failed below one, was done."""
    selections = executor.operation.selection_set.selections
    return len(selections) == 1 and isinstance(selections[0], FieldNode) and len(errors[0].get("path", ())) == 1


def refused_result(
    message: str, *, code: str = RequestRefused.code, operation_type: OperationType | None = None
) -> OperationResult:
    """The result of an operation that was not begun."""
    return OperationResult(None, [refusal(message, code=code)], executed=False, operation_type=operation_type)


def failed_result(error: Exception, caller: Caller, operation_type: OperationType | None) -> OperationResult:
    """The result of an operation that an exception has ended."""
    failure = format_failure(error, request_id=caller.request_id)
    return OperationResult(None, [failure], executed=False, operation_type=operation_type)
