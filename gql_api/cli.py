"""The command line: `gql-api serve | migrate | verify | seed | import | student | token | schema`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api import __version__
from gql_api.app import GRAPHQL_PATH, application_from_environment, build_app
from gql_api.database.address import Dialect, parse_database_url
from gql_api.database.engine import create_engine
from gql_api.database.migrate import upgrade_to_head
from gql_api.database.schema_state import read_schema_status
from gql_api.database.statements import Entity
from gql_api.database.transactions import create_transactions
from gql_api.database.verify import verify
from gql_api.errors import (
    BadUserInput,
    DatabaseUnusable,
    IdentityNotConfigured,
    NotFound,
    OperatorError,
    SettingInvalid,
)
from gql_api.http.server import listen, run, shown
from gql_api.identity import Role
from gql_api.identity.claims import ROLES
from gql_api.identity.minting import mint
from gql_api.rosters.commands import import_command, seed_command
from gql_api.rosters.importing import ImportOptions
from gql_api.rosters.seeding import seed_demo
from gql_api.rosters.synthetic import Population
from gql_api.schema.changes import Severity
from gql_api.schema.commands import changes_command, compare_command, write_command
from gql_api.schema.global_id import KEY_MAX, decode_key
from gql_api.services.commands import erase_command, export_command, name_command, operator
from gql_api.services.unit_of_work import UnitsOfWork
from gql_api.settings import PREFIX, Settings

ResultT = TypeVar("ResultT")


class _Commands(click.Group):
    """Shows what an operator can mend, and what was not found, as one line, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (OperatorError, NotFound) as error:
            raise click.ClickException(error.message) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gql-api")
def main() -> None:
    """A GraphQL API server for students and courses. Settings are GQL_API_* environment variables; see the README."""


def _settings() -> Settings:
    # Read by the commands that need them: help is there for whoever got a variable wrong, too.
    return Settings.from_environment(os.environ)


@main.command()
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0: any that is free.")
@click.option("--workers", type=click.IntRange(1, 256), help="How many processes serve.")
@click.option("--demo", is_flag=True, help="Migrate first, and fill an empty database with invented students.")
@click.pass_context
def serve(context: click.Context, /, *, demo: bool, **given: Any) -> None:
    """Serve the API, and GraphiQL for browsers.

    An SQLite file is made and migrated if need be; PostgreSQL has to be at head (`gql-api migrate`). SIGTERM and
    Ctrl-C let requests in flight finish.
    """
    # Workers read the environment as this process does, so that is where the options go.
    os.environ.update({PREFIX + name.upper(): str(value) for name, value in given.items() if value is not None})
    settings = _settings()
    with listen(settings.host, settings.port) as listener:  # first of all: a port in use leaves the database alone
        _require_identity(settings, listener)
        if settings.workers > 1:
            build_app(settings)  # workers that cannot start would be started again for ever
        asyncio.run(_prepare(settings, migrates=demo or _is_sqlite(settings)))
        if demo and asyncio.run(_with_engine(settings, seed_demo)):
            click.echo("The database was empty: some students and courses were invented.")
        name = "GraphiQL" if settings.graphiql else "GraphQL"
        click.echo(f"{name}: http://{shown(settings.host)}:{listener.getsockname()[1]}{GRAPHQL_PATH}")
        started = run(
            listener,
            f"{application_from_environment.__module__}:{application_from_environment.__name__}",
            workers=settings.workers,
            message_bytes_max=settings.request_body_bytes_max,
            keep_alive_seconds=settings.keep_alive_seconds,
            trusted_proxies=settings.trusted_proxies.split(),
        )
        if not started:
            context.exit(1)


def _require_identity(settings: Settings, listener: socket.socket) -> None:
    """Serve no stranger everything unless told so; who can come depends on the address, not on its name.

    Raises:
        IdentityNotConfigured: they could come from elsewhere, and nobody has said that they may.
    """
    if settings.identifies or ip_address(listener.getsockname()[0]).is_loopback:
        return
    if settings.identity != "off":
        ways = " or ".join(f"{PREFIX}{name}" for name in ("JWT_SECRET", "JWT_PUBLIC_KEY_FILE", "OIDC_ISSUER"))
        raise IdentityNotConfigured(
            f"{shown(settings.host)} can be reached from elsewhere, and nobody would be asked who they are. "
            f"Set {ways}, or listen on 127.0.0.1, or let everybody do everything with {PREFIX}IDENTITY=off."
        )
    click.echo("Identity is off: whoever reaches this address may read and change everything.", err=True)


