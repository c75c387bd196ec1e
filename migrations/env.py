"""How alembic runs our revisions, from its own command line and from `gql-api migrate` alike.

Which database: `GQL_API_DATABASE_URL`, unless the caller put a URL into the configuration's attributes.
"""

from __future__ import annotations

import asyncio
import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from gql_api.database.address import parse_database_url
from gql_api.database.comparison import comparison_options
from gql_api.database.migrate import WAIT_SECONDS, check_references, migration_connection
from gql_api.errors import OperatorError
from gql_api.models import Model
from gql_api.settings import Settings


def write_script(url: str) -> None:
    """Print the SQL instead of running it (`alembic upgrade head --sql`)."""
    dialect = parse_database_url(url).dialect
    context.configure(dialect_name=dialect, target_metadata=Model.metadata, literal_binds=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


async def migrate(url: str) -> None:
    """Run the migrations, alone: other processes that migrate this database wait until this one is through."""
    wait_seconds = context.config.attributes.get("wait_seconds", WAIT_SECONDS)
    async with migration_connection(url, wait_seconds=wait_seconds) as connection:
        await connection.run_sync(run)


def run(connection: Connection) -> None:
    """Run the migrations in one transaction: all of them, or none."""
    applied: list[str] = context.config.attributes.setdefault("applied", [])
    context.configure(
        connection=connection,
        transactional_ddl=True,  # SQLite too, since our engine begins its transactions itself
        render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by making it anew
        on_version_apply=lambda step, **_: applied.append(step.up_revision_id),
        **comparison_options(connection.dialect.name),
    )
    with context.begin_transaction():
        context.run_migrations()
        check_references(connection)


database_url = context.config.attributes.get("database_url") or Settings.from_environment(os.environ).database_url
try:
    if context.is_offline_mode():
        write_script(database_url)
    else:
        asyncio.run(migrate(database_url))
except OperatorError as error:
    if context.config.cmd_opts is None:
        raise
    raise CommandError(error.message) from error  # alembic's command line prints it without a traceback
