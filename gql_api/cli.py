"""The command line: `gql-api serve | migrate | verify | seed | import | schema`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import uvicorn
import uvicorn.supervisors

from gql_api.app import GRAPHQL_PATH, application_from_environment
from gql_api.database.address import Dialect, parse_database_url
from gql_api.database.engine import create_engine
from gql_api.database.migrate import upgrade_to_head
from gql_api.database.schema_state import read_schema_status
from gql_api.database.verify import verify
from gql_api.errors import AddressInUse, OperatorError
from gql_api.schema.build import schema_text
from gql_api.settings import PREFIX, Settings

BACKLOG = 2048
"""Connections that may wait to be accepted."""

GRACEFUL_SHUTDOWN_SECONDS = 10
"""How long requests in flight may take to finish after SIGTERM."""


class _Commands(click.Group):
    """Shows the errors that an operator can mend as one line, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except OperatorError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gql-api")
@click.pass_context
def main(context: click.Context) -> None:
    """A GraphQL API server for students and courses. Settings are GQL_API_* environment variables; see the README."""
    context.obj = Settings.from_environment(os.environ)


@main.command()
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0: any that is free.")
@click.option("--workers", type=click.IntRange(1, 256), help="How many processes serve.")
@click.option("--demo", is_flag=True, help="Migrate first, and fill an empty database with invented students.")
@click.pass_obj
def serve(settings: Settings, /, *, demo: bool, **given: Any) -> None:
    """Serve the API, and GraphiQL for browsers.

    An SQLite file is made and migrated if need be; PostgreSQL has to be at head (`gql-api migrate`).
    """
    settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
    asyncio.run(_prepare(settings, demo=demo))
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    # Workers read the environment as this process does, so that is where the options go.
    os.environ.update({PREFIX + name.upper(): str(value) for name, value in given.items() if value is not None})
    click.echo(f"GraphiQL: http://{_shown(settings.host)}:{port}{GRAPHQL_PATH}")
    config = uvicorn.Config(
        f"{application_from_environment.__module__}:{application_from_environment.__name__}",
        factory=True,
        workers=settings.workers,
        http="httptools" if sys.implementation.name == "cpython" else "h11",
        ws="websockets-sansio",
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        log_level="info",
    )
    if settings.workers > 1:
        uvicorn.supervisors.Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


async def _prepare(settings: Settings, *, demo: bool) -> None:
    if demo or parse_database_url(settings.database_url).dialect is Dialect.SQLITE:
        await upgrade_to_head(settings.database_url)
    engine = _engine(settings)
    try:
        (await read_schema_status(engine)).require_head()
    finally:
        await engine.dispose()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"Cannot listen on {_shown(host)}:{port}: {error.strerror}. Choose another --port."
        ) from error
    listener.listen(BACKLOG)
    listener.set_inheritable(True)
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@main.command()
@click.pass_obj
def migrate(settings: Settings, /) -> None:
    """Bring the database's schema to the newest revision; an SQLite file is made if need be."""
    applied = asyncio.run(upgrade_to_head(settings.database_url))
    click.echo("\n".join(f"Applied {revision}." for revision in applied) or "The schema is at head already.")


@main.command("verify")
@click.pass_context
def verify_command(context: click.Context) -> None:
    """Check a live database: schema, references, duplicates, seats. Exits with 1 if anything is wrong."""
    report = asyncio.run(_with_engine(context.obj, verify))
    click.echo(str(report))
    if not report.is_sound:
        context.exit(1)


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if FILE differs from the schema.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="schema.graphql")
def schema(*, check: bool, file: Path) -> None:
    """Write the schema in GraphQL's definition language to FILE, schema.graphql by default."""
    text = schema_text()
    if not check:
        file.write_text(text, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != text:
        raise click.ClickException(f"{file} is not the schema of this program; run `gql-api schema`.")


def _engine(settings: Settings) -> Any:
    return create_engine(
        settings.database_url, pool_size=settings.pool_size, busy_timeout_seconds=settings.busy_timeout_seconds
    )


async def _with_engine(settings: Settings, use: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    engine = _engine(settings)
    try:
        return await use(engine)
    finally:
        await engine.dispose()
