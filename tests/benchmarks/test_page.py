import json
from pathlib import Path

import pytest

from benchmarks.measurement import Measurement, Pace
from benchmarks.memory import Memory
from benchmarks.page import BEGIN, END, write_page
from benchmarks.results import Results
from benchmarks.statements import Statements
from benchmarks.summary import Median
from benchmarks.workloads import Workload
from gql_api.database.address import Dialect

DOCUMENTATION = Path(__file__).parents[2] / "docs"


def measurement(contender: str, round_: int, requests_per_second: float, other_cores: float = 0.0) -> Measurement:
    return Measurement(
        series="postgresql W1",
        contender=contender,
        concurrency=8,
        round=round_,
        requests_per_second=requests_per_second,
        p50_milliseconds=1,
        p99_milliseconds=2,
        cpu_milliseconds=1000 / requests_per_second,
        postgresql_cpu_milliseconds=0.5,
        other_cores=other_cores,
    )


@pytest.fixture
def results() -> Results:
    found = Results([Workload.ROSTER], [8], [], Pace(2, 1, 4), ["One core."])
    found.databases[Dialect.POSTGRESQL] = "PostgreSQL 18"
    for round_, (ours, by_hand, documented) in enumerate([(800, 1000, 50), (850, 1000, 50), (900, 1000, 50)]):
        found.measurements.append(measurement("gql-api", round_, ours))
        found.measurements.append(measurement("hand-written", round_, by_hand))
        found.measurements.append(measurement("Strawberry", round_, documented))
    return found


def test_the_page_has_a_place_for_the_results() -> None:
    text = (DOCUMENTATION / "performance.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1


def test_what_stands_around_the_results_stays(results: Results, tmp_path: Path) -> None:
    page, plot = tmp_path / "performance.md", tmp_path / "performance.svg"
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\n# After\n", encoding="utf-8")
    write_page(results, page, plot)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Before\n\n{BEGIN}\n\n![")
    assert text.endswith(f"\n\n{END}\n\n# After\n")
    assert "old" not in text
    assert "| W1 roster page: 50 students, the courses of each | 0.85 (0.80 to 0.90) | 0.85 (0.80 to 0.90) |" in text
    assert "| 17.00 (16.00 to 18.00) |" in text
    assert ">0.85</text>" in plot.read_text(encoding="utf-8")


def test_a_page_without_a_place_for_the_results_is_left_alone(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Mine\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the results"):
        write_page(results, page, tmp_path / "performance.svg")
    assert page.read_text(encoding="utf-8") == "# Mine\n"


def test_every_measurement_is_kept(results: Results, tmp_path: Path) -> None:
    results.statements = {"gql-api": {Workload.ROSTER: Statements(["SELECT 1"], 0.5)}}
    results.memory = {Dialect.POSTGRESQL: {"gql-api": Memory(50.0, 60.0)}}
    results.save(tmp_path / "results.json")
    kept = json.loads((tmp_path / "results.json").read_bytes())
    assert [found["requests_per_second"] for found in kept["measurements"][:3]] == [800, 1000, 50]
    assert kept["statements"] == {"gql-api": {"W1": {"texts": ["SELECT 1"], "besides": 0.5}}}
    assert kept["memory"] == {"postgresql": {"gql-api": {"at_rest_mebibytes": 50.0, "peak_mebibytes": 60.0}}}


def test_disturbed_measurements_are_left_out_if_enough_others_remain(results: Results) -> None:
    results.measurements.append(measurement("gql-api", 3, 10, other_cores=0.5))
    median = results.summary.median("postgresql W1", "gql-api", 8, lambda found: found.requests_per_second)
    assert median == Median(850, 800, 900, is_disturbed=False)


def test_too_few_undisturbed_measurements_mark_the_figure(results: Results) -> None:
    results.measurements[0] = measurement("gql-api", 0, 100, other_cores=0.5)
    median = results.summary.median("postgresql W1", "gql-api", 8, lambda found: found.requests_per_second)
    assert median == Median(850, 100, 900, is_disturbed=True)
    assert median.shown(0) == "850~"
