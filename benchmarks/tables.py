"""Results → Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.contenders import Contender
from benchmarks.results import Results
from benchmarks.statements import Statements
from benchmarks.summary import Median, cpu, requests_per_second, total_cpu
from benchmarks.workloads import Workload
from gql_api.database.address import Dialect

RATIO_CONCURRENCY: Final = 8
"""At which the servers are compared, if it was measured; otherwise at the highest."""

NOT_MEASURED: Final = ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int = 1) -> str:
    """A Markdown table; the columns after those of text are aligned to the right."""
    lines = [head, ["---" if place < text_columns else "---:" for place in range(len(head))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def compared_at(results: Results) -> int:
    """The concurrency at which the servers are compared."""
    return RATIO_CONCURRENCY if RATIO_CONCURRENCY in results.concurrencies else max(results.concurrencies)


def ratios(results: Results, dialect: Dialect) -> str:
    """This project's server as a multiple of the others."""
    at = compared_at(results)

    def cells(workload: Workload) -> list[str]:
        series = f"{dialect} {workload}"
        ours = (series, Contender.GQL_API, at)
        by_hand, documented = ((series, other, at) for other in (Contender.HAND_WRITTEN, Contender.STRAWBERRY))
        return [
            f"{workload} {workload.meaning}",
            _ranged(results.summary.ratio(requests_per_second, ours, by_hand)),
            _ranged(results.summary.ratio(cpu, by_hand, ours)),
            _ranged(results.summary.ratio(requests_per_second, ours, documented)),
            _ranged(results.summary.ratio(cpu, documented, ours)),
        ]

    head = [
        f"concurrency {at}",
        "requests/s ÷ hand-written",
        "hand-written's CPU ÷ ours",
        "requests/s ÷ Strawberry",
        "Strawberry's CPU ÷ ours",
    ]
    return table(head, map(cells, results.workloads))


def figures(results: Results, dialect: Dialect) -> str:
    """The medians behind the ratios."""
    rows = []
    for workload in results.workloads:
        for contender in Contender:
            for concurrency in results.concurrencies:
                key = (f"{dialect} {workload}", contender, concurrency)
                median = results.summary.median
                rows.append(
                    [
                        f"{workload}",
                        f"{contender}",
                        f"{concurrency}",
                        _shown(median(*key, requests_per_second), 0),
                        _shown(median(*key, lambda found: found.p50_milliseconds)),
                        _shown(median(*key, lambda found: found.p99_milliseconds)),
                        _shown(median(*key, cpu), 3),
                        _shown(median(*key, lambda found: found.postgresql_cpu_milliseconds), 3),
                    ]
                )
    head = ["", "server", "concurrency", "requests/s", "p50 ms", "p99 ms", "CPU ms", "PostgreSQL's CPU ms"]
    if dialect is Dialect.SQLITE:
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table(head, rows, text_columns=2)


def statements(results: Results) -> str:
    """Statements per request."""
    head = ["server", *results.workloads]
    rows = [
        [server, *(_counted(by_workload[workload]) for workload in results.workloads)]
        for server, by_workload in results.statements.items()
    ]
    return table(head, rows)


def memory(results: Results) -> str:
    """The memory of a worker."""
    rows = [
        [f"{server}, {dialect}", f"{found.at_rest_mebibytes:.0f}", f"{found.peak_mebibytes:.0f}"]
        for dialect, servers in results.memory.items()
        for server, found in servers.items()
    ]
    return table(["MiB", "after one request", "at most, under load"], rows)


def scale(results: Results, dialect: Dialect) -> str:
    """The same by number of students: processor time of server and database together, per request."""
    summary, sizes, at = results.summary, results.sizes, RATIO_CONCURRENCY

    def key(title: str, size: int, contender: Contender = Contender.GQL_API) -> tuple[str, str, int]:
        return f"scale {dialect} {title}: {size}", contender, at

    rows = []
    for workload in results.workloads:
        for title in (f"{workload}", f"{workload}, late page"):
            smallest, largest = key(title, sizes[0]), key(title, sizes[-1])
            if not summary.of(*smallest):
                continue
            late = title != workload
            row = [title, *(_shown(summary.median(*key(title, size), total_cpu), 3) for size in sizes)]
            row += [_ranged(summary.ratio(total_cpu, largest, smallest))]
            by_hand = [key(title, size, Contender.HAND_WRITTEN) for size in (sizes[-1], sizes[0])]
            row += ["" if late else _ranged(summary.ratio(total_cpu, *by_hand))]
            row += [_ranged(summary.ratio(requests_per_second, smallest, largest))]
            row += [_ranged(summary.ratio(total_cpu, largest, key(workload, sizes[-1]))) if late else ""]
            rows.append(row)
    head = ["CPU ms per request", *(f"{size:,} students" for size in sizes)]
    head += [
        "largest ÷ smallest",
        "of the hand-written",
        "the same by requests/s",
        f"late ÷ first page at {sizes[-1]:,}",
    ]
    return table(head, rows)


def _shown(median: Median | None, digits: int = 2) -> str:
    return median.shown(digits) if median else NOT_MEASURED


def _ranged(median: Median | None) -> str:
    return median.shown_with_range() if median else NOT_MEASURED


def _counted(found: Statements) -> str:
    brackets = sum(text.rstrip("; ").upper() in {"BEGIN", "COMMIT", "ROLLBACK"} for text in found.texts)
    besides = f", besides {found.besides:.1f}" if found.besides else ""
    return f"{len(found.texts) - brackets}" + (f" + {brackets}" if brackets else "") + besides
