"""Statements that take as long as a test wants, because somebody else holds what they need."""

from collections.abc import Iterator
from contextlib import contextmanager

from gql_api.database.address import Dialect, parse_database_url
from tests.database.lock_holder import write_lock_held_by_another_process
from tests.integration.stored import connected
from tests.server import wait_for

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND backend_type = 'client backend'"
)


@contextmanager
def writers_held_up(database_url: str) -> Iterator[None]:
    """For the length of the block whoever changes a course waits, on SQLite whoever changes anything."""
    address = parse_database_url(database_url)
    if address.dialect is Dialect.SQLITE:
        with write_lock_held_by_another_process(address.file):
            yield
        return
    with connected(database_url) as database:
        database.run("BEGIN")
        database.run("LOCK TABLE courses IN SHARE MODE")
        yield
        database.run("ROLLBACK")


@contextmanager
def readers_held_up(database_url: str) -> Iterator[None]:
    """For the length of the block whoever reads a student waits; on PostgreSQL."""
    with connected(database_url) as database:
        database.run("BEGIN")
        database.run("LOCK TABLE students IN ACCESS EXCLUSIVE MODE")
        yield
        database.run("ROLLBACK")


def wait_for_waiting(database_url: str, number: int, *, timeout_seconds: float = 10) -> None:
    """Until so many statements wait for a lock, as PostgreSQL sees it."""
    with connected(database_url) as database:
        wait_for(lambda: database.run(WAITING)[0][0] == number or None, timeout_seconds=timeout_seconds)
