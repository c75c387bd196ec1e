"""The API in process: operations in, responses as clients get them out, and how many statements they took."""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self

import orjson
import pytest
import strawberry
from sqlalchemy import Select

from gql_api.database.compiled import Columns, Reader, Records
from gql_api.database.engine import create_engine
from gql_api.database.event_log import EventLog
from gql_api.database.readers import create_reader
from gql_api.database.transactions import create_transactions
from gql_api.database.visibility import Visibility
from gql_api.events import Broker
from gql_api.execution import BreadthFirstExecutor
from gql_api.identity import RIGHTS, UNIDENTIFIED, Principal, RightsTable
from gql_api.pagination import PageLimits
from gql_api.schema.build import build_schema
from gql_api.schema.context import Context
from gql_api.schema.documents import DocumentCache
from gql_api.schema.execute import GraphQLService
from gql_api.schema.limits import Limits
from gql_api.schema.loaders import Loaders, OperationReader
from gql_api.schema.operation import Caller, OperationRequest, OperationResult
from gql_api.schema.persisted import PersistedDocuments
from gql_api.schema.selection import SelectionCache
from gql_api.services.actor import actor_of
from gql_api.services.unit_of_work import UnitsOfWork
from tests.database.school import School

LIMITS = PageLimits(size_default=20, size_max=500)
HEARING_SECONDS = 15
SCHEMA = build_schema(executor_class=BreadthFirstExecutor)


class CountingReader:
    """A reader that notes which statements it hands on."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.statements: list[str] = []

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        self.statements.append(build.__name__)
        return await self._reader.fetch(build, *shape, values=values)

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        self.statements.append(build.__name__)
        return await self._reader.fetch_columns(build, *shape, values=values)

    async def close(self) -> None:
        await self._reader.close()


class Api:
    """The API over one database, for one caller.

    Args:
        through: puts something between the API and the database.

    Attributes:
        statements: the reading statements of the last operation, by the names of their builders.
    """

    def __init__(
        self,
        database_url: str,
        *,
        schema: strawberry.Schema = SCHEMA,
        principal: Principal = UNIDENTIFIED,
        rights: RightsTable = RIGHTS,
        limits: Limits | None = None,
        through: Callable[[Reader], Reader] = lambda reader: reader,
    ) -> None:
        reader = create_reader(
            database_url, pool_size=3, sqlite_reader_threads=2, sqlite_inline_seconds=0.01, busy_timeout_seconds=5
        )
        self._reader = CountingReader(through(reader))
        self._database_url = database_url
        self._transactions = create_transactions(database_url)
        self._units_of_work = UnitsOfWork(self._transactions)
        self._broker = Broker(EventLog(database_url, self._reader))
        self._selections = SelectionCache()
        documents = PersistedDocuments(DocumentCache(schema, limits=limits))
        self._caller = Caller("test", principal)
        self._rights = rights
        self._service = GraphQLService(
            schema, documents=documents, make_context=self._make_context, rights=rights, limits=limits
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._broker.close()
        await self._reader.close()
        await self._transactions.close()

    async def listening(self, number: int) -> None:
        """Wait until so many subscriptions would be told of what is committed next."""
        async with asyncio.timeout(30):
            while sum(map(len, self._broker._subscriptions.values())) < number:  # noqa: ASYNC110, SLF001 - nobody tells
                await asyncio.sleep(0.01)

    @property
    def statements(self) -> list[str]:
        return self._reader.statements

    async def store(self, school: School) -> None:
        """Make the database hold exactly this school."""
        engine = create_engine(self._database_url)
        await school.store(engine)
        await engine.dispose()

    async def execute(self, document: str, **variables: Any) -> dict[str, Any]:
        """The response to an operation."""
        self._reader.statements = []
        result = await self._service.execute(OperationRequest(document, variables), caller=self._caller)
        response: dict[str, Any] = orjson.loads(orjson.dumps(result.response(), option=orjson.OPT_UTC_Z))
        return response

    async def hear(
        self, document: str, *, events: int, principal: Principal | None = None, **variables: Any
    ) -> list[dict[str, Any]]:
        """The first responses to a subscription, also of another caller; the one that refuses it, if it is refused.

        Fewer, if the others do not come within HEARING_SECONDS.
        """
        request = OperationRequest(document, variables)
        caller = self._caller if principal is None else Caller("test", principal)
        results: list[OperationResult] = []
        async with self._service.subscribe(request, caller=caller) as outcome:
            if isinstance(outcome, OperationResult):
                results.append(outcome)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARING_SECONDS):
                        while len(results) < events:
                            results.append(await anext(outcome))
        heard: list[dict[str, Any]] = orjson.loads(
            orjson.dumps([result.response() for result in results], option=orjson.OPT_UTC_Z)
        )
        return heard

    async def data(self, document: str, **variables: Any) -> Any:
        """The data of an operation that succeeds."""
        response = await self.execute(document, **variables)
        assert "errors" not in response, response["errors"]
        return response["data"]

    async def refusal(self, document: str, **variables: Any) -> str:
        """The one message of an operation that is refused for what the client passed."""
        response = await self.execute(document, **variables)
        (error,) = response["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
        assert not any((response.get("data") or {}).values())
        return str(error["message"])

    def _make_context(self, caller: Caller) -> Context:
        reader = OperationReader(self._reader, Visibility.of(caller.principal, self._rights))
        return Context(
            reader=reader,
            loaders=Loaders(reader),
            units_of_work=self._units_of_work,
            page_limits=LIMITS,
            selections=self._selections,
            broker=self._broker,
            actor=actor_of(caller.principal, caller.request_id),
        )


@contextmanager
def stored_once(request: pytest.FixtureRequest, school: School) -> Iterator[str]:
    """The URL of a database that holds a school, for all tests of a module that only read.

    The fixture that asks has a scope of `module` and the names of the dialects as `params`.
    """
    databases = request.getfixturevalue(f"{request.param}_databases")

    async def store(url: str) -> None:
        async with Api(url) as api:
            await api.store(school)

    with databases.migrated() as url:
        asyncio.run(store(url))
        yield url


DIALECTS = ("sqlite", "postgresql")
