"""The breadth-first executor against graphql-core's own, on generated operations over a schema that does anything.

Without awaitables both must say exactly the same. With them, graphql-core lists errors in the order of time, and of
several errors that null the same position it reports those that came before it stopped, while the breadth-first
executor reports what an execution in the order of the response would. So the data must be the same, the nulled
positions must be the same, and every error must be one that graphql-core finds when no null stops it.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest
from graphql import DocumentNode, ExecutionResult, OperationType, execute, execute_sync, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql_api.execution import BreadthFirstExecutor, PlanCache
from tests.execution.adversarial_schema import Nature
from tests.execution.comparison import errors_in_place, located, objects_dropped, positions_nulled
from tests.execution.query_generator import GeneratedOperation, QueryGenerator

EXAMPLES_COUNT = int(os.environ.get("EXECUTION_EXAMPLES", "400"))
"""How many operations each test generates."""
NATURES_COUNT = 4
"""Under how many natures each operation is executed."""


class Case(NamedTuple):
    """What decides an operation and everything that its fields do."""

    seed: int
    fields_max: int
    wildness: int
    operation_type: OperationType


cases = st.builds(
    Case,
    seed=st.integers(0, 2**32 - 1),
    fields_max=st.sampled_from([3, 12, 40]),
    wildness=st.sampled_from([0, 2, 5, 15]),
    operation_type=st.sampled_from([OperationType.QUERY, OperationType.QUERY, OperationType.MUTATION]),
)
generated = settings(
    max_examples=EXAMPLES_COUNT,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
synchronous = Nature(asynchronous=False)
asynchronous = Nature(asynchronous=True)


def prepare(nature: Nature, case: Case) -> GeneratedOperation:
    random = Random(case.seed)  # noqa: S311  reproducible on purpose
    generator = QueryGenerator(nature.schema, random, fields_max=case.fields_max)
    operation = generator.operation(case.operation_type)
    assert validate(nature.schema, parse(operation.text())) == []
    return operation


def natures(nature: Nature, case: Case) -> Iterator[Nature]:
    for number in range(NATURES_COUNT):
        nature.salt, nature.wildness, nature.mutations = case.seed + number, case.wildness, []
        yield nature


async def execute_on(
    nature: Nature, document: DocumentNode, variables: dict[str, Any], **options: Any
) -> ExecutionResult:
    result = execute(nature.schema, document, nature.root(), None, variables, **options)
    return result if isinstance(result, ExecutionResult) else await result


@given(case=cases)
@generated
def test_without_awaitables_every_result_is_the_same(case: Case) -> None:
    plans = PlanCache()
    operation = prepare(synchronous, case)
    document = parse(operation.text())
    for nature in natures(synchronous, case):
        arguments = (nature.schema, document, nature.root(), None, operation.variables)
        expected = execute_sync(*arguments)
        mutations_expected, nature.mutations = nature.mutations, []

        result = execute_sync(*arguments, executor_class=BreadthFirstExecutor.with_plans(plans))

        assert json.dumps(result.formatted) == json.dumps(expected.formatted)
        assert nature.mutations == mutations_expected
    assert not plans.fallbacks
    assert plans.misses_count == 1


# graphql-core's executor drops some of its own coroutines; that ours drops none is a law of its own below.
@pytest.mark.filterwarnings(
    "ignore:coroutine '(Executor|default_type_resolver):RuntimeWarning",
    "ignore:Exception ignored in. <coroutine object (Executor|default_ty):pytest.PytestUnraisableExceptionWarning",
)
@given(case=cases)
@generated
def test_with_awaitables_all_data_and_all_nulls_are_the_same(case: Case) -> None:
    plans = PlanCache()
    executor_class = BreadthFirstExecutor.with_plans(plans)
    operation = prepare(asynchronous, case)
    document, variables = parse(operation.text()), operation.variables
    document_unstopped = parse(operation.text("@experimental_disableErrorPropagation"))

    async def compare() -> None:
        for nature in natures(asynchronous, case):
            expected = await execute_on(nature, document, variables)
            unstopped = await execute_on(nature, document_unstopped, variables)
            result = await execute_on(nature, document, variables, executor_class=executor_class)
            result_unstopped = await execute_on(nature, document_unstopped, variables, executor_class=executor_class)

            assert json.dumps(result.data) == json.dumps(expected.data)
            assert positions_nulled(result) == positions_nulled(expected)
            assert errors_in_place(result) >= errors_in_place(expected)
            assert located(result.errors) <= located(unstopped.errors)
            assert json.dumps(result_unstopped.data) == json.dumps(unstopped.data)
            assert located(result_unstopped.errors) == located(unstopped.errors)

    asyncio.run(compare())
    assert not plans.fallbacks


def test_no_coroutine_is_dropped() -> None:
    with objects_dropped() as dropped:
        for seed in range(EXAMPLES_COUNT // 4):
            case = Case(seed, fields_max=25, wildness=15, operation_type=OperationType.QUERY)
            operation = prepare(asynchronous, case)
            document = parse(operation.text())
            for nature in natures(asynchronous, case):
                asyncio.run(execute_on(nature, document, operation.variables, executor_class=BreadthFirstExecutor))

    assert dropped == []
