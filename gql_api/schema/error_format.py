"""How an error is shown: its code always, its message where it is fit to be shown, otherwise a mask."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final, TypedDict

from graphql import GraphQLError, ValueNode

from gql_api.errors import DatabaseUnusable, DomainError, OutcomeUnknown, RateLimited, RequestRefused

logger = logging.getLogger(__name__)

MESSAGE_CHARACTERS_MAX: Final = 1000
"""Longer messages are cut: they quote names from the request, and one name can come back in every error."""

TRY_AGAIN: Final = "This cannot be done at the moment; try again later."
OUTCOME_UNKNOWN: Final = (
    "The database broke off at the very end: this was done wholly, or not at all. Look which, before it is done again."
)

_LOGGED_TRACEBACKS_MAX = 3


class FormattedError(TypedDict, total=False):
    """An error as the response carries it (spec §7.1.2)."""

    message: str
    locations: list[dict[str, int]]
    path: list[str | int]
    extensions: dict[str, Any]


def refusal(message: str, *, code: str, **facts: str | int) -> FormattedError:
    """An error that concerns the request as a whole: without a place in the document; the facts go with the code."""
    return {"message": _cut(message), "extensions": {"code": code, **facts}}


def format_rate_limited(limited: RateLimited) -> FormattedError:
    """The refusal of a caller who has spent what it may; says when to come again."""
    return refusal(limited.message, code=limited.code, retryAfterSeconds=limited.seconds)


def format_request_error(error: GraphQLError, *, code: str) -> FormattedError:
    """An error found before execution: in the syntax, by validation, or in the variables' values."""
    return _formatted(error, _cut(error.message), {"code": code})


def format_field_errors(
    errors: Sequence[GraphQLError], *, request_id: str, errors_max: int = 1000
) -> list[FormattedError]:
    """The first `errors_max` errors of an execution.

    One that the program did not raise knowingly is masked, and logged with the id, whether or not it is listed.
    """
    formatted: list[FormattedError] = []
    unexpected: list[GraphQLError] = []
    for error in errors:
        shown = _shown(error)
        if shown is None:
            unexpected.append(error)
        if len(formatted) < errors_max:
            formatted.append(_formatted(error, *(shown or _mask(error, request_id))))
    if unexpected:
        _log(unexpected, request_id=request_id)
    return formatted


def format_failure(error: Exception, *, request_id: str) -> FormattedError:
    """An exception that ended the operation itself, by the same rule as the errors of its fields."""
    (formatted,) = format_field_errors([GraphQLError(str(error), original_error=error)], request_id=request_id)
    return formatted


def can_be_sent_again(errors: Sequence[FormattedError]) -> bool:
    """Whether all that stood in the way will pass, and nothing was done: then the same request may come again."""
    return all(error["extensions"]["code"] == "OVERLOADED" and "outcome" not in error["extensions"] for error in errors)


def _shown(error: GraphQLError) -> tuple[str, dict[str, Any]] | None:
    """The message and the extensions that may be shown, or None for an error that nobody meant to be seen."""
    cause = _root_cause(error)
    if isinstance(cause, RequestRefused):
        return _cut(cause.message), {"code": cause.code}
    if isinstance(cause, DomainError):
        return _cut(cause.message), {"code": "BAD_USER_INPUT"}
    if isinstance(cause, GraphQLError):
        if cause.extensions and "code" in cause.extensions:
            return _cut(cause.message), dict(cause.extensions)
        # graphql-core points at a value in the document only where that value could not be an argument.
        if cause.nodes and isinstance(cause.nodes[0], ValueNode):
            return _cut(cause.message), {"code": "BAD_USER_INPUT"}
    return None


def _root_cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _mask(error: GraphQLError, request_id: str) -> tuple[str, dict[str, Any]]:
    """What is shown instead; a client may try again where the request was not to blame and no fault of ours either."""
    cause = _root_cause(error)
    if isinstance(cause, OutcomeUnknown):
        return OUTCOME_UNKNOWN, {"code": "OVERLOADED", "outcome": "UNKNOWN", "requestId": request_id}
    if isinstance(cause, DatabaseUnusable):
        return TRY_AGAIN, {"code": "OVERLOADED", "requestId": request_id}
    return "Internal server error", {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id}


def _formatted(error: GraphQLError, message: str, extensions: dict[str, Any]) -> FormattedError:
    formatted: FormattedError = {"message": message}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        formatted["path"] = error.path
    formatted["extensions"] = extensions
    return formatted


def _cut(message: str) -> str:
    return message if len(message) <= MESSAGE_CHARACTERS_MAX else message[: MESSAGE_CHARACTERS_MAX - 1] + "…"


def _log(errors: Sequence[GraphQLError], *, request_id: str) -> None:
    """Log a few of the errors with their tracebacks: a fault in a list's items comes once per item."""
    for error in errors[:_LOGGED_TRACEBACKS_MAX]:
        cause = _root_cause(error)
        if isinstance(cause, DatabaseUnusable):
            logger.error("%s Asked for at %s, request %s", cause.message, error.path, request_id)
        else:
            logger.error("Unexpected error at %s, request %s", error.path, request_id, exc_info=cause)
    if len(errors) > _LOGGED_TRACEBACKS_MAX:
        rest = len(errors) - _LOGGED_TRACEBACKS_MAX
        logger.error("%d more unexpected errors in request %s", rest, request_id)
