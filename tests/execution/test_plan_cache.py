"""Plans are made once, bounded, and told apart by everything that they depend on."""

import copy
from typing import Any

import pytest
from graphql import (
    ExecutionHooks,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute,
    experimental_execute_incrementally,
    parse,
)
from graphql.language import DocumentNode
from graphql.pyutils import AbortController

from gql_api.execution import BreadthFirstExecutor, Fallback, PlanCache

SDL = """
type Query { item: Item text: String }
type Item { name: String item: Item }
"""
ROOT = {"item": {"name": "a", "item": {"name": "b"}}, "text": "t"}


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema(SDL)


@pytest.fixture
def plans() -> PlanCache:
    return PlanCache()


def run(schema: GraphQLSchema, plans: PlanCache, document: DocumentNode, **options: Any) -> Any:
    return execute(schema, document, ROOT, executor_class=BreadthFirstExecutor.with_plans(plans), **options)


def test_an_operation_is_planned_once(schema: GraphQLSchema, plans: PlanCache) -> None:
    document = parse("{ item { name } }")

    results = [run(schema, plans, document) for _ in range(3)]

    assert results == [({"item": {"name": "a"}}, None)] * 3
    assert (plans.misses_count, plans.hits_count, plans.entries_count) == (1, 2, 2)


def test_every_choice_of_conditions_has_a_plan(schema: GraphQLSchema, plans: PlanCache) -> None:
    document = parse(
        "query ($a: Boolean!, $b: Boolean!) { text @skip(if: $a) item { name @include(if: $b) item { name } } }"
    )

    def data(*, a: bool, b: bool) -> Any:
        return run(schema, plans, document, variable_values={"a": a, "b": b}).data

    assert data(a=False, b=True) == {"text": "t", "item": {"name": "a", "item": {"name": "b"}}}
    assert data(a=True, b=False) == {"item": {"item": {"name": "b"}}}
    assert data(a=False, b=True) == {"text": "t", "item": {"name": "a", "item": {"name": "b"}}}
    assert (plans.misses_count, plans.hits_count) == (2, 1)


def test_variables_outside_of_conditions_make_no_plan(plans: PlanCache) -> None:
    schema = build_schema("type Query { echo(text: String): String }")
    root = {"echo": lambda _info, text: text}
    document = parse("query ($t: String) { echo(text: $t) }")
    executor_class = BreadthFirstExecutor.with_plans(plans)

    echoes = [
        execute(schema, document, root, variable_values={"t": text}, executor_class=executor_class) for text in "ab"
    ]

    assert echoes == [({"echo": "a"}, None), ({"echo": "b"}, None)]
    assert plans.misses_count == 1


def test_operations_of_one_document_and_schemas_have_plans_of_their_own(
    schema: GraphQLSchema, plans: PlanCache
) -> None:
    document = parse("query A { text } query B { item { name } }")
    other = build_schema("type Query { text: Int }")

    assert run(schema, plans, document, operation_name="A").data == {"text": "t"}
    assert run(schema, plans, document, operation_name="B").data == {"item": {"name": "a"}}
    assert execute(
        other, document, {"text": 7}, operation_name="A", executor_class=BreadthFirstExecutor.with_plans(plans)
    ) == ({"text": 7}, None)


def test_fragments_of_another_document_make_another_plan(schema: GraphQLSchema, plans: PlanCache) -> None:
    first = parse("{ ...F } fragment F on Query { text }")
    operation = first.definitions[0]
    second = DocumentNode(definitions=(operation, *parse("fragment F on Query { item { name } }").definitions))

    assert run(schema, plans, first).data == {"text": "t"}
    assert run(schema, plans, second).data == {"item": {"name": "a"}}


def test_the_least_recently_used_plans_go_first(schema: GraphQLSchema) -> None:
    plans = PlanCache(entries_max=4)
    documents = [parse("{ text }"), parse("{ item { name } }"), parse("{ item { item { name } } }")]

    run(schema, plans, documents[0])
    run(schema, plans, documents[1])
    run(schema, plans, documents[0])
    run(schema, plans, documents[2])
    assert (plans.entries_count, plans.evictions_count) == (4, 1)

    run(schema, plans, documents[0])
    assert plans.misses_count == 3
    run(schema, plans, documents[1])
    assert plans.misses_count == 4


def test_memory_is_bounded_while_plans_grow(schema: GraphQLSchema) -> None:
    plans = PlanCache(size_max_bytes=40_000)
    nested = "{ item { name item { name } } }"

    for _ in range(50):
        run(schema, plans, parse(nested))

    assert 0 < plans.size_bytes <= 40_000
    assert plans.evictions_count > 30


