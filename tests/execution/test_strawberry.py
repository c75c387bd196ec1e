"""Schemas made by Strawberry: the same answers as from the executor that Strawberry uses otherwise."""

# Strawberry's decorators with options are not typed.
# mypy: disable-error-code="untyped-decorator"

import asyncio
import json
import logging
import os
from random import Random
from typing import Any

import pytest
import strawberry
from graphql import OperationType, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from gql_api.execution import BreadthFirstExecutor, PlanCache, by_class
from tests.execution.comparison import errors_in_place, objects_dropped, positions_nulled
from tests.execution.query_generator import QueryGenerator
from tests.execution.strawberry_schema import BIRDS, BirdRow, Mutation, Query, Subscription

EXAMPLES_COUNT = int(os.environ.get("EXECUTION_EXAMPLES", "400")) // 2

logging.getLogger("strawberry.execution").disabled = True  # it logs every error that is provoked here
plans = PlanCache()
level_by_level = strawberry.Schema(
    Query, Mutation, Subscription, execution_context_class=BreadthFirstExecutor.with_plans(plans)
)
object_by_object = strawberry.Schema(Query, Mutation, Subscription)


# graphql-core's executor drops some coroutines; that ours drops none is a law of its own below.
@pytest.mark.filterwarnings(
    "ignore:coroutine '(Executor|GraphQLCoreConverter):RuntimeWarning",
    "ignore:Exception ignored in. <coroutine object Executor:pytest.PytestUnraisableExceptionWarning",
    "ignore:Exception ignored in. <coroutine object GraphQLCore:pytest.PytestUnraisableExceptionWarning",
)
@given(
    seed=st.integers(0, 2**32 - 1), operation_type=st.sampled_from([OperationType.QUERY] * 3 + [OperationType.MUTATION])
)
@settings(max_examples=EXAMPLES_COUNT, deadline=None, database=None, derandomize=True)
def test_every_operation_has_the_same_result(seed: int, operation_type: OperationType) -> None:
    graphql_schema = level_by_level._schema  # noqa: SLF001  Strawberry has no other way to it
    random = Random(seed)  # noqa: S311  reproducible on purpose
    operation = QueryGenerator(graphql_schema, random, fields_max=25).operation(operation_type)
    text = operation.text()
    assert validate(graphql_schema, parse(text)) == []

    expected = asyncio.run(object_by_object.execute(text, operation.variables))
    result = asyncio.run(level_by_level.execute(text, operation.variables))

    assert json.dumps(result.data) == json.dumps(expected.data)
    assert positions_nulled(result) == positions_nulled(expected)
    assert errors_in_place(result) == errors_in_place(expected)
    assert not plans.fallbacks


def test_no_coroutine_is_dropped() -> None:
    graphql_schema = level_by_level._schema  # noqa: SLF001  Strawberry has no other way to it

    with objects_dropped() as dropped:
        for seed in range(EXAMPLES_COUNT):
            random = Random(seed)  # noqa: S311  reproducible on purpose
            operation = QueryGenerator(graphql_schema, random, fields_max=25).operation(OperationType.QUERY)
            asyncio.run(level_by_level.execute(operation.text(), operation.variables))

    assert dropped == []


async def test_every_event_of_a_subscription_is_the_same() -> None:
    selection = "__typename ... on Animal { initial } ... on Bird { alias } ... on Fish { fins }"
    text = f"subscription {{ passing(count: 7) {{ {selection} }} }}"

    async def events(schema: strawberry.Schema) -> list[str]:
        return [json.dumps([event.data, event.errors]) async for event in await schema.subscribe(text)]

    assert await events(level_by_level) == await events(object_by_object)
    assert not plans.fallbacks


def schema_of(is_type_of: Any) -> strawberry.Schema:
    @strawberry.interface
    class Named:
        name: str

    method: Any = classmethod(is_type_of)

    @strawberry.type(name="Bird")
    class NamedBird(Named):
        is_type_of = method

    @strawberry.type
    class Root:
        @strawberry.field(graphql_type=list[Named])
        def named(self) -> Any:
            return BIRDS

        @strawberry.field(graphql_type=list[NamedBird])
        def birds(self) -> Any:
            return BIRDS

    return strawberry.Schema(Root, types=[NamedBird], execution_context_class=BreadthFirstExecutor)


def test_a_type_that_decides_by_class_is_asked_once_per_class() -> None:
    asked = []

    @by_class
    def is_type_of(_cls: type, value: object, _info: object) -> bool:
        asked.append(value)
        return isinstance(value, BirdRow)

    schema = schema_of(is_type_of)

    assert schema.execute_sync("{ birds { name } }").data == {"birds": [{"name": bird.name} for bird in BIRDS]}
    assert asked == BIRDS[:1]


def test_a_type_that_looks_at_its_objects_is_asked_for_each() -> None:
    asked = []

    def is_type_of(_cls: type, value: BirdRow, _info: object) -> bool:
        asked.append(value)
        return value.id != 2

    result = schema_of(is_type_of).execute_sync("{ birds { name } }")

    assert result.data is None
    assert asked == BIRDS
    assert [error.path for error in result.errors or []] == [["birds", 2]]


def test_info_has_what_strawberry_adds_to_it() -> None:
    @strawberry.type
    class Root:
        @strawberry.field
        def seen(self, info: strawberry.Info, text: str) -> list[str]:
            return [
                info.field_name,
                info.context["user"],
                str(info.variable_values),
                str(info.input_extensions),
                info.python_name,
                str(info.schema is schema),
                text,
            ]

    schema = strawberry.Schema(Root, execution_context_class=BreadthFirstExecutor)

    result = schema.execute_sync(
        "query ($t: String!) { seen(text: $t) }", {"t": "x"}, {"user": "me"}, operation_extensions={"a": 1}
    )

    assert result.data == {"seen": ["seen", "me", "{'t': 'x'}", "{'a': 1}", "seen", "True", "x"]}
