"""What came of an import, in words: a summary for people, and one line per fault, as compilers write them."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from gql_api.rosters.importing import ImportReport
from gql_api.rosters.merge import Merged
from gql_api.rosters.scratch import FaultInFile

_WAY_OUT = "Correct the bundle, or import the rest with --skip-invalid."


def print_report(console: Console, report: ImportReport) -> None:
    """Print the faults, if any, and what has become of the records."""
    for fault in report.faults:
        _print_line(console, _in_words(fault))
    unseen = report.faults_total - len(report.faults)
    if unseen:
        written = "all are in the faults file" if report.options.faults_file else "--faults FILE writes all of them"
        _print_line(console, f"… and {unseen:,} more; {written}.")
    if report.merged is None:
        _print_line(console, f"Nothing was imported; faults: {report.faults_total:,}. {_WAY_OUT}")
        return
    if report.faults_total:
        _print_line(
            console, f"Left out because of these faults, or because they need such a row: {report.faults_total:,}."
        )
    console.print(_table(report, report.merged))
    _print_line(console, _passed_over(report, report.merged))
    if report.options.dry_run:
        _print_line(console, "This was a dry run: nothing was kept.")


def _in_words(fault: FaultInFile) -> str:
    """Write a fault so that its value can neither break the line nor command the terminal."""
    column = fault.column or "the row"
    value = f" (is {fault.value!a})" if fault.value else ""
    return f"{fault.file}.csv:{fault.line}: {column}: {fault.rule}{value}"


def _table(report: ImportReport, merged: Merged) -> Table:
    table = Table("", title=f"OneRoster {report.version}", title_justify="left")
    for heading in ("created", "updated", "unchanged", "stored, not in the bundle"):
        table.add_column(heading, justify="right")
    kinds = {"students": merged.students, "courses": merged.courses, "assignments": merged.assignments}
    for kind, changes in kinds.items():
        counts = (changes.created, changes.updated, changes.unchanged, changes.absent)
        table.add_row(kind, *(f"{count:,}" for count in counts))
    return table


def _passed_over(report: ImportReport, merged: Merged) -> str:
    assignments = merged.assignments.created + merged.assignments.updated + merged.assignments.unchanged
    return (
        f"{merged.enrollments:,} enrollments of students in classes are {assignments:,} assignments to courses. "
        f"Passed over: {report.other_users:,} users who are no students, {report.other_enrollments:,} enrollments "
        "of others."
    )


def _print_line(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
