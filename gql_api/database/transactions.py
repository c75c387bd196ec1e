"""The transactions of a database, by its URL."""

from __future__ import annotations

from gql_api.database.address import Dialect, parse_database_url
from gql_api.database.engine import TIMEOUTS, Timeouts
from gql_api.database.postgresql_transactions import PostgresqlTransactions
from gql_api.database.sqlite_transactions import SqliteTransactions
from gql_api.database.transaction import Transactions


def create_transactions(
    url: str, *, pool_size: int = 10, busy_timeout_seconds: float = 5.0, timeouts: Timeouts = TIMEOUTS
) -> Transactions:
    """Make the transactions of a database; connections are opened when they are first needed.

    Args:
        url: as for `database.engine.create_engine`.
        pool_size: transactions at once, on PostgreSQL; SQLite has one writer at a time.
        busy_timeout_seconds: how long to wait for SQLite's lock, where other processes write too.
        timeouts: how long anything else may wait.
    """
    address = parse_database_url(url)
    if address.dialect is Dialect.SQLITE:
        return SqliteTransactions(address, busy_timeout_seconds=busy_timeout_seconds, timeouts=timeouts)
    return PostgresqlTransactions(address, pool_size=pool_size, timeouts=timeouts)
