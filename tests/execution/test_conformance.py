"""graphql-core's own tests of execution, run with the breadth-first executor in its place."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.execution.conformance.swapped_executor import FAULT, FAULTS, REPORT
from tests.execution.conftest import GraphQLCoreTests

REPOSITORY = Path(__file__).parents[2]
SETTINGS = Path(__file__).parent / "conformance" / "pytest.ini"
TEST_TIMEOUT_SECONDS = 20
FILES = (
    "tests/execution",
    "tests/test_star_wars_query.py",
    "tests/test_star_wars_introspection.py",
    "tests/test_user_registry.py",
    "tests/type/test_enum.py",
    "tests/type/test_introspection.py",
)

IN_RESPONSE_ORDER = """Errors are listed in the order of the response, not in the order of time; and where several would
null the same position, those are reported that an execution in the order of the response meets."""
TO_THE_END = """A column waits for all its awaitables, as they belong to other objects as well: a null that travels up
cancels what is still awaited only if it takes all data with it. The specification allows to cancel, and not to."""
READ_FIRST = "An asynchronous iterable is read to its end before its items are completed."
NO_RECURSION = "Levels are executed without recursion, so selections may be nested deeper than the stack is."

LISTS = "tests/execution/test_lists.py::describe_execute_"
NON_NULL = "tests/execution/test_nonnull.py::describe_execute_handles_non_nullable_types::describe_"
ONE_POSITION = f"{NON_NULL}handles_multiple_errors_for_a_single_response_position::"
PARALLEL = "tests/execution/test_parallel.py::describe_parallel_execution::describe_cancel_on_exception::"
KNOWN_DIFFERENCES = {
    f"{NON_NULL}nulls_a_complex_tree_of_nullable_fields_each::throws": IN_RESPONSE_ORDER,
    f"{ONE_POSITION}nullable_and_non_nullable_root_fields_throw_nested_errors": IN_RESPONSE_ORDER,
    f"{ONE_POSITION}slower_nullable_after_non_nullable_root_field": IN_RESPONSE_ORDER,
    f"{ONE_POSITION}nullable_and_non_nullable_nested_fields_throw_nested_errors": IN_RESPONSE_ORDER,
    f"{ONE_POSITION}slower_nullable_after_non_nullable_nested_field": IN_RESPONSE_ORDER,
    f"{LISTS}accepts_async_iterables_as_list_value::handles_mixture_of_sync_and_async_errors_in_async_iterables": (
        IN_RESPONSE_ORDER
    ),
    f"{LISTS}accepts_async_iterables_as_list_value::calls_aclose_when_non_null_list_item_errors": READ_FIRST,
    f"{LISTS}handles_abrupt_completion_in_synchronous_iterables"
    "::handles_sync_errors_with_later_pending_awaitables": TO_THE_END,
    f"{PARALLEL}cancel_lists": TO_THE_END,
    f"{PARALLEL}cancel_async_iterators": TO_THE_END,
    "tests/execution/test_cancellation.py::describe_execute_cancellation"
    "::stops_late_sibling_object_completion_after_non_null_bubbling": TO_THE_END,
    "tests/execution/test_too_deeply_nested_selections.py::describe_too_deeply_nested_selections_at_the_root"
    "::reports_a_too_deep_chain_inside_a_field_as_a_field_error": NO_RECURSION,
}


def run(tests: GraphQLCoreTests, report: Path, *arguments: str, fault: str = "") -> dict[str, Any]:
    command = [sys.executable, "-m", "pytest", "-c", str(SETTINGS), "--rootdir", str(tests.root), "-q"]
    command += ["-p", "swapped_executor", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    environment = {
        **os.environ,
        # Their package is called `tests` too, so the plugin is found by its own folder.
        "PYTHONPATH": os.pathsep.join(map(str, [SETTINGS.parent, REPOSITORY, tests.describe])),
        "PYTHONDONTWRITEBYTECODE": "1",
        REPORT: str(report),
        FAULT: fault,
    }
    subprocess.run(  # noqa: S603  our own arguments
        [*command, *arguments], cwd=tests.root, env=environment, capture_output=True, check=False, timeout=300
    )
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return result


def test_graphql_cores_tests_of_execution_pass(graphql_core_tests: GraphQLCoreTests, tmp_path: Path) -> None:
    deselected = [f"--deselect={test}" for test in KNOWN_DIFFERENCES]

    result = run(graphql_core_tests, tmp_path / "report.json", *FILES, *deselected, f"--timeout={TEST_TIMEOUT_SECONDS}")

    print(f"graphql-core {graphql_core_tests.version}: {json.dumps(result)}")  # noqa: T201  shown by -rP
    assert result["failed"] == []
    # A run that hands its operations on to graphql-core would prove nothing.
    assert result["outcomes"]["passed"] >= 780
    assert result["tests_reaching_the_executor"] >= 290
    assert result["operations_planned"] >= 400


def test_every_known_difference_is_one(graphql_core_tests: GraphQLCoreTests, tmp_path: Path) -> None:
    result = run(graphql_core_tests, tmp_path / "report.json", *KNOWN_DIFFERENCES, "--timeout=2")

    assert sorted(set(result["failed"])) == sorted(KNOWN_DIFFERENCES)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(graphql_core_tests: GraphQLCoreTests, tmp_path: Path, fault: str) -> None:
    files = ("tests/execution/test_nonnull.py", "tests/type/test_enum.py")

    result = run(graphql_core_tests, tmp_path / "report.json", *files, "--exitfirst", fault=fault)

    assert result["failed"] != []