def test_a_plan_larger_than_the_cache_is_used_and_not_kept(schema: GraphQLSchema) -> None:
    plans = PlanCache(size_max_bytes=1)

    assert run(schema, plans, parse("{ item { name } }")).data == {"item": {"name": "a"}}
    assert (plans.entries_count, plans.size_bytes) == (0, 0)


def test_many_conditions_of_one_document_stay_bounded(schema: GraphQLSchema) -> None:
    plans = PlanCache(entries_max=10)
    names = [f"c{number}" for number in range(6)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: text @include(if: ${name})" for name in names)
    document = parse(f"query ({declared}) {{ {fields} }}")

    for choice in range(2 ** len(names)):
        chosen = {name: bool(choice >> number & 1) for number, name in enumerate(names)}
        expected = {name: "t" for name, included in chosen.items() if included}
        assert run(schema, plans, document, variable_values=chosen).data == expected

    assert plans.entries_count <= 10


def test_the_bare_executor_keeps_its_plans_with_the_schema(schema: GraphQLSchema) -> None:
    document = parse("{ text }")

    for _ in range(2):
        execute(schema, document, ROOT, executor_class=BreadthFirstExecutor)

    (kept,) = [value for value in schema.extensions.values() if isinstance(value, PlanCache)]
    assert (kept.misses_count, kept.hits_count) == (1, 1)
    (plans,) = copy.deepcopy(schema).extensions.values()
    assert (plans.misses_count, plans.entries_max) == (0, kept.entries_max)


def test_what_cannot_be_planned_is_handed_on_and_counted(schema: GraphQLSchema, plans: PlanCache) -> None:
    executor_class = BreadthFirstExecutor.with_plans(plans)
    optional = parse("query ($c: Boolean = true) { text @include(if: $c) }")
    with_variables = parse(
        '{ ...F(of: "a") } fragment F($of: String) on Query { text }', experimental_fragment_arguments=True
    )

    def pass_on(next_: Any, *arguments: Any, **keywords: Any) -> Any:
        return next_(*arguments, **keywords)

    handed_on = [
        execute(schema, parse("{ text }"), ROOT, executor_class=executor_class, middleware=[pass_on]),
        execute(schema, parse("{ text }"), ROOT, executor_class=executor_class, hooks=ExecutionHooks()),
        execute(schema, parse("{ text }"), ROOT, executor_class=executor_class, abort_signal=AbortController().signal),
        experimental_execute_incrementally(
            schema, parse("{ ... @defer(if: false) { text } }"), ROOT, executor_class=executor_class
        ),
        execute(schema, with_variables, ROOT, executor_class=executor_class),
    ]
    refused = [
        execute(schema, parse("mutation { text }"), ROOT, executor_class=executor_class),
        execute(schema, optional, ROOT, executor_class=executor_class, variable_values={"c": None}),
    ]

    assert handed_on == [({"text": "t"}, None)] * 5
    assert [result.data for result in refused] == [None, None]  # type: ignore[union-attr]  # nothing was awaited
    assert plans.fallbacks == {
        Fallback.MIDDLEWARE: 1,
        Fallback.HOOKS: 1,
        Fallback.ABORT_SIGNAL: 1,
        Fallback.INCREMENTAL_DELIVERY: 1,
        Fallback.FRAGMENT_VARIABLES: 1,
        Fallback.NOT_EXECUTABLE: 2,
    }
    assert plans.misses_count == 0


def test_an_empty_middleware_hands_nothing_on(schema: GraphQLSchema, plans: PlanCache) -> None:
    assert run(schema, plans, parse("{ text }"), middleware=[]).data == {"text": "t"}
    assert not plans.fallbacks


def test_planning_takes_no_longer_for_fragments_that_are_spread_again_and_again(
    schema: GraphQLSchema, plans: PlanCache
) -> None:
    depth = 40
    fragments = [
        f"fragment F{level} on Item {{ a: item {{ ...F{level + 1} }} b: item {{ ...F{level + 1} }} }}"
        for level in range(depth)
    ]
    document = parse("\n".join(["{ item { ...F0 } }", *fragments, f"fragment F{depth} on Item {{ name }}"]))
    assert isinstance(document.definitions[0], OperationDefinitionNode)

    # 2**40 selections are written here; the data ends after two levels, and so does the plan.
    result = run(schema, plans, document)

    assert result.errors is None
    assert plans.size_bytes < 1_000_000
