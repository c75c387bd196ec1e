"""What a new schema would break: its changes against an older one, and trusted documents that it cannot execute."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Final, NamedTuple

import strawberry
from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
)

from gql_api.schema.documents import DocumentCache, core_schema
from gql_api.schema.limits import Limits
from gql_api.schema.trusted_documents import invalid_documents

_NO_LIMITS: Final = Limits(**{row.name: sys.maxsize for row in fields(Limits)})
"""How large documents may be is no matter of the schema."""


class Severity(StrEnum):
    """What a change does to clients as they are."""

    BREAKING = "breaking"
    """Some documents that were valid cannot be executed any more, or are answered in a shape they did not allow for."""

    DANGEROUS = "dangerous"
    """All documents stay valid; a client that took an enum's values or a union's members for all may fail."""


class SchemaChange(NamedTuple):
    """One change: how bad it is, its kind as a constant, and what it is in words."""

    severity: Severity
    kind: str
    description: str


def read_schema(sdl: str) -> GraphQLSchema:
    """The schema that this text in GraphQL's definition language describes.

    Raises:
        GraphQLError: the text is not a schema.
    """
    try:
        return build_schema(sdl)
    except TypeError as error:  # how graphql-core tells that definitions contradict each other
        raise GraphQLError(str(error)) from error


def schema_changes(old: GraphQLSchema, new: strawberry.Schema) -> Iterator[SchemaChange]:
    """What differs from the older schema in a way that clients may notice, breaking changes first."""
    for breaking in find_breaking_changes(old, core_schema(new)):
        yield SchemaChange(Severity.BREAKING, breaking.type.name, breaking.description)
    for dangerous in find_dangerous_changes(old, core_schema(new)):
        yield SchemaChange(Severity.DANGEROUS, dangerous.type.name, dangerous.description)


def document_changes(trusted: Mapping[str, str], new: strawberry.Schema) -> Iterator[SchemaChange]:
    """The trusted documents that the schema cannot execute; each one is a client that would fail."""
    for document_id, reason in invalid_documents(trusted, DocumentCache(new, limits=_NO_LIMITS)):
        yield SchemaChange(Severity.BREAKING, "TRUSTED_DOCUMENT_INVALID", f"{document_id}: {reason}")
