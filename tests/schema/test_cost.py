import sys
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from graphql import DocumentNode, OperationType, parse
from graphql.utilities import get_introspection_query
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from benchmarks.workloads import Workload
from gql_api.schema.amounts import COUNT_MAX
from gql_api.schema.cost import CostModel, Counts, MeasuredOperation
from gql_api.schema.documents import DocumentCache, core_schema
from gql_api.schema.limits import Limits
from tests.database.school import MOMENTS, School
from tests.execution.query_generator import QueryGenerator
from tests.schema.api import LIMITS, SCHEMA, Api
from tests.schema.naive_cost import NaiveCost
from tests.schema.test_statement_counts import school

MODEL = CostModel(core_schema(SCHEMA), page_limits=LIMITS, limits=Limits())
FIVE_LEVELS = (
    "{ students(first: 100) { nodes { courses(first: 100) { nodes { students(first: 100) { nodes {"
    " courses(first: 100) { nodes { students(first: 100) { nodes { name } } } } } } } } } } }"
)


def measured(text: str) -> MeasuredOperation:
    (operation,) = MODEL.measure(parse(text)).values()
    return operation


def cost(text: str, **variables: Any) -> int:
    return measured(text).cost(variables)


def objects_in(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(objects_in, value.values()))
    return sum(map(objects_in, value)) if isinstance(value, list) else 0


def everybody_takes_everything(students: int, courses: int) -> School:
    pairs = [(student, course) for student in range(1, students + 1) for course in range(1, courses + 1)]
    assignments = tuple(
        {"student_id": student, "course_id": course, "assigned_at": MOMENTS[0]} for student, course in pairs
    )
    return replace(school(students, courses), assignments=assignments)


# What the cost is


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("{ __typename }", 1),
        ("{ students { nodes { name } } }", 1 + 1 + 20),
        ("{ students(first: 7) { edges { cursor node { name } } pageInfo { hasNextPage } } }", 1 + 1 + 7 * 2 + 1),
        ("{ students(last: 7) { nodes { id } edges { cursor } } }", 1 + 1 + 7 * 2),
        ("{ students(first: 3) { nodes { courses(first: 4) { nodes { id } } } } }", 1 + 1 + 3 * (1 + 1 + 4)),
        ('{ student(id: "x") { courses(first: 2) { nodes { id } } } }', 1 + 1 + 1 + 2),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 1 + 3 + 3),
        ('{ nodes(ids: "a") { id } }', 1 + 1 + 1),
        ('{ students(first: 2, filter: {name: {in: ["a", "b", "c"]}}) { nodes { id } } }', 1 + 1 + 2 + 3),
        ("{ students(first: 2) { totalCount } }", 1 + 1 + 10),
        ("{ courses(first: 2) { nodes { seatsTaken } } }", 1 + 1 + 2 * (1 + 10)),
        ("{ students(first: 5) { nodes {" + "".join(f" n{n}: name" for n in range(11)) + " } } }", 1 + 1 + 5 * 2),
        ("{ students(first: 0) { nodes { courses { nodes { id } } } } }", 1 + 1),
        ('mutation { deleteStudent(input: {id: "x"}) { __typename } }', 1 + 1 + 10),
        (
            'mutation { assignCourses(input: {assignments: [{studentId: "a", courseId: "b"}, {studentId: "a", courseId:'
            ' "c"}]}) { ... on AssignCoursesSuccess { results { ... on AssignCourseSuccess { student { id } } } } } }',
            1 + 1 + 10 + 10 * 2 + 2 * 2,
        ),
        ("subscription { courseAssignments { student { id } course { id } } }", 1 + 1 + 2),
        (Workload.DEEP.document, 4422),
        (FIVE_LEVELS, 10_202_020_202),
    ],
)
def test_the_cost_is_the_number_of_objects_that_are_asked_for(text: str, objects: int) -> None:
    assert cost(text) == objects


@pytest.mark.parametrize(
    ("variables", "rows"),
    [({}, 3), ({"n": 7}, 7), ({"n": None}, 20), ({"n": 0}, 0), ({"n": -5}, 0), ({"n": 10**30}, 500), ({"n": 5.0}, 5)],
)
def test_variables_decide_how_large_a_page_is(variables: dict[str, Any], rows: int) -> None:
    text = "query ($n: Int = 3) { students(first: $n) { nodes { name } } }"
    assert cost(text, **variables) == 2 + rows
    operation = measured(text)
    assert [operation.cost(variables) for _ in range(3)] == [2 + rows] * 3


def test_a_page_size_that_is_no_number_counts_as_none_given() -> None:
    for nonsense in ("x", [1], {"a": 1}, None):
        assert cost("query ($n: Int) { students(first: $n) { nodes { name } } }", n=nonsense) == 22


