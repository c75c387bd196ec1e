import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.database_fixtures import Databases
from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import Database, connected
from tests.integration.watched_school import CASES, Case
from tests.schema.api import DIALECTS, Api
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


@pytest.fixture(scope="module", params=DIALECTS)
def schools(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """The URLs of databases by who, of CASES, sees just so much, to be read; the registrar's holds everything."""
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")

    async def store(url: str, case: Case) -> None:
        async with Api(url) as api:
            await api.store(case.seen)

    with ExitStack() as stack:
        urls = {who: stack.enter_context(databases.migrated()) for who in CASES}
        for who, url in urls.items():
            asyncio.run(store(url, CASES[who]))
        yield urls