async def _prepare(settings: Settings, *, migrates: bool) -> None:
    """Bring the database to head if `migrates`, and go no further if it cannot be used."""
    if migrates:
        await _upgrade(settings)
    (await _with_engine(settings, read_schema_status)).require_head()
    address = parse_database_url(settings.database_url)
    if address.dialect is Dialect.SQLITE and not os.access(address.file, os.W_OK):
        raise DatabaseUnusable(f"The database file {address.file} is read-only.")


def _is_sqlite(settings: Settings) -> bool:
    return parse_database_url(settings.database_url).dialect is Dialect.SQLITE


@main.command()
def migrate() -> None:
    """Bring the database's schema to the newest revision; an SQLite file is made if need be."""
    applied = asyncio.run(_upgrade(_settings()))
    click.echo("\n".join(f"Applied {revision}." for revision in applied) or "The schema is at head already.")


@main.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--skip-invalid", is_flag=True, help="Leave out rows that break a rule, and those that need them.")
@click.option("--dry-run", is_flag=True, help="Do all of it, report, and take it back.")
@click.option("--faults", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="List all faults here.")
@click.pass_context
def import_roster(
    context: click.Context, /, *, path: Path, skip_invalid: bool, dry_run: bool, faults: Path | None
) -> None:
    """Import a OneRoster 1.1 or 1.2 bundle: a folder or a .zip. Exits with 1 if it was not imported.

    An SQLite file is made and migrated if need be; PostgreSQL has to be at head (`gql-api migrate`).
    """
    options = ImportOptions(skip_invalid=skip_invalid, dry_run=dry_run, faults_file=faults)
    if not asyncio.run(
        _into_database(_settings(), partial(import_command, path=path, options=options, actor=operator()))
    ):
        context.exit(1)


@main.command("seed")
@click.option("--students", type=int, default=1000, show_default=True, help="How many students to invent.")
@click.option("--courses", type=int, default=50, show_default=True, help="How many courses to invent.")
@click.option("--per-student", type=int, default=4, show_default=True, help="Courses of a student, on average.")
@click.option("--seed", type=int, default=1, show_default=True, help="Equal numbers give equal rows.")
def seed_database(*, students: int, courses: int, per_student: int, seed: int) -> None:
    """Fill an empty database with invented students, courses and assignments.

    An SQLite file is made and migrated if need be; PostgreSQL has to be at head (`gql-api migrate`).
    """
    population = Population(students=students, courses=courses, per_student=per_student, seed=seed)
    asyncio.run(_into_database(_settings(), partial(seed_command, population=population)))


async def _into_database(settings: Settings, fill: Callable[[AsyncEngine], Awaitable[ResultT]]) -> ResultT:
    await _prepare(settings, migrates=_is_sqlite(settings))
    return await _with_engine(settings, fill)


@main.command("verify")
@click.pass_context
def verify_command(context: click.Context) -> None:
    """Check a live database: schema, references, duplicates, seats. Exits with 1 if anything is wrong."""
    report = asyncio.run(_with_engine(_settings(), verify))
    click.echo(str(report))
    if not report.is_sound:
        context.exit(1)


class _StudentId(click.ParamType[int]):
    """A student's key, given as `databaseId` or as the opaque `id`; the key of 007 is no other student's than of 7."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text.isascii() and text.isdigit():
            key = int(text[: len(str(KEY_MAX)) + 1])
            return key if 0 < key <= KEY_MAX else self.fail(f"{text!r} is no student's databaseId.", param, ctx)
        try:
            return decode_key(text, Entity.STUDENT, argument="ID")
        except BadUserInput as error:
            self.fail(f"{error.message} The integer databaseId will do, too.", param, ctx)


@main.group()
def student() -> None:
    """Give out, or erase, what is stored about one student."""


@student.command()
@click.argument("student_id", metavar="ID", type=_StudentId())
def export(student_id: int) -> None:
    """Print all that is stored about the student ID as JSON: record, assignments, events, and the audit's entries.

    ID is the student's databaseId or id. The audit takes note of it.
    """
    click.echo(asyncio.run(_with_units_of_work(_settings(), partial(export_command, student_id=student_id))))


@student.command()
@click.argument("student_id", metavar="ID", type=_StudentId())
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(*, student_id: int, yes: bool) -> None:
    """Erase name, e-mail address and sourcedId of the student ID, for good.

    ID is the student's databaseId or id. Assignments, counts and the audit stay; the audit takes note of it. Asked
    again, it finds nothing to erase.
    """
    settings = _settings()
    if not yes:
        who = asyncio.run(_with_units_of_work(settings, partial(name_command, student_id=student_id)))
        click.confirm(f"Erase the personal data of {who}? This cannot be taken back.", abort=True)
    click.echo(asyncio.run(_with_units_of_work(settings, partial(erase_command, student_id=student_id))))


class _WriteByDefault(click.Group):
    """`gql-api schema [--check] [FILE]` is short for `gql-api schema write [--check] [FILE]`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_named = bool(args) and (args[0] in self.commands or args[0] in self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if is_named else ["write", *args])


