import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gql_api.database.migrate import upgrade_to_head
from tests.integration.graphql_client import GraphQLClient
from tests.postgresql_instance import PostgresqlInstance
from tests.server import Server


@pytest.fixture
def client(server: Server) -> Iterator[GraphQLClient]:
    """A client of this test's `server`."""
    with GraphQLClient(server) as client:
        yield client


@pytest.fixture(scope="package")
def postgresql(database_directory: Path) -> Iterator[PostgresqlInstance]:
    """A PostgreSQL server that these tests may do anything to, as long as it is there again at the end of each."""
    instance = PostgresqlInstance(database_directory / "faulty")
    asyncio.run(upgrade_to_head(instance.url))
    yield instance
    instance.remove()
