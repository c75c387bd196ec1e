"""The one place where the parts are joined: settings in, application out.

`build_app` makes what needs no event loop; the lifespan makes and closes what does (connections).
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from graphql import NoSchemaIntrospectionCustomRule
from starlette.applications import Starlette
from starlette.routing import Route

from gql_api.database.address import Dialect
from gql_api.database.compiled import Reader
from gql_api.database.engine import create_engine
from gql_api.database.readers import create_reader
from gql_api.database.schema_state import SchemaStatus, read_schema_status
from gql_api.database.transactions import create_transactions
from gql_api.execution import BreadthFirstExecutor
from gql_api.http.graphiql import GraphiQL
from gql_api.http.graphql import GraphQLEndpoint
from gql_api.http.health import health_routes
from gql_api.http.rest import rest_routes
from gql_api.pagination import PageLimits
from gql_api.schema.build import build_schema
from gql_api.schema.context import Context
from gql_api.schema.documents import DocumentCache
from gql_api.schema.execute import GraphQLService
from gql_api.schema.loaders import Loaders, OperationReader
from gql_api.schema.operation import Caller
from gql_api.schema.persisted import PersistedDocuments
from gql_api.schema.selection import SelectionCache
from gql_api.schema.validation_rules import VALIDATION_RULES
from gql_api.services.unit_of_work import UnitsOfWork
from gql_api.settings import Settings

GRAPHQL_PATH = "/graphql"
GRAPHIQL_ASSETS_PATH = "/graphiql"
GC_THRESHOLDS = (10_000, 10, 100)


@dataclass(frozen=True, slots=True)
class Storage:
    """The two ways to the database: `reader` for the read path, `units_of_work` for whatever writes."""

    reader: Reader
    units_of_work: UnitsOfWork


def build_app(settings: Settings) -> Starlette:
    """Join the parts to an application.

    Nothing is connected before the first request needs it.

    Raises:
        SettingInvalid: a setting cannot be used.
    """
    transactions = create_transactions(
        settings.database_url,
        pool_size=settings.pool_size,
        busy_timeout_seconds=settings.busy_timeout_seconds,
    )
    reader = create_reader(
        settings.database_url,
        pool_size=settings.pool_size,
        sqlite_reader_threads=settings.sqlite_reader_threads,
        busy_timeout_seconds=settings.busy_timeout_seconds,
    )
    storage = Storage(reader, UnitsOfWork(transactions))
    # Of its own, so that a pool whose connections are all at work is not taken for a database that is away.
    status_engine = create_engine(
        settings.database_url, pool_size=1, busy_timeout_seconds=settings.busy_timeout_seconds
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await reader.close()
            await transactions.close()
            await status_engine.dispose()

    graphiql = GraphiQL(endpoint_path=GRAPHQL_PATH, assets_path=GRAPHIQL_ASSETS_PATH) if settings.graphiql else None
    endpoint = GraphQLEndpoint(
        _graphql_service(settings, storage),
        graphiql_page=graphiql.page if graphiql else None,
        body_bytes_max=settings.request_body_bytes_max,
    )

    async def read_status() -> SchemaStatus:
        try:
            return await read_schema_status(status_engine)
        finally:
            # An open connection does not notice that its SQLite file was deleted: each check opens the file anew.
            if status_engine.dialect.name == Dialect.SQLITE:
                await status_engine.dispose()

    rest = rest_routes(
        reader=reader,
        units_of_work=storage.units_of_work,
        page_limits=_page_limits(settings),
        body_bytes_max=settings.request_body_bytes_max,
    )
    routes: list[Any] = [Route(GRAPHQL_PATH, endpoint), *rest, *health_routes(read_status)]
    if graphiql:
        routes += graphiql.routes
    return Starlette(routes=routes, lifespan=lifespan)


def application_from_environment() -> Starlette:
    """Make the application of a worker process from its environment variables.

    Raises:
        SettingInvalid: a variable holds a value that cannot be used.
    """
    application = build_app(Settings.from_environment(os.environ))
    # What was made at the start lives as long as the process: the collector need not look at it again, nor look so
    # often at what requests make. Without this it takes up to a third of the time of a page of 1,600 rows.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return application


def _graphql_service(settings: Settings, storage: Storage) -> GraphQLService:
    schema = build_schema(executor_class=BreadthFirstExecutor)
    page_limits = _page_limits(settings)
    selections = SelectionCache()

    def open_context(_caller: Caller) -> nullcontext[Context]:
        reader = OperationReader(storage.reader)
        return nullcontext(
            Context(
                reader=reader,
                loaders=Loaders(reader),
                units_of_work=storage.units_of_work,
                page_limits=page_limits,
                selections=selections,
            )
        )

    hidden = not settings.introspection
    rules = (*VALIDATION_RULES, NoSchemaIntrospectionCustomRule) if hidden else VALIDATION_RULES
    documents = PersistedDocuments(DocumentCache(schema, rules=rules, hide_suggestions=hidden))
    return GraphQLService(schema, documents=documents, open_context=open_context, hide_suggestions=hidden)


def _page_limits(settings: Settings) -> PageLimits:
    return PageLimits(settings.page_size_default, settings.page_size_max)