@main.group(cls=_WriteByDefault)
def schema() -> None:
    """Write the schema, or check what it would break.

    Without the name of a command it is written: `gql-api schema FILE` is `gql-api schema write FILE`.
    """


@schema.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if FILE differs from the schema.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="schema.graphql")
def write(*, check: bool, file: Path) -> None:
    """Write the schema in GraphQL's definition language to FILE, schema.graphql by default."""
    if check:
        compare_command(file)
    else:
        write_command(file)


@schema.command()
@click.option("--against", type=click.Path(path_type=Path), required=True, help="The schema that clients know.")
@click.option(
    "--trusted-documents",
    type=click.Path(path_type=Path),
    envvar=f"{PREFIX}TRUSTED_DOCUMENTS",
    help="A manifest whose documents have to be valid, too; by default the one that is served.",
)
@click.pass_context
def check(context: click.Context, /, *, against: Path, trusted_documents: Path | None) -> None:
    """Report changes that may break clients; exit with 1 if any does.

    Breaking are changes by which documents that were valid become invalid, and trusted documents that are invalid.
    Dangerous are changes that a client may not be ready for, such as a new value of an enum.
    """
    changes = changes_command(against, trusted_documents)
    for change in changes:
        click.echo(f"{change.severity:<9}  {change.kind}: {change.description}")
    if any(change.severity is Severity.BREAKING for change in changes):
        context.exit(1)


@main.command()
@click.option(
    "--role", type=click.Choice([role.value for role in reversed(ROLES)]), required=True, help="Whose rights."
)
@click.option("--student", type=click.IntRange(1), help="Which student: the key (`databaseId`).")
@click.option("--subject", default="development", show_default=True, help="The name in the audit (`sub`).")
@click.option("--minutes", type=click.IntRange(1, 525_600), default=60, show_default=True, help="How long.")
def token(*, role: str, student: int | None, subject: str, minutes: int) -> None:
    """Print a token for development, signed with GQL_API_JWT_SECRET: the value of `Authorization: Bearer`."""
    settings = _settings()
    if not settings.jwt_secret:
        raise SettingInvalid(f"{PREFIX}JWT_SECRET is not there; tokens can be made with a shared secret alone.")
    if student is not None and role != Role.STUDENT:
        raise click.UsageError("--student goes with --role student alone.")
    click.echo(
        mint(
            settings.jwt_secret,
            Role(role),
            subject=subject,
            seconds=minutes * 60,
            student_id=student,
            issuer=settings.jwt_issuer or None,
            audience=settings.jwt_audience or None,
            role_claim=settings.role_claim,
        )
    )


async def _upgrade(settings: Settings) -> tuple[str, ...]:
    # Only if need be: migrating waits for SQLite's lock, which an import may hold for a while.
    status = await _with_engine(settings, read_schema_status)
    return () if status.is_ready else await upgrade_to_head(settings.database_url)


async def _with_units_of_work(settings: Settings, use: Callable[[UnitsOfWork], Awaitable[ResultT]]) -> ResultT:
    await _prepare(settings, migrates=False)
    transactions = create_transactions(
        settings.database_url, pool_size=1, busy_timeout_seconds=settings.busy_timeout_seconds
    )
    try:
        return await use(UnitsOfWork(transactions))
    finally:
        await transactions.close()


async def _with_engine(settings: Settings, use: Callable[[AsyncEngine], Awaitable[ResultT]]) -> ResultT:
    engine = create_engine(
        settings.database_url, pool_size=settings.pool_size, busy_timeout_seconds=settings.busy_timeout_seconds
    )
    try:
        return await use(engine)
    finally:
        await engine.dispose()