def test_elements_count_wherever_they_are_passed() -> None:
    ids = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } again: nodes(ids: $ids) { id } }"
    assert [cost(ids, ids=value) for value in ([], ["a"], ["a"] * 100, "a")] == [1, 5, 401, 5]
    filtered = "query ($filter: StudentFilter) { students(first: 1, filter: $filter) { nodes { id } } }"
    assert (
        cost(filtered, filter={"or": [{"name": {"in": ["a", "b"]}}, {"not": {"email": {"in": ["c"]}}}]})
        == 3 + 3 + 2 * 10
    )
    below = "courses(first: 1, filter: {code: {in: $in}}) { nodes { id } }"
    nested_lists = f"query ($in: [String!]) {{ students {{ nodes {{ {below} }} }} }}"
    assert cost(nested_lists, **{"in": ["a"] * 9}) == 2 + 20 * (1 + 1 + 1) + 9


def test_what_is_skipped_costs_nothing() -> None:
    text = "query ($with: Boolean!) { students { nodes { courses @include(if: $with) { nodes { id } } } } }"
    assert [cost(text, **{"with": value}) for value in (True, False)] == [2 + 20 * 22, 2 + 20]
    assert (
        cost("{ students @skip(if: true) { nodes { id } } ... @include(if: false) { courses { nodes { id } } } }") == 1
    )


def test_costs_of_different_variables_are_not_mixed_up() -> None:
    operation = measured(
        "query ($n: Int, $m: Int) { a: students(first: $n) { nodes { id } } courses(first: $m) { nodes { id } } }"
    )
    for n in range(40):
        for m in (0, 1, 50):
            assert operation.cost({"n": n, "m": m}) == 3 + n + m
    assert operation.cost({}) == operation.cost(None) == 43


def test_fragments_count_wherever_they_are_spread() -> None:
    text = (
        "{ a: students(first: 2) { ...S } b: students(first: 5) { ...S } }"
        " fragment S on StudentConnection { nodes { ...N } }"
        " fragment N on Student { courses(first: 3) { nodes { id } } }"
    )
    assert cost(text) == 1 + (1 + 2 * (1 + 1 + 3)) + (1 + 5 * (1 + 1 + 3))
    assert measured(text).counts == Counts(depth=5, fields=10, root_fields=2, aliases=2)


async def test_full_pages_have_as_many_objects_as_they_cost(database_url: str) -> None:
    texts = [
        "{ students(first: 9) { nodes { courses(first: 4) { nodes { students(first: 5) { nodes { id } } } } } } }",
        "query ($n: Int) { courses(last: $n) { edges { node { students(first: 3) { edges { node { id } } } } } } }",
        "{ students(first: 3) { ...S } } fragment S on StudentConnection { nodes { courses(first: 2) { ...C } } }"
        " fragment C on StudentCourseConnection { nodes { id } pageInfo { hasNextPage } }",
    ]
    async with Api(database_url) as api:
        await api.store(everybody_takes_everything(20, 12))
        for text in texts:
            assert objects_in(await api.data(text, n=4)) == cost(text, n=4)


# The pass itself

generated = settings(
    max_examples=300, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@generated
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([5, 20, 60]),
    st.sampled_from([OperationType.QUERY, OperationType.MUTATION]),
)
def test_it_counts_what_walking_through_every_spread_counts(
    seed: int, fields_max: int, operation_type: OperationType
) -> None:
    schema = core_schema(SCHEMA)
    random = Random(seed)  # noqa: S311 - reproducible on purpose
    operation = QueryGenerator(schema, random, fields_max=fields_max).operation(operation_type)
    tree = DocumentCache(SCHEMA).get(operation.text()).tree
    assume(tree is not None)
    assert tree is not None
    found = measured(operation.text())
    naive = NaiveCost(schema, tree, operation.variables)
    assert found.counts == naive.counts()
    assert found.cost(operation.variables) == min(naive.cost(), COUNT_MAX)


def doubling(levels: int) -> str:
    """Fragments that spread the next one twice: what they hold doubles at every level."""
    chain = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(levels))
    return f"{{ ...f0 }} {chain} fragment f{levels} on Query {{ students(first: 500) {{ nodes {{ name }} }} }}"


def doubling_lists(levels: int) -> str:
    """The same, below fields and with variables."""
    chain = "".join(
        f"fragment f{n} on Student {{ a{n}: courses(first: $n) {{ nodes {{ students {{ nodes {{ ...f{n + 1} }} }} }} }}"
        f" b{n}: courses(last: $n) {{ nodes {{ students {{ nodes {{ ...f{n + 1} }} }} }} }} }} "
        for n in range(levels)
    )
    return f"query ($n: Int) {{ students {{ nodes {{ ...f0 }} }} }} {chain} fragment f{levels} on Student {{ name }}"


