"""A pytest plugin that runs graphql-core's tests with the breadth-first executor in place of its own.

It is loaded into a process of its own. ``CONFORMANCE_REPORT`` names the file that it writes its report to,
``CONFORMANCE_FAULT`` a fault that it puts into the executor first, to see whether the tests notice.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphql.execution
import pytest

from gql_api.execution import BreadthFirstExecutor, Fallback, completion, operation
from gql_api.execution.level import Level
from gql_api.execution.plan_cache import PlanCache
from gql_api.execution.propagation import Propagation

REPORT = "CONFORMANCE_REPORT"
FAULT = "CONFORMANCE_FAULT"


class Counts:
    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.failed: list[str] = []
        self.operations_planned = 0
        self.operations_handed_on: Counter[str] = Counter()
        self.reached: set[str] = set()
        self.test = ""

    def planned(self) -> None:
        self.operations_planned += 1
        self.reached.add(self.test)

    def report(self) -> dict[str, Any]:
        return {
            "outcomes": self.outcomes,
            "failed": self.failed,
            "operations_planned": self.operations_planned,
            "operations_handed_on": self.operations_handed_on,
            "tests_reaching_the_executor": len(self.reached),
        }


counts = Counts()


class CountingPlanCache(PlanCache):
    def find(self, executor: Any) -> Any:
        plan = super().find(executor)
        if not isinstance(plan, Fallback):
            counts.planned()
        return plan


class CountingExecutor(BreadthFirstExecutor):
    _bound_plans = CountingPlanCache()

    def _find_plan(self) -> Any:
        plan = super()._find_plan()
        if isinstance(plan, Fallback):
            counts.operations_handed_on[plan.value] += 1
        return plan


def leave_nulls_where_they_are() -> None:
    """Forget that a null in a non-null position travels up."""

    class Forgetful(Propagation):
        def __init__(self, levels: Iterable[Level], *, nulls_travel: bool) -> None:
            super().__init__(levels, nulls_travel=not nulls_travel)

    vars(operation)["Propagation"] = Forgetful


def let_leafs_pass() -> None:
    """Forget to serialise scalars and enums."""
    vars(completion)["complete_leaves"] = lambda _operation, _field, _shape, values, _kinds: values


FAULTS = {fault.__name__: fault for fault in (leave_nulls_where_they_are, let_leafs_pass)}


def pytest_configure() -> None:
    # The package's `execute` is the function; the module of that name holds the executors that it uses by default.
    module: Any = sys.modules["graphql.execution.execute"]
    assert module is not graphql.execution.execute
    module.IncrementalExecutor = CountingExecutor
    module.ExecutorThrowingOnIncremental = CountingExecutor
    fault = os.environ.get(FAULT)
    if fault:
        FAULTS[fault]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    counts.test = item.nodeid


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        counts.outcomes[report.outcome] += 1
    if report.failed:
        counts.failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    Path(os.environ[REPORT]).write_text(json.dumps(counts.report()), encoding="utf-8")
