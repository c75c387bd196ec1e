"""The schema, put together."""

from datetime import datetime
from typing import Any

import strawberry
from graphql.execution import Executor
from strawberry.schema.config import StrawberryConfig

from gql_api.schema.errors import error_handlers
from gql_api.schema.mutation import Mutation
from gql_api.schema.query import Query
from gql_api.schema.scalars import DATE_TIME
from gql_api.schema.subscription import Subscription


def build_schema(*, executor_class: type[Executor[Any]]) -> strawberry.Schema:
    """Make the schema; operations over it are run by `executor_class`."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        execution_context_class=executor_class,
        exception_handlers=error_handlers(),
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
    )


def schema_text() -> str:
    """The schema in GraphQL's definition language, as it is kept in `schema.graphql`."""
    return build_schema(executor_class=Executor).as_str() + "\n"
