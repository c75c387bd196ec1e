"""The one place where the parts are joined: settings in, application out.

`build_app` makes what needs no event loop; the lifespan makes and closes what does (connections).
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from graphql import NoSchemaIntrospectionCustomRule
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from gql_api.admission import Admission, RateLimit
from gql_api.database.address import Dialect
from gql_api.database.compiled import Reader
from gql_api.database.engine import create_engine
from gql_api.database.event_log import EventLog
from gql_api.database.readers import create_reader
from gql_api.database.schema_state import SchemaStatus, read_schema_status
from gql_api.database.student_ids import find_student_id
from gql_api.database.transactions import create_transactions
from gql_api.database.visibility import Visibility
from gql_api.errors import KeyUnusable
from gql_api.events import Broker, Purge
from gql_api.execution import BreadthFirstExecutor, PlanCache
from gql_api.http.authentication import Authenticate, BearerAuthentication, identify_nobody
from gql_api.http.cors import allow_origins
from gql_api.http.front_door import FrontDoor
from gql_api.http.graphiql import GraphiQL
from gql_api.http.graphql import GraphQLEndpoint
from gql_api.http.health import health_routes
from gql_api.http.issuer import IssuerKeys
from gql_api.http.metrics import Metrics
from gql_api.http.resource import masked
from gql_api.http.rest import rest_routes
from gql_api.http.scope_state import ADMISSION
from gql_api.http.websocket import WebSocketEndpoint
from gql_api.identity import RIGHTS, RightsTable, with_open_catalogue
from gql_api.identity.claims import ClaimRules
from gql_api.identity.keys import FixedKeys, KeySource, public_keys, secret_key
from gql_api.identity.tokens import Tokens
from gql_api.pagination import PageLimits
from gql_api.schema.build import build_schema
from gql_api.schema.context import Context
from gql_api.schema.documents import DocumentCache
from gql_api.schema.execute import GraphQLService
from gql_api.schema.limits import Limits
from gql_api.schema.loaders import Loaders, OperationReader
from gql_api.schema.operation import Caller
from gql_api.schema.persisted import PersistedDocuments
from gql_api.schema.selection import SelectionCache
from gql_api.schema.trusted_documents import read_manifest, require_valid
from gql_api.schema.validation_rules import VALIDATION_RULES
from gql_api.services.actor import actor_of
from gql_api.services.unit_of_work import UnitsOfWork
from gql_api.settings import PREFIX, Settings

GRAPHQL_PATH = "/graphql"
GRAPHIQL_ASSETS_PATH = "/graphiql"
GC_THRESHOLDS = (10_000, 10, 10)
"""So rarely that answers cost nothing by it, and often enough that plans, which are full of circles, do not pile up
once they left their cache: with (…, 100), documents that all differ took 250 MB before they were looked at.
"""


@dataclass(frozen=True, slots=True)
class Storage:
    """The two ways to the database: `reader` for the read path, `units_of_work` for whatever writes."""

    reader: Reader
    units_of_work: UnitsOfWork


def build_app(settings: Settings) -> ASGIApp:
    """Join the parts to an application.

    Nothing is connected before the first request needs it.

    Raises:
        SettingInvalid: a setting cannot be used.
        KeyUnusable: tokens cannot be verified with what is set.
        ManifestUnusable: the manifest of trusted documents cannot be read, or holds one that cannot be executed.
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
        sqlite_inline_seconds=settings.sqlite_inline_seconds,
        busy_timeout_seconds=settings.busy_timeout_seconds,
    )
    event_log = EventLog(settings.database_url, reader)
    storage = Storage(reader, UnitsOfWork(transactions, on_announced=event_log.notify))
    broker = Broker(event_log, queue_events_max=settings.subscriber_queue_max)
    purge = Purge(event_log, storage.units_of_work, retention_seconds=settings.event_retention_seconds)
    # Of its own, so that a pool whose connections are all at work is not taken for a database that is away.
    status_engine = create_engine(
        settings.database_url, pool_size=1, busy_timeout_seconds=settings.busy_timeout_seconds
    )

    admission = Admission(
        executing_max=settings.operations_max,
        waiting_max=settings.operations_waiting_max,
        timeout_seconds=settings.operation_timeout_seconds,
    )
    # Who cannot be told apart shares a limit with all others, so there is none.
    rate_limit = (
        RateLimit(cost_per_minute=settings.cost_per_minute)
        if settings.identifies and settings.cost_per_minute
        else None
    )
    issuer = IssuerKeys(settings.oidc_issuer) if settings.identifies and settings.oidc_issuer else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        try:
            async with purge.running():
                yield {ADMISSION: admission}
        finally:
            await broker.close()
            await event_log.close()
            await reader.close()
            await transactions.close()
            await status_engine.dispose()
            if issuer is not None:
                await issuer.close()

    authenticate = _authentication(settings, issuer, reader)
    graphiql = GraphiQL(endpoint_path=GRAPHQL_PATH, assets_path=GRAPHIQL_ASSETS_PATH) if settings.graphiql else None
    plans = PlanCache()
    metrics = Metrics(lambda: plans.fallbacks, admission.places)
    rights = with_open_catalogue() if settings.anonymous_sees_courses else RIGHTS
    service = _graphql_service(
        settings, storage, broker, plans, rights=rights, admission=admission, rate_limit=rate_limit
    )
    endpoint = GraphQLEndpoint(
        service,
        authenticate=authenticate,
        rate_limit=rate_limit,
        graphiql_page=graphiql.page if graphiql else None,
        csrf_prevention=settings.csrf_prevention,
        body_bytes_max=settings.request_body_bytes_max,
    )
    graphql = metrics.measured(endpoint)

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
        authenticate=authenticate,
        rights=rights,
        admission=admission,
        rate_limit=rate_limit,
        page_limits=_page_limits(settings),
        body_bytes_max=settings.request_body_bytes_max,
    )
    websocket = WebSocketEndpoint(
        service,
        authenticate=authenticate,
        allowed_origins=settings.websocket_origins.split(),
        init_timeout_seconds=settings.websocket_init_timeout_seconds,
        message_bytes_max=settings.request_body_bytes_max,
        connections_max=settings.websocket_connections_max,
        operations_max=settings.websocket_operations_max,
    )
    routes: list[Any] = [
        Route(GRAPHQL_PATH, graphql),
        WebSocketRoute(GRAPHQL_PATH, websocket),
        *rest,
        *health_routes(read_status),
        *metrics.routes,
    ]
    if graphiql:
        routes += graphiql.routes
    starlette = Starlette(routes=routes, lifespan=lifespan, exception_handlers={Exception: masked})
    application = FrontDoor(path=GRAPHQL_PATH, endpoint=graphql, application=starlette)
    return allow_origins(application, settings.cors_origins.split())


