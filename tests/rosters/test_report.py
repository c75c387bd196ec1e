import io
from pathlib import Path

import pytest
from rich.console import Console

from gql_api.rosters.importing import IMPORT_OPTIONS, ImportOptions, ImportReport
from gql_api.rosters.manifest import Version
from gql_api.rosters.merge import Changes, Merged
from gql_api.rosters.progress import LINE_SECONDS_MIN, ProgressReport
from gql_api.rosters.report import print_report
from gql_api.rosters.scratch import FaultInFile, Standing

MERGED = Merged(Changes(1_000, 2, 3, 4), Changes(5, 6, 7, 8), Changes(9, 10, 11, 12), 31, 31)
FAULT = FaultInFile("users", 7, "email", "must be unique", "a@b", Standing.FAULTY)
WIDTH = 80


def printed(
    merged: Merged | None,
    *faults: FaultInFile,
    total: int | None = None,
    options: ImportOptions = IMPORT_OPTIONS,
) -> str:
    console = Console(file=io.StringIO(), force_terminal=False, width=WIDTH)
    report = ImportReport(
        path=Path("roster.zip"),
        version=Version.V1_2,
        options=options,
        rows={},
        other_users=13,
        other_enrollments=14,
        merged=merged,
        faults=faults,
        faults_total=len(faults) if total is None else total,
    )
    print_report(console, report)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    return text


def test_the_summary_says_what_has_become_of_everything() -> None:
    text = printed(MERGED)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    assert cells == [
        ["students", "1,000", "2", "3", "4"],
        ["courses", "5", "6", "7", "8"],
        ["assignments", "9", "10", "11", "12"],
    ]
    assert text.splitlines()[-1] == (
        "31 enrollments of students in classes are 30 assignments to courses. "
        "Passed over: 13 users who are no students, 14 enrollments of others."
    )


def test_a_refusal_says_so_and_how_to_go_on() -> None:
    assert printed(None, FAULT) == (
        "users.csv:7: email: must be unique (is 'a@b')\n"
        "Nothing was imported; faults: 1. Correct the bundle, or import the rest with --skip-invalid.\n"
    )


def test_faults_that_are_not_shown_are_counted() -> None:
    assert printed(None, FAULT, total=1_234).splitlines()[1] == "… and 1,233 more; --faults FILE writes all of them."
    to_file = ImportOptions(faults_file=Path("f"))
    assert printed(None, FAULT, total=2, options=to_file).splitlines()[1] == "… and 1 more; all are in the faults file."


def test_rows_that_were_left_out_are_listed_before_the_summary() -> None:
    lines = printed(MERGED, FAULT, options=ImportOptions(skip_invalid=True)).splitlines()
    assert lines[:2] == [
        "users.csv:7: email: must be unique (is 'a@b')",
        "Left out because of these faults, or because they need such a row: 1.",
    ]


def test_a_dry_run_says_so() -> None:
    assert printed(MERGED, options=ImportOptions(dry_run=True)).endswith("This was a dry run: nothing was kept.\n")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[31mred\x07\r\n", r"'\x1b[31mred\x07\r\n'"),
        ("[bold]é\u202e", r"'[bold]\xe9\u202e'"),
        ("x" * 200, "'" + "x" * 200 + "'"),
    ],
)
def test_a_value_can_neither_break_its_line_nor_command_the_terminal(value: str, shown: str) -> None:
    first, *_ = printed(None, FAULT._replace(value=value)).splitlines()
    assert first == f"users.csv:7: email: must be unique (is {shown})"


def test_a_row_as_a_whole_can_be_at_fault() -> None:
    first, *_ = printed(None, FaultInFile("users", 2, "", "has 3 fields", "", Standing.FAULTY)).splitlines()
    assert first == "users.csv:2: the row: has 3 fields"


def steps(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=WIDTH)
    progress = ProgressReport(console)
    for label, total in (("First", 100), ("Second", 0)):
        with progress.step(label, total) as step:
            for _ in range(50):
                step.advance(2)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_without_a_terminal_a_short_step_is_one_plain_line() -> None:
    assert LINE_SECONDS_MIN > 1
    assert steps(terminal=False) == "First: done in 0.0 s\nSecond: done in 0.0 s\n"


def test_on_a_terminal_a_step_is_a_bar_that_ends_full() -> None:
    text = steps(terminal=True)
    assert "100%" in text
    assert "\x1b[" in text