def operations(count: int) -> str:
    """Operations that all spread the same large fragment."""
    return (
        " ".join(f"query Q{n} {{ ...f }}" for n in range(count))
        + " fragment f on Query {"
        + " a: node(id: 1) { id }" * count
        + "}"
    )


def nested(levels: int) -> str:
    return "{" + "... {" * levels + "students { nodes { name } }" + "}" * levels + "}"


def calls_of(action: Callable[[], object]) -> int:
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("family", [doubling, doubling_lists, operations, nested])
def test_twice_the_document_takes_twice_the_steps(family: Callable[[int], str]) -> None:
    def steps(tree: DocumentNode) -> int:
        return calls_of(lambda: MODEL.measure(tree))

    small, large = parse(family(40)), parse(family(80))
    MODEL.measure(large)  # so that the prices of the fields are there
    assert steps(large) < 2.2 * steps(small)


def test_a_cost_that_variables_decide_takes_steps_by_the_size_of_the_document() -> None:
    def steps(operation: MeasuredOperation) -> int:
        assert operation.cost({"n": 500}) == COUNT_MAX
        return calls_of(lambda: operation.cost({"n": "?"}))

    assert steps(measured(doubling_lists(80))) < 2.2 * steps(measured(doubling_lists(40)))


def test_a_kilobyte_of_spreads_that_double_is_counted_in_a_moment() -> None:
    text = doubling(22)
    assert len(text) < 1024
    tree = parse(text)
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        operations = MODEL.measure(tree)
        seconds.append(time.perf_counter() - began)
    assert operations[None].counts.fields == 3 * 2**22
    assert min(seconds) < 0.001


def test_numbers_end_where_they_stay_exact_in_json() -> None:
    operation = measured(doubling(80))
    assert operation.counts.fields == operation.counts.root_fields == COUNT_MAX < 2**53
    assert operation.cost(None) == COUNT_MAX


# What is refused


@pytest.mark.parametrize(
    ("text", "counted", "requested", "maximum", "sentence"),
    [
        ("{ students { nodes {" + " courses { nodes { students { nodes {" * 4 + " id " + "}" * 19, "depth", 19, 15,
         "The operation is 19 levels deep"),
        ("{" + "".join(f" a{n}: __typename" for n in range(51)) + "}", "aliases", 51, 50,
         "The operation has 51 aliases"),
        ("{ students { nodes {" + " name" * 499 + "} } }", "fields", 501, 500, "The operation selects 501 fields"),
        ("{" + " __typename" * 51 + "}", "root fields", 51, 50, "The operation selects 51 root fields"),
        ("{" + " __typename @skip(if: false) ... @skip(if: false) { __typename }" * 26 + "}", "directives", 52, 50,
         "The operation has 52 directives"),
        ("{ __type(name: \"Query\") {" + " ofType {" * 20 + " name " + "}" * 22, "introspection depth", 22, 20,
         "The operation's introspection is 22 levels deep"),
        (FIVE_LEVELS, "cost", 10_202_020_202, 25_000, "The cost of the operation is 10202020202"),
    ],
)  # fmt: skip
def test_what_asks_for_too_much_is_told_what_was_counted_and_what_is_allowed(
    text: str, counted: str, requested: int, maximum: int, sentence: str
) -> None:
    refusals = measured(text).refusals
    assert {
        "message": f"{sentence}; the most that is allowed is {maximum}.",
        "extensions": {"code": "TOO_EXPENSIVE", "counted": counted, "requested": requested, "maximum": maximum},
    } in refusals


@pytest.mark.parametrize("workload", Workload)
def test_the_benchmarks_questions_are_within_the_limits(workload: Workload) -> None:
    operation = measured(workload.document)
    assert (operation.refusals, operation.cost({}) <= Limits().cost_max) == ((), True)


def test_the_introspection_of_tools_is_within_the_limits() -> None:
    text = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    operation = measured(text)
    assert operation.refusals == ()
    assert operation.cost({}) < Limits().cost_max / 10


@pytest.mark.parametrize(
    "selected", ["nodes { courses { nodes { title } } }", "edges { node { courses { edges { node { title } } } } }"]
)
def test_the_largest_page_with_a_page_below_each_row_is_within_the_limits(selected: str) -> None:
    assert measured(f"{{ students(first: 500) {{ {selected} }} }}").refusals == ()


async def test_a_refused_operation_runs_no_statement(database_url: str) -> None:
    async with Api(database_url) as api:
        response = await api.execute(FIVE_LEVELS)
        assert response["errors"][0]["extensions"]["code"] == "TOO_EXPENSIVE"
        assert "data" not in response
        response = await api.execute("query ($n: Int) " + FIVE_LEVELS.replace("100", "$n"), n=100)
        assert response["errors"][0]["extensions"]["requested"] == 10_202_020_202
        assert api.statements == []
