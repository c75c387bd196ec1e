"""The Open University's roster (Kuzilek, Hlosta, Zdrahal 2017, CC BY 4.0) in OneRoster's layout: real and large."""

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.errors import BundleUnusable
from gql_api.rosters.importing import ImportReport, import_bundle
from gql_api.rosters.merge import Changes, Merged
from gql_api.rosters.report import print_report
from tests.rosters.stored import NOTHING_STORED, day, every_row, stored

OULAD = Path(os.environ.get("OULAD_DIRECTORY", Path(__file__).parents[3] / "shared" / "data" / "oulad"))

pytestmark = pytest.mark.skipif(
    not OULAD.is_dir(), reason=f"no folder {OULAD.name} beside the repository; OULAD_DIRECTORY may name it"
)


async def test_the_whole_roster_is_imported_and_a_second_time_changes_nothing(engine: AsyncEngine) -> None:
    report = await import_bundle(engine, OULAD / "oulad-oneroster-1.2.zip")
    assert report.merged == Merged(
        Changes(28_785, 0, 0, 0), Changes(7, 0, 0, 0), Changes(31_284, 0, 0, 0), 32_593, 32_593
    )
    assert (report.faults_total, report.other_users, report.other_enrollments) == (0, 0, 0)
    assert_documented(report)
    first = await every_row(engine)
    assert [len(rows) for rows in first] == [28_785, 7, 31_284]
    assert_as_in_the_files((await stored(engine)).assignments)

    report = await import_bundle(engine, OULAD / "oulad-oneroster-1.2.zip")
    assert report.merged == Merged(
        Changes(0, 0, 28_785, 0), Changes(0, 0, 7, 0), Changes(0, 0, 31_284, 0), 32_593, 32_593
    )
    assert await every_row(engine) == first


def assert_documented(report: ImportReport) -> None:
    output = io.StringIO()
    print_report(Console(file=output, force_terminal=False, width=80), report)
    printed = "\n".join(line.rstrip() for line in output.getvalue().splitlines())
    assert printed in (Path(__file__).parents[2] / "docs" / "rosters.md").read_text(encoding="utf-8")


def assert_as_in_the_files(assignments: set[tuple[Any, ...]]) -> None:
    """Compare with the same roster collapsed in plain Python: each pair once, since the first day that is stated."""
    with zipfile.ZipFile(OULAD / "oulad-oneroster-1.2.zip") as archive:
        courses = {row["sourcedId"]: row["courseSourcedId"] for row in rows_of(archive, "classes.csv")}
        days: dict[tuple[str, str], set[str]] = {}
        for row in rows_of(archive, "enrollments.csv"):
            pair = row["userSourcedId"], courses[row["classSourcedId"]]
            days.setdefault(pair, set()).update({row["metadata.registrationDate"]} - {""})
    undated = {pair for pair, stated in days.items() if not stated}
    assert len(undated) == 35
    dated = {row for row in assignments if row[:2] not in undated}
    assert dated == {(*pair, day(min(stated))) for pair, stated in days.items() if stated}
    assert {row[:2] for row in assignments - dated} == undated
    assert len({row[2] for row in assignments - dated}) == 1  # the time of the import


def rows_of(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as stream:
        yield from csv.DictReader(io.TextIOWrapper(stream, "utf-8", newline=""))


async def test_the_roster_of_changes_alone_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(BundleUnusable, match=r"enrollments\.csv is delta; export it in bulk mode"):
        await import_bundle(engine, OULAD / "oulad-oneroster-1.2-delta-unregistrations.zip")
    assert await stored(engine) == NOTHING_STORED