def application_from_environment() -> ASGIApp:
    """Make the application of a worker process from its environment variables.

    Raises:
        OperatorError: a variable holds a value that cannot be used; see `build_app`.
    """
    application = build_app(Settings.from_environment(os.environ))
    # What was made at the start lives as long as the process: the collector need not look at it again, nor look so
    # often at what requests make. Without this it takes up to a third of the time of a page of 1,600 rows.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return application


def _authentication(settings: Settings, issuer: IssuerKeys | None, reader: Reader) -> Authenticate:
    if not settings.identifies:
        return identify_nobody
    rules = ClaimRules(
        issuer=settings.oidc_issuer or settings.jwt_issuer or None,
        audience=settings.jwt_audience or None,
        role_claim=settings.role_claim,
    )
    tokens = Tokens(issuer or _fixed_keys(settings), rules, find_student_id=partial(find_student_id, reader))
    return BearerAuthentication(tokens, serves_anonymous=settings.anonymous_sees_courses)


def _fixed_keys(settings: Settings) -> KeySource:
    if settings.jwt_secret:
        return FixedKeys(secret_key(settings.jwt_secret))
    file = Path(settings.jwt_public_key_file)
    try:
        return FixedKeys(*public_keys(file.read_bytes()))
    except OSError as error:
        raise KeyUnusable(f"{PREFIX}JWT_PUBLIC_KEY_FILE: {file} cannot be read: {error.strerror}.") from None
    except KeyUnusable as error:
        raise KeyUnusable(f"{PREFIX}JWT_PUBLIC_KEY_FILE: {file} cannot be used: {error.message}.") from None


def _graphql_service(
    settings: Settings,
    storage: Storage,
    broker: Broker,
    plans: PlanCache,
    *,
    rights: RightsTable,
    admission: Admission,
    rate_limit: RateLimit | None,
) -> GraphQLService:
    schema = build_schema(executor_class=BreadthFirstExecutor.with_plans(plans))
    page_limits = _page_limits(settings)
    selections = SelectionCache()

    def make_context(caller: Caller) -> Context:
        reader = OperationReader(storage.reader, Visibility.of(caller.principal, rights))
        return Context(
            reader=reader,
            loaders=Loaders(reader),
            units_of_work=storage.units_of_work,
            page_limits=page_limits,
            selections=selections,
            broker=broker,
            actor=actor_of(caller.principal, caller.request_id),
        )

    hidden = not settings.introspection
    rules = (*VALIDATION_RULES, NoSchemaIntrospectionCustomRule) if hidden else VALIDATION_RULES
    limits = _limits(settings)
    documents = DocumentCache(schema, limits=limits, page_limits=page_limits, rules=rules, hide_suggestions=hidden)
    persisted = PersistedDocuments(
        documents,
        trusted=_trusted_documents(settings, documents),
        trusted_only=settings.trusted_documents_mode == "only",
        learned_entries_max=settings.learned_queries_max,
    )
    return GraphQLService(
        schema,
        documents=persisted,
        make_context=make_context,
        rights=rights,
        admission=admission,
        rate_limit=rate_limit,
        limits=limits,
        hide_suggestions=hidden,
    )


def _trusted_documents(settings: Settings, documents: DocumentCache) -> dict[str, str]:
    if not settings.trusted_documents or settings.trusted_documents_mode == "off":
        return {}
    manifest = Path(settings.trusted_documents)
    trusted = read_manifest(manifest)
    require_valid(trusted, documents, manifest)
    return trusted


def _limits(settings: Settings) -> Limits:
    return Limits(
        cost_max=settings.cost_max,
        depth_max=settings.depth_max,
        aliases_max=settings.aliases_max,
        fields_max=settings.fields_max,
        root_fields_max=settings.root_fields_max,
        directives_max=settings.directives_max,
        introspection_depth_max=settings.introspection_depth_max,
        tokens_max=settings.query_tokens_max,
        characters_max=settings.query_characters_max,
        errors_max=settings.errors_max,
    )


def _page_limits(settings: Settings) -> PageLimits:
    return PageLimits(settings.page_size_default, settings.page_size_max)
