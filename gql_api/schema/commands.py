"""`gql-api schema`, save for its options: writes the schema, and compares it with what clients rely on."""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLError, GraphQLSchema
from graphql.execution import Executor

from gql_api.errors import SchemaFileUnusable
from gql_api.schema.build import build_schema, schema_text
from gql_api.schema.changes import SchemaChange, document_changes, read_schema, schema_changes
from gql_api.schema.trusted_documents import read_manifest


def write_command(file: Path) -> None:
    """Write the schema in GraphQL's definition language.

    Raises:
        SchemaFileUnusable: the file cannot be written.
    """
    try:
        file.write_bytes(schema_text().encode())
    except OSError as error:
        raise SchemaFileUnusable(f"The file {file} cannot be written: {error.strerror}.") from error


def compare_command(file: Path) -> None:
    """See that the file holds the schema of this program, byte for byte.

    Raises:
        SchemaFileUnusable: it does not, is missing, or cannot be read.
    """
    if not file.exists() or _read(file) != schema_text().encode():
        raise SchemaFileUnusable(f"{file} is not the schema of this program; run `gql-api schema`.")


def changes_command(file: Path, manifest: Path | None) -> list[SchemaChange]:
    """What has changed since the schema in `file`, and the documents of the manifest that are invalid now.

    Raises:
        SchemaFileUnusable: the file cannot be read, or is not a schema.
        ManifestUnusable: see `read_manifest`.
    """
    schema = build_schema(executor_class=Executor)
    changes = list(schema_changes(_read_schema(file), schema))
    if manifest is not None:
        changes += document_changes(read_manifest(manifest), schema)
    return changes


def _read_schema(file: Path) -> GraphQLSchema:
    try:
        return read_schema(_read(file).decode())
    except UnicodeDecodeError as error:
        raise SchemaFileUnusable(f"{file} is not a schema: it is not UTF-8.") from error
    except GraphQLError as error:
        raise SchemaFileUnusable(f"{file} is not a schema: {error.message}") from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SchemaFileUnusable(f"The file {file} cannot be read: {error.strerror}.") from error
