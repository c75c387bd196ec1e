from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.rosters.commands import import_command, seed_command
from gql_api.rosters.importing import IMPORT_OPTIONS
from gql_api.rosters.synthetic import Population
from gql_api.services.actor import OPERATOR, Actor
from tests.rosters.sample_bundle import replaced, sample, written

IDA = Actor("ida", OPERATOR)

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # what is printed does not depend on it


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):  # Rich would believe in one
        monkeypatch.delenv(variable, raising=False)


async def test_import_shows_progress_beside_its_report(
    engine: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await import_command(engine, written(sample(), tmp_path), IMPORT_OPTIONS, IDA) is True
    out, err = capsys.readouterr()
    assert "│ assignments │       3 │       0 │         0 │                         0 │" in out.splitlines()
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        *(f"Reading {name}.csv" for name in ("orgs", "academicSessions", "courses", "classes", "users", "roles")),
        "Reading enrollments.csv",
        "Checking",
        *(f"Loading {kind}" for kind in ("students", "courses", "assignments")),
        "Merging",
        "Committing",
    ]


async def test_import_says_that_nothing_was_imported(
    engine: AsyncEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = replaced(sample(), "users.csv", "false,eve", "no,eve")
    assert await import_command(engine, written(bundle, tmp_path), IMPORT_OPTIONS, IDA) is False
    assert capsys.readouterr().out == (
        "users.csv:4: enabledUser: must be one of true, false (is 'no')\n"
        "Nothing was imported; faults: 1. Correct the bundle, or import the rest with --skip-invalid.\n"
    )


async def test_seed_says_how_much_was_invented(engine: AsyncEngine, capsys: pytest.CaptureFixture[str]) -> None:
    await seed_command(engine, Population(students=1_200, courses=8, per_student=0, seed=1))
    out, err = capsys.readouterr()
    assert out == "1,200 students, 8 courses, 0 assignments.\n"
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        "Inventing courses",
        "Inventing students",
        "Inventing assignments",
        "Committing",
    ]
