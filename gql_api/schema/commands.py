"""`gql-api schema`: writes the schema for who generates code from it, and compares it with what clients rely on."""

from __future__ import annotations

from pathlib import Path

import click
from graphql import GraphQLError, GraphQLSchema
from graphql.execution import Executor

from gql_api.schema.build import build_schema, schema_text
from gql_api.schema.changes import SchemaChange, Severity, document_changes, read_schema, schema_changes
from gql_api.schema.trusted_documents import read_manifest

_FILE = click.Path(dir_okay=False, path_type=Path)


class _WriteByDefault(click.Group):
    """`gql-api schema [--check] [FILE]` is short for `gql-api schema write [--check] [FILE]`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_named = bool(args) and (args[0] in self.commands or args[0] in self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if is_named else ["write", *args])


@click.group("schema", cls=_WriteByDefault)
def schema_commands() -> None:
    """Write the schema, or check what it would break.

    Without the name of a command it is written: `gql-api schema FILE` is `gql-api schema write FILE`.
    """


@schema_commands.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if FILE differs from the schema.")
@click.argument("file", type=_FILE, default="schema.graphql")
def write(*, check: bool, file: Path) -> None:
    """Write the schema in GraphQL's definition language to FILE, schema.graphql by default."""
    text = schema_text().encode()
    try:
        if not check:
            file.write_bytes(text)
        elif not file.exists() or file.read_bytes() != text:
            raise click.ClickException(f"{file} is not the schema of this program; run `gql-api schema`.")
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error


@schema_commands.command("check")
@click.option("--against", "file", type=_FILE, required=True, help="The schema that clients know, as it was written.")
@click.option(
    "--trusted-documents",
    "manifest",
    type=_FILE,
    envvar="GQL_API_TRUSTED_DOCUMENTS",
    help="A manifest whose documents have to be valid, too; by default the one that is served.",
)
@click.pass_context
def check_changes(context: click.Context, /, *, file: Path, manifest: Path | None) -> None:
    """Report changes that may break clients; exit with 1 if any does.

    Breaking are changes by which documents that were valid become invalid, and trusted documents that are invalid.
    Dangerous are changes that a client may not be ready for, such as a new value of an enum.
    """
    schema = build_schema(executor_class=Executor)
    changes = list(schema_changes(_read_schema(file), schema))
    if manifest is not None:
        changes += document_changes(read_manifest(manifest), schema)
    for change in changes:
        click.echo(_line(change))
    if any(change.severity is Severity.BREAKING for change in changes):
        context.exit(1)


def _read_schema(file: Path) -> GraphQLSchema:
    try:
        return read_schema(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not a schema: it is not UTF-8.") from error
    except GraphQLError as error:
        raise click.ClickException(f"{file} is not a schema: {error.message}") from error


def _line(change: SchemaChange) -> str:
    return f"{change.severity:<9}  {change.kind}: {change.description}"
