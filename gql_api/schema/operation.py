"""An operation as it comes in and as it goes out, whatever transport carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from graphql import OperationType

from gql_api.identity import Principal
from gql_api.schema.error_format import FormattedError

__all__ = ["MUTATION", "SUBSCRIPTION", "Caller", "OperationRequest", "OperationResult", "OperationType"]

# Until Python 3.12, to find a member on its enumeration takes 1,300 instructions.
MUTATION: Final = OperationType.MUTATION
SUBSCRIPTION: Final = OperationType.SUBSCRIPTION


class OperationRequest(NamedTuple):
    """What a client asks for; the types are checked, the contents are not.

    Attributes:
        query: the text of the document; None where a persisted document is named instead.
        variables: the values of the operation's variables, as JSON gave them.
        operation_name: which operation of the document is meant; None where it has only one.
        extensions: the protocol's own extensions, such as `persistedQuery`.
        document_id: the id of a persisted document.
        reports_cost: whether the response is to say what the operation was counted to cost, and what it took.
    """

    query: str | None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None
    reports_cost: bool = False


class Caller(NamedTuple):
    """On whose behalf an operation runs.

    Attributes:
        request_id: under which its errors are logged.
        principal: who asks.
        rate_key: under which name the caller spends its rate limit; None if none holds.
    """

    request_id: str
    principal: Principal
    rate_key: str | None = None


class OperationResult(NamedTuple):
    """What became of an operation.

    Attributes:
        data: the response's data; None if there is none, or if an error reached the root.
        errors: the errors, each with its `extensions.code`; empty if there were none.
        executed: False if the operation was refused before its first resolver; its response then has no `data` entry.
        operation_type: query, mutation or subscription; None if the request did not say clearly.
        extensions: what else the response says; empty for most.
    """

    data: dict[str, Any] | None
    errors: Sequence[FormattedError]
    executed: bool
    operation_type: OperationType | None
    extensions: Mapping[str, Any] = MappingProxyType({})

    def response(self) -> dict[str, Any]:
        """The response map (spec §7.1); errors come first, as the specification advises."""
        response: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.executed:
            response["data"] = self.data
        if self.extensions:
            response["extensions"] = dict(self.extensions)
        return response
