from collections.abc import Iterator

import pytest

from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import Database, connected
from tests.server import Server


@pytest.fixture
def client(server: Server) -> Iterator[GraphQLClient]:
    """A client of the session's server of this test's dialect."""
    with GraphQLClient(server) as client:
        yield client


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """The database behind `client`, past the program."""
    with connected(server.database_url) as database:
        yield database
