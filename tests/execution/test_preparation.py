"""What is known of a document is used, and changes nothing."""

import gc
from copy import copy
from typing import Any

import pytest
from graphql import DocumentNode, ExecutionResult, GraphQLSchema, build_schema, execute, parse
from graphql.execution import Executor

from gql_api.execution import BreadthFirstExecutor, PlanCache

SCHEMA = build_schema("""
    enum Size { SMALL LARGE }
    input Range { from: Int, to: Int = 7 }
    type Query {
        text(value: String): String
        id(value: ID!): String
        number(value: Int = 3): String
        truth(value: Boolean!): String
        size(value: Size, range: Range, list: [Int!]): String
    }
""")

DOCUMENTS = {
    "text": "query ($value: String) { text(value: $value) }",
    "text!": "query ($value: String!) { text(value: $value) }",
    "id": "query ($value: ID!) { id(value: $value) }",
    "number": "query ($value: Int) { number(value: $value) }",
    "number with a default": "query ($value: Int! = 5) { number(value: $value) }",
    "truth": "query ($value: Boolean!) { truth(value: $value) }",
    "size": "query ($value: Size, $range: Range, $list: [Int!]) { size(value: $value, range: $range, list: $list) }",
    "unused": "query ($value: Int, $other: [[String]]) { text }",
    "fragment": "query ($value: ID!) { ...F } fragment F on Query { id(value: $value) }",
}
VALUES: list[Any] = [
    "a",
    "",
    "LARGE",
    1,
    0,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    1.0,
    1.5,
    True,
    None,
    [],
    [1],
    ["x"],
    {},
    {"from": 1},
]
GIVEN = [None, {}, {"other": "x"}, *({"value": value} for value in VALUES)]
GIVEN += [{"value": "SMALL", "range": value, "list": value} for value in VALUES]


def show(_source: Any, info: Any, **arguments: Any) -> str:
    return f"{arguments} {info.variable_values.coerced} {sorted(info.fragments)}"


@pytest.fixture
def plans() -> PlanCache:
    return PlanCache()


@pytest.fixture
def schema() -> GraphQLSchema:
    for field in SCHEMA.query_type.fields.values():  # type: ignore[union-attr]
        field.resolve = show
    return SCHEMA


def run(schema: GraphQLSchema, executor_class: type[Executor[Any]], document: DocumentNode, given: Any) -> Any:
    executor = executor_class.build(schema, document, None, None, given)
    if isinstance(executor, list):
        return [error.formatted for error in executor]
    result = executor.execute_operation()
    assert isinstance(result, ExecutionResult)
    values = executor.variable_values
    return result.formatted, values.coerced, {name: source.value for name, source in values.sources.items()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_variables_are_coerced_as_graphql_core_coerces_them(schema: GraphQLSchema, plans: PlanCache, name: str) -> None:
    document = parse(DOCUMENTS[name])
    usual, executor_class = BreadthFirstExecutor, BreadthFirstExecutor.with_plans(plans)
    for values in [{"value": "a"}, *GIVEN, *GIVEN]:
        assert run(schema, executor_class, document, values) == run(schema, usual, document, values), values
    assert len(plans.preparations) == 1


def test_what_is_known_of_an_operation_is_used(schema: GraphQLSchema, plans: PlanCache) -> None:
    executor_class = BreadthFirstExecutor.with_plans(plans)
    document = parse(DOCUMENTS["fragment"])
    first, second = (executor_class.build(schema, document, None, None, {"value": "a"}) for _ in range(2))
    assert first.fragments is second.fragments
    assert first.variable_values.sources["value"].signature is not second.variable_values.sources["value"].signature
    third = executor_class.build(schema, document, None, None, {"value": "a"})
    assert third.variable_values.sources["value"].signature is second.variable_values.sources["value"].signature


def test_operations_of_one_document_are_told_apart(schema: GraphQLSchema, plans: PlanCache) -> None:
    executor_class = BreadthFirstExecutor.with_plans(plans)
    document = parse('query A { text(value: "a") } query B { text(value: "b") }')
    for name in ("A", "B", "A", "B"):
        assert executor_class.build(schema, document, operation_name=name).operation.name.value == name
    for _ in range(2):
        assert isinstance(executor_class.build(schema, document), list)
        assert isinstance(executor_class.build(schema, document, operation_name="C"), list)


def test_nothing_is_kept_of_a_document_that_is_gone(schema: GraphQLSchema, plans: PlanCache) -> None:
    execute(schema, parse("{ text }"), executor_class=BreadthFirstExecutor.with_plans(plans))
    document = parse("{ text }")
    BreadthFirstExecutor.with_plans(plans).build(schema, document)
    assert len(plans.preparations) == 1
    del document
    gc.collect()
    assert len(plans.preparations) == 0


def test_who_asks_for_more_gets_graphql_cores_own_way(schema: GraphQLSchema, plans: PlanCache) -> None:
    executor_class = BreadthFirstExecutor.with_plans(plans)
    document = parse("{ text }")
    executor_class.build(schema, document)
    executor = executor_class.build(schema, document, is_awaitable=callable)
    assert executor.is_awaitable is callable


def test_a_prepared_executor_has_all_that_another_has(schema: GraphQLSchema, plans: PlanCache) -> None:
    executor_class = BreadthFirstExecutor.with_plans(plans)
    document = parse(DOCUMENTS["fragment"])
    arguments: dict[str, Any] = {
        "root_value": "root",
        "context_value": "context",
        "raw_variable_values": {"value": "a"},
    }
    whole, prepared = (executor_class.build(schema, document, **arguments, hide_suggestions=True) for _ in range(2))
    missing = whole.__dict__.keys() - prepared.__dict__.keys()
    assert {"collected_errors", "background_futures"} <= missing
    for name, value in whole.__dict__.items():
        own = getattr(prepared, name)
        assert type(own) is type(value), name
        if value is not None:
            assert (own is value) is (name not in {*missing, "variable_values"}), name
    assert not hasattr(prepared, "no_such_attribute")
    assert copy(prepared).context_value == "context"
    assert copy(executor_class.build(schema, document, **arguments)).collected_errors.errors == []
